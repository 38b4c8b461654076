"""Many photos without a browser: what the page is told while a job waits, runs, fails, is cancelled and ends."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import gradio as gr
import pytest
from photos import load_portrait
from test_archives import write_zip
from videos import write_video

from fer_models.batch import MAX_FILES
from fer_models.demo.components.many import MAX_SHOWN_ROWS, render_faces
from fer_models.demo.disagreement import measure_disagreement
from fer_models.demo.handlers import many_photos
from fer_models.demo.handlers.jobs import MAX_JOBS, View
from fer_models.demo.handlers.many import ManyHandlers
from fer_models.demo.handlers.many_open import find_photo
from fer_models.demo.handlers.many_photos import FaceTable
from fer_models.demo.locales import LOCALES, translate
from fer_models.demo.tabs.many import build_many_tab
from fer_models.demo.words import Words
from fer_models.faces import FaceDetector
from fer_models.images import read_image
from fer_models.inference import LoadedModel


@pytest.fixture
def handlers(models: list[LoadedModel], detector: FaceDetector) -> ManyHandlers:
    return ManyHandlers(models, detector)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> list[tuple[str, Path]]:
    portrait = tmp_path_factory.mktemp("portrait") / "one.png"
    load_portrait().resize((256, 300)).save(portrait)
    return [("one.png", portrait), *((name, samples / name) for name in ("two.png", "sky.png", "text.png"))]


@pytest.fixture(scope="module")
def table(models: list[LoadedModel], detector: FaceDetector, files: Any) -> View:
    """What the page shows in the end."""
    return run(ManyHandlers(models, detector), files, "es")[-1]


def run(handlers: ManyHandlers, files: Any, language: str = "en") -> list[View]:
    handlers.begin(files, "visitor", "job", language)
    return list(handlers.run(files, "visitor", "job", 4, language))


def find_events(handlers: ManyHandlers) -> dict[str | None, Any]:
    """The functions of the tab, by their names."""
    with gr.Blocks() as page:
        build_many_tab(handlers, Words(), gr.Radio(), gr.HTML(), gr.Tabs())
    return {event.name: event.fn for event in page.fns.values()}


@pytest.mark.parametrize(
    ("key", "names", "broken"),
    [
        ("many.nothing", [], None),
        ("many.video_alone", ["one.png", "film.mp4"], None),
        ("error.too_many_files", ["one.png"], "fer_models.batch.MAX_FILES"),
        ("many.failed", ["one.png"], "fer_models.demo.handlers.many.classify"),
    ],
)
def test_why_there_is_nothing_is_said_again_in_another_language(
    handlers: ManyHandlers, files: Any, key: str, names: list[str], broken: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken:
        monkeypatch.setattr(broken, 0)
    film = write_video(files[0][1].with_name("film"), 1, format="mp4")
    chosen = [(name, film if name == "film.mp4" else files[0][1]) for name in names]
    *_, view = [handlers.begin(chosen, "visitor", "job", "en"), *handlers.run(chosen, "visitor", "job", 4, "en")]
    for language in LOCALES:  # the page shows a report again when a job has ended, and when the language changes
        assert translate(language, key, files=MAX_FILES) in view.report.render(language)


def test_every_face_and_every_failure_is_a_row_which_is_shown_again_in_another_language(table: View) -> None:
    assert table.results is not None
    assert len(re.findall('<tr role="row"[^>]* data-row=', table.results)) == 3 + 2
    assert table.results.count('class="fer-no-face"') == 2
    assert table.results.count("data:image/jpeg") == 3
    assert "data:text/csv" in table.results
    assert table.progress == ""
    again = table.report.render("en")
    for key in ("error.no_face", "error.not_an_image"):
        assert translate("es", key) in table.results
        assert translate("es", key) not in again
        assert translate("en", key) in again


def test_programs_with_too_many_files_get_a_sentence_that_is_not_logged(
    handlers: ManyHandlers, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_models.batch.MAX_FILES", 0)
    with pytest.raises(gr.Error, match="at most 0") as caught:
        find_events(handlers)["batch"](files)
    assert not caught.value.print_exception


def test_progress_is_told_and_cancel_stops_after_the_file_at_hand_and_keeps_what_was_done(
    handlers: ManyHandlers, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_photos, "PROGRESS_EVERY_S", 0)
    handlers.begin(files, "visitor", "job", "en")
    views = handlers.run(files, "visitor", "job", 4, "en")
    assert "1 of 4 files" in next(views).progress
    second = next(views).progress
    assert "2 of 4 files" in second
    assert " left" in second
    handlers.jobs.cancel("visitor")
    (last,) = views
    assert translate("en", "many.cut_short") in last.progress
    assert isinstance(last.report, FaceTable)
    assert {row["file"] for row in last.report.rows} == {"one.png", "two.png", "sky.png"}


def test_faces_can_be_opened_as_soon_as_the_table_is_complete_or_cut_short(handlers: ManyHandlers, files: Any) -> None:
    """The page said that the photo was forgotten: it gets the rows to open at the end alone."""
    handlers.begin(files, "visitor", "job", "en")
    views = handlers.run(files, "visitor", "job", 4, "en")
    first = next(views).results or ""
    handlers.jobs.cancel("visitor")
    (last,) = views
    for results, can_open in ((first, False), (last.results or "", True)):
        assert "data:image/jpeg" in results
        assert ("data-open" in results) == (translate("en", "many.choose") in results) == can_open


def test_a_cancelled_job_that_ends_late_leaves_the_page_to_the_next_one(
    handlers: ManyHandlers, files: Any, tmp_path: Path
) -> None:
    events, visitor = find_events(handlers), gr.Request(session_hash="visitor")
    for chosen in (files, [("film.mp4", write_video(tmp_path / "film.mp4", 12))]):
        job = events["begin"](chosen, "en", visitor)[-1]
        views = events["run"](chosen, job, 4, "en", visitor)
        assert next(views) == [gr.skip()] * 4
        assert "<progress" in next(views)[0]
        events["cancel"]("en", visitor)
        events["begin"](files, "en", visitor)
        if chosen != files:
            events["cancel"]("en", visitor)  # the next one, too, while it waits
        assert list(views) == [[gr.skip()] * 4], "gradio shows the last view again at the end"
        assert handlers.jobs.is_under_way("visitor") == (chosen == files)


def test_a_job_that_is_cancelled_while_it_waits_never_starts_and_leaves_the_page_as_it_is(
    handlers: ManyHandlers, files: Any, table: View
) -> None:
    events, visitor = find_events(handlers), gr.Request(session_hash="visitor")
    events["begin"](files, "en", visitor)
    assert "below" not in events["cancel"]("en", visitor)[0]
    assert list(events["run"](files, "job", 4, "en", visitor)) == [[gr.skip()] * 4] * 2  # else all would be emptied
    assert table.report is not None
    assert events["show_again"]("", table.report, "en", visitor) == [gr.skip(), table.report.render("en")]
    assert events["show_again"](None, None, "es", visitor) == [gr.skip()] * 2, "a report that is forgotten stays"
    for key in ("many.cancelled", "many.cut_short"):
        said = events["show_again"](f"<p>{translate('en', key)}</p>", None, "es", visitor)
        assert said == [f"<p>{translate('es', key)}</p>", gr.skip()]


def test_a_job_that_is_cancelled_while_it_waits_leaves_the_next_one_alone(handlers: ManyHandlers, files: Any) -> None:
    """The next one never ran: the cancelled one, whose turn came first, took its place, and looked at the old files."""
    events, visitor = find_events(handlers), gr.Request(session_hash="visitor")
    first = events["begin"](files[:1], "en", visitor)[-1]
    events["cancel"]("en", visitor)
    second = events["begin"](files[1:], "en", visitor)[-1]
    assert list(events["run"](files[:1], first, 4, "en", visitor)) == [[gr.skip()] * 4] * 2
    assert [button["interactive"] for button in events["end"](visitor)] == [False, True], "the second one waits"
    *_, last, _ = events["run"](files[1:], second, 4, "en", visitor)
    assert {row["file"] for row in last[2].rows} == {name for name, _ in files[1:]}
    assert [button["interactive"] for button in events["end"](visitor)] == [True, False]


def test_a_visitor_has_one_job_disturbs_nobody_elses_and_is_forgotten_when_there_are_too_many(
    handlers: ManyHandlers, files: Any
) -> None:
    handlers.begin(files, "one", "job", "en")
    handlers.begin(files, "two", "job", "en")
    first, other = handlers.jobs.get_flag("one", "job"), handlers.jobs.get_flag("two", "job")
    handlers.begin(files, "one", "next", "en")
    assert first is not None
    assert first.is_set()
    assert other is not None
    assert not other.is_set()
    handlers.jobs.end("one", "job")  # the old job ends late, and takes nothing from the new one
    assert handlers.jobs.is_under_way("one")
    for visitor in range(MAX_JOBS - 1):
        handlers.begin(files, str(visitor), "job", "en")
    assert not handlers.jobs.is_under_way("two"), "its page was closed while it waited"
    assert handlers.jobs.is_under_way("0")


def test_a_long_table_is_cut_on_the_page(table: View) -> None:
    report = table.report
    assert isinstance(report, FaceTable)
    rows, thumbnails = report.rows[:1] * (MAX_SHOWN_ROWS + 1), report.thumbnails[:1] * MAX_SHOWN_ROWS
    shown = replace(report, rows=rows, thumbnails=thumbnails).render("en")
    assert shown.count('<tr role="row" data-row=') == MAX_SHOWN_ROWS
    assert translate("en", "many.shown", shown=MAX_SHOWN_ROWS, total=MAX_SHOWN_ROWS + 1) in shown


def test_names_of_files_are_text_and_not_html(handlers: ManyHandlers, files: Any) -> None:
    table = run(handlers, [("<script>alert(1)</script>.png", files[2][1])])[-1].report
    assert isinstance(table, FaceTable)
    assert "<script" not in table.render("en")
    assert "<script" not in render_faces(table.rows, table.thumbnails, ["<script>"], "en", can_open=True)


def test_a_row_leads_to_its_photo_to_the_last_pixel_or_nowhere(files: Any, tmp_path: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    archive = write_zip(tmp_path / "album.zip", {"a/one.png": files[0][1].read_bytes(), "no.png": b"x"})
    assert find_photo(files[0][1], 0, tmp_path / "unpacked") == files[0][1]
    photo = find_photo(archive, 0, tmp_path / "unpacked")
    assert photo
    assert list(read_image(photo).getdata()) == list(read_image(files[0][1]).getdata())
    for upload, entry in ((tmp_path / "none.png", 0), (archive, 1)):
        assert find_photo(upload, entry, tmp_path / "unpacked") is None


def test_of_photos_that_share_a_name_each_row_opens_its_own_also_after_others_are_chosen(
    handlers: ManyHandlers, files: Any, tmp_path: Path
) -> None:
    archive = write_zip(tmp_path / "album.zip", {"image.jpg": b"x"})
    with ZipFile(archive, "a") as again, pytest.warns(UserWarning, match="Duplicate name"):
        again.writestr("image.jpg", files[0][1].read_bytes())
    chosen = [("image.jpg", files[0][1]), ("album.zip", archive), ("image.jpg", files[1][1])]
    table = run(handlers, chosen)[-1].report
    assert isinstance(table, FaceTable)
    names = ["image.jpg", "album.zip/image.jpg", "album.zip/image.jpg", "image.jpg", "image.jpg"]
    assert [row["file"] for row in table.rows] == names
    open_face = find_events(handlers)["open_face"]
    opened = [open_face(table, "en", gr.EventData(None, {"row": row}))[0] for row in (0, 2, 3, 4)]
    assert [Path(face["path"]) for face in (opened[0], *opened[2:])] == [files[0][1], files[1][1], files[1][1]]
    assert read_image(Path(opened[1]["path"])).size == (256, 300)
    assert [face["face"] for face in opened] == [0, 0, 0, 1]


def test_the_most_argued_face_has_the_widest_split() -> None:
    def say(*labels: str) -> float:
        return measure_disagreement([{one: 0.7 if one == label else 0.3 for one in "ab"} for label in labels])

    assert measure_disagreement([]) == say("a") == 0
    assert say("a", "a", "a", "a") < say("a", "a", "a", "b") < say("a", "a", "b", "b")
    assert int(say("a", "a", "b", "b")) == 2


def test_a_page_that_is_closed_ends_its_job(handlers: ManyHandlers, files: Any, tmp_path: Path) -> None:
    for chosen in (files, [("film.mp4", write_video(tmp_path / "film.mp4", 12))]):
        handlers.begin(chosen, "visitor", "job", "en")
        views = handlers.run(chosen, "visitor", "job", 4, "en")
        next(views)
        views.close()
        assert not handlers.jobs.is_under_way("visitor")
