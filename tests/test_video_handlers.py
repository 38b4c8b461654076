"""A video in the tab Many: what the page is told, and that nothing of it is left."""

import base64
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import av
import psutil
import pytest
from photos import portrait_path
from PIL import Image
from processes import SERVER, start_server
from test_tables import read_csv
from videos import make_empty_picture, make_picture, write_video

from fer_models.comparison import Comparison
from fer_models.demo.components.timeline import MAX_STEPS, format_duration, render_timeline
from fer_models.demo.handlers import many_video
from fer_models.demo.handlers.jobs import View
from fer_models.demo.handlers.many import ManyHandlers
from fer_models.demo.handlers.many_video import VideoReport
from fer_models.demo.handlers.reasons import MAX_DURATION_S
from fer_models.demo.locales import LOCALES, translate
from fer_models.demo.uploads import FOLDER_VARIABLE
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel, load_models


@pytest.fixture
def handlers(models: list[LoadedModel], detector: FaceDetector) -> ManyHandlers:
    return ManyHandlers(models, detector)


@pytest.fixture
def film(tmp_path: Path) -> list[tuple[str, Path]]:
    return [("Film.MP4", write_video(tmp_path / "film.mp4", 12))]


@pytest.fixture(autouse=True)
def left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files are written; after each test there are none, whatever happened in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)  # else they lie beside the uploads
    yield folder
    assert list(folder.iterdir()) == []


def start(handlers: ManyHandlers, files: Any, language: str = "en", frames_per_second: float = 5) -> Iterator[View]:
    handlers.begin(files, "visitor", "job", language)
    return handlers.run(files, "visitor", "job", frames_per_second, language)


def read_download(results: str, delimiter: str = ",") -> list[dict[str, str]]:
    return read_csv(base64.b64decode(results.split("base64,")[1].split('"')[0]).decode("utf-8"), delimiter)


@pytest.mark.parametrize("language", LOCALES)
def test_a_video_becomes_a_timeline_a_table_and_a_video(handlers: ManyHandlers, film: Any, language: str) -> None:
    for last in start(handlers, film, language):
        if last.video is not None:  # it is there until the next step, in which gradio has copied it
            with av.open(str(last.video)) as container:
                assert len(list(container.decode(video=0))) == 6
    assert last.video is not None
    assert not last.video.exists()
    assert last.progress == ""
    assert last.results is not None
    assert last.results.count("<svg") == 7
    table = read_download(last.results, "," if language == "en" else ";")
    assert len(table) == 6
    assert float(table[1]["time_s"].replace(",", ".")) == pytest.approx(0.2)
    assert {row["faces"] for row in table} == {"1"}
    again = last.report.render("es" if language == "en" else "en")
    assert translate("es" if language == "en" else "en", "many.csv") in again


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize(
    ("reason", "name", "content"),
    [
        ("empty", "empty.mp4", b""),
        ("not_an_image", "text.mov", b"no video"),
        ("video_unreadable", "broken.jpg", b"\0\0\0\x18ftypisom" + bytes(50)),
        ("missing", "gone.webm", None),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(
    handlers: ManyHandlers, tmp_path: Path, language: str, reason: str, name: str, content: Any
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content().read_bytes() if callable(content) else content)
    last = list(start(handlers, [(name, tmp_path / name)], language))[-1]
    assert translate(language, f"error.{reason}") in (last.results or "")
    assert last.video is None


def test_sound_alone_and_a_video_that_is_too_long_get_sentences(
    handlers: ManyHandlers, tmp_path: Path, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = write_video(tmp_path / "sound.mp4", 0, with_sound=True)
    (last,) = start(handlers, [("sound.mp4", sound)])
    assert translate("en", "error.video_without_pictures") in (last.results or "")
    monkeypatch.setattr(many_video, "MAX_DURATION_S", 1)
    (last,) = start(handlers, film)
    assert translate("en", "error.video_too_long", minutes=MAX_DURATION_S // 60) in (last.results or "")


def test_a_video_that_is_cut_short_keeps_what_could_be_read(handlers: ManyHandlers, tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 40, faststart=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    last = list(start(handlers, [("film.mp4", path)]))[-1]
    assert translate("en", "error.video_cut") in (last.results or "")
    assert 1 < len(read_download(last.results or "")) < 20
    assert last.video is not None


def test_without_a_face_the_page_says_so_and_draws_nothing(handlers: ManyHandlers, tmp_path: Path) -> None:
    path = write_video(tmp_path / "sky.mp4", 3, lambda _: make_empty_picture())
    last = list(start(handlers, [("sky.mp4", path)]))[-1]
    assert translate("en", "many.no_face_anywhere") in (last.results or "")
    assert 'd=""' in (last.results or "")


def test_a_video_is_looked_at_alone(handlers: ManyHandlers, film: Any) -> None:
    view = handlers.begin([*film, ("photo.png", portrait_path())], "visitor", "job", "en")
    assert translate("en", "many.video_alone") in (view.results or "")
    assert list(handlers.run(film, "visitor", "job", 4, "en")) == []


def test_progress_tells_what_is_done_and_how_long_the_rest_takes(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_video, "PROGRESS_EVERY_S", 0)
    views = list(start(handlers, film))
    assert [view.progress.count("<progress") for view in views] == [1] * 6 + [0]
    assert " left" not in views[0].progress  # nobody knows yet
    assert "0:01 of 0:01 of the video" in views[4].progress
    assert " left" in views[4].progress


def test_a_video_that_tells_no_length_has_no_end_in_sight(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was always as good as done, as what browsers record tells no length."""
    monkeypatch.setattr(many_video, "PROGRESS_EVERY_S", 0)
    monkeypatch.setattr("fer_models.video._read_duration", lambda *_: None)
    *views, _ = start(handlers, film)
    assert "<progress aria-label" in views[4].progress
    assert translate("en", "many.watched_so_far", done="0:01") in views[4].progress
    assert "left" not in views[4].progress


def test_cancel_stops_at_the_picture_at_hand_and_keeps_what_was_done(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch, left_behind: Path
) -> None:
    monkeypatch.setattr(many_video, "PROGRESS_EVERY_S", 0)
    views = start(handlers, film)
    next(views)
    assert list(left_behind.iterdir()) != []
    handlers.jobs.cancel("visitor")
    (last,) = views
    assert translate("en", "many.cut_short") in last.progress
    assert isinstance(last.report, VideoReport)
    assert len(last.report.rows) == 2
    assert last.video is None


def test_a_page_that_is_closed_ends_its_job(handlers: ManyHandlers, film: Any) -> None:
    views = start(handlers, film)
    next(views)
    views.close()  # type: ignore[attr-defined]
    assert not handlers.jobs.is_under_way("visitor")


def test_an_unexpected_failure_is_a_sentence(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VideoReport, "add", lambda *_: 1 / 0)
    (last,) = start(handlers, film)
    assert translate("en", "error.unexpected") in (last.results or "")


def test_an_unexpected_failure_in_the_midst_keeps_what_was_seen(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    detect, calls = handlers.detector.detect, iter(range(100))

    def fail_later(image: Image.Image) -> Any:
        return detect(image) if next(calls) < 3 else 1 / 0

    monkeypatch.setattr(handlers.detector, "detect", fail_later)
    last = list(start(handlers, film))[-1]
    assert translate("en", "error.unexpected") in (last.results or "")
    assert len(read_download(last.results or "")) == 3
    assert last.video is not None
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("is_sure", [True, False])
def test_the_written_video_and_the_table_doubt_as_the_page_does(
    handlers: ManyHandlers, film: Any, language: str, is_sure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def watch_words(draw: Any, left: float, bottom: float, text: str, size: Any) -> None:
        written.append(text)

    monkeypatch.setattr("fer_models.demo.components.annotate._write", watch_words)
    monkeypatch.setattr("fer_models.comparison.SURE_PROBABILITY", 0 if is_sure else 1.1)
    monkeypatch.setattr("fer_models.comparison.SURE_AGREEMENT", 0)
    monkeypatch.setattr(Comparison, "majority", "happy")
    last = list(start(handlers, film, language))[-1]
    assert written
    for text in written:
        assert (translate(language, "many.unsure") in text) is not is_sure
    table = read_download(last.results or "", "," if language == "en" else ";")
    assert {row["sure"] for row in table} == {"yes" if is_sure else "no"}


def test_a_video_without_a_suffix_is_a_video(handlers: ManyHandlers, film: Any) -> None:
    last = list(start(handlers, [("film", film[0][1].rename(film[0][1].with_suffix("")))]))[-1]
    assert last.video is not None
    last = list(start(handlers, [("photo.mp4", portrait_path())]))[-1]  # and a photo is one, whatever it is called
    assert "fer-faces" in (last.results or "")


def test_looks_that_are_rare_leave_no_gaps(handlers: ManyHandlers, tmp_path: Path) -> None:
    """One picture a second was drawn for a quarter of a second, under the words that the face was out of sight."""
    path = write_video(tmp_path / "slow.mp4", 5, times_s=[0, 1, 2, 3, 4])
    last = list(start(handlers, [("slow.mp4", path)], frames_per_second=4))[-1]
    for line in re.findall('<path d="([^"]*)"', last.results or ""):
        assert line.count("M") == line.count("Z") == 1
        assert line.startswith("M0.00 ")
        assert line.endswith("H100.00V20Z")


def measure_memory(path: Path) -> list[int]:
    """What this process holds after each picture of a video, FFmpeg's memory included, in bytes."""
    many_video.PROGRESS_EVERY_S = 0
    views = many_video.watch([(path.name, path)], load_models(["baseline"]), FaceDetector(), 10, Event(), "en")
    return [psutil.Process().memory_info().rss for _ in views]


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    # The encoder looks a score of pictures ahead, and takes some megabytes more between fifty and ninety.
    size, warm_up, num_frames = (640, 480), 30, 110
    path = write_video(tmp_path / "film.mp4", num_frames, lambda index: make_picture(index).resize(size))
    start_server()
    # In a process of its own, for what other tests have left free would hide a leak.
    with ProcessPoolExecutor(1, SERVER) as pool:
        memory = pool.submit(measure_memory, path).result()
    assert len(memory) == num_frames + 1
    smallest_frame = 1.5 * size[0] * size[1]  # as the decoder and the encoder hold one; RGB takes twice as much
    assert max(memory[warm_up:]) - memory[warm_up] < 0.5 * smallest_frame * (num_frames - warm_up)


def make_row(time_s: float, share: float | None) -> dict[str, Any]:
    return {"time_s": time_s, "face": share is not None and {"score": 1}, "average": {"happy": share}}


TIMELINES = [
    ([(0, None), (1, None)], 2, "", "never in sight"),
    ([(0, 1.0), (1, 1.0)], 2, "M0.00 20V0.0H50.00V0.0H100.00V20Z", "all the time"),
    (
        [(0, 0.5), (1, None), (2, 0.0), (3, 0.0)],
        4,
        "M0.00 20V10.0H25.00V20ZM50.00 20V20.0H75.00V20.0H100.00V20Z",
        "a gap stays a gap",
    ),
    ([(0, 1.0), (0.1, 1.0), (3, 0.5)], 4, "M0.00 20V0.0H2.50V0.0H75.00V10.0H100.00V20Z", "each look until the next"),
    ([(0, 1.0), (1, 1.0)], 1.25, "M0.00 20V0.0H25.00V0.0H31.25V20Z", "the last one until it is known no longer"),
    ([(0, 1.0)], 0.25, "M0.00 20V0.0H100.00V20Z", "one picture"),
]


@pytest.mark.parametrize(("looks", "seen_s", "path", "why"), TIMELINES, ids=[row[3] for row in TIMELINES])
def test_a_line_of_the_timeline_says_when_and_how_much(
    looks: list[tuple[float, float | None]], seen_s: float, path: str, why: str
) -> None:
    rows = [make_row(time_s, share) for time_s, share in looks]
    duration_s = 4 if why.startswith("the last") else 0
    assert f'd="{path}"' in render_timeline(rows, ["happy"], seen_s, duration_s, "en")


def test_a_long_timeline_is_drawn_with_as_many_steps_as_can_be_seen() -> None:
    rows = [make_row(index / 10, 0.5) for index in range(10 * MAX_STEPS)]
    assert render_timeline(rows, ["happy"], MAX_STEPS, MAX_STEPS, "en").count("H") == MAX_STEPS


@pytest.mark.parametrize("seconds", [1, 2, 2.5, 3, 5, 6, 100])
def test_the_ticks_of_a_timeline_differ(seconds: float) -> None:
    timeline = render_timeline([make_row(0, 0.5)], ["happy"], 0.25, seconds, "en")
    ticks = re.findall("<span>([0-9:]+)</span>", timeline)
    assert ticks[0] == "0:00"
    assert len(set(ticks)) == len(ticks) > 1


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (59.6, "1:00"), (75.2, "1:15"), (3600, "60:00")])
def test_durations_are_written_as_players_do(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
