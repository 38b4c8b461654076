"""A video in the tab Many: what the page is told, and that nothing of it is left."""

import base64
import gc
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from test_tables import read_csv
from videos import make_empty_picture, write_video

from fer_models.comparison import Comparison
from fer_models.demo.components.timeline import MAX_STEPS, format_duration, render_timeline
from fer_models.demo.handlers import many_video
from fer_models.demo.handlers.jobs import View
from fer_models.demo.handlers.many import ManyHandlers
from fer_models.demo.handlers.many_video import VideoReport
from fer_models.demo.handlers.reasons import MAX_DURATION_S
from fer_models.demo.locales import translate
from fer_models.demo.uploads import FOLDER_VARIABLE
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel


@pytest.fixture
def handlers(models: list[LoadedModel], detector: FaceDetector) -> ManyHandlers:
    return ManyHandlers(models, detector)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    return [("Film.MP4", write_video(tmp_path_factory.mktemp("film") / "film.mp4", 12))]


@pytest.fixture(autouse=True)
def left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files are written; after each test there are none. Of each picture looked at the page is told."""
    monkeypatch.setattr(many_video, "PROGRESS_EVERY_S", 0)
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


def test_a_video_becomes_a_timeline_a_table_and_a_video(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = []
    for last in start(handlers, film, "es"):
        views.append(last)
        if last.video is not None:  # it is there until the next step, in which gradio has copied it
            with av.open(str(last.video)) as container:
                assert len(list(container.decode(video=0))) == 6
    assert last.video is not None
    assert not last.video.exists()
    assert last.results is not None
    assert last.results.count("<svg") == 7
    table = read_download(last.results, ";")
    assert len(table) == 6
    assert float(table[1]["time_s"].replace(",", ".")) == pytest.approx(0.2)
    assert {row["faces"] for row in table} == {"1"}
    assert translate("en", "many.csv") in last.report.render("en"), "it is shown again in another language"
    # Its progress tells what is done, and how long the rest takes, once that is known.
    assert [view.progress.count("<progress") for view in views] == [1] * 6 + [0]
    assert "faltan" not in views[0].progress
    assert translate("es", "many.watched", done="0:01", total="0:01") in views[4].progress
    assert "faltan" in views[4].progress
    assert last.progress == ""


def test_what_cannot_be_used_gets_a_sentence(
    handlers: ManyHandlers, tmp_path: Path, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "broken.jpg").write_bytes(b"\0\0\0\x18ftypisom" + bytes(50))
    write_video(tmp_path / "sound.mp4", 0, sound_s=1)
    for name, reason in (
        ("empty.mp4", "empty"),
        ("broken.jpg", "video_unreadable"),
        ("gone.webm", "missing"),
        ("sound.mp4", "video_without_pictures"),
    ):
        last = list(start(handlers, [(name, tmp_path / name)], "es"))[-1]
        assert translate("es", f"error.{reason}") in (last.results or "")
        assert last.video is None
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


def test_a_video_that_tells_no_length_has_no_end_in_sight(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was always as good as done, as what browsers record tells no length."""
    monkeypatch.setattr("fer_models.video._read_duration", lambda *_: None)
    *views, _ = start(handlers, film)
    assert "<progress aria-label" in views[4].progress
    assert translate("en", "many.watched_so_far", done="0:01") in views[4].progress
    assert "left" not in views[4].progress


def test_cancel_stops_at_the_picture_at_hand_and_keeps_what_was_done(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch, left_behind: Path
) -> None:
    views = start(handlers, film)
    next(views)
    assert list(left_behind.iterdir()) != []
    handlers.jobs.cancel("visitor")
    (last,) = views
    assert translate("en", "many.cut_short") in last.progress
    assert isinstance(last.report, VideoReport)
    assert len(last.report.rows) == 2
    assert last.video is None


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


@pytest.mark.parametrize("is_sure", [True, False])
def test_the_written_video_and_the_table_doubt_as_the_page_does(
    handlers: ManyHandlers, film: Any, is_sure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def watch_words(draw: Any, left: float, bottom: float, text: str, size: Any) -> None:
        written.append(text)

    monkeypatch.setattr("fer_models.demo.components.annotate._write", watch_words)
    monkeypatch.setattr("fer_models.comparison.SURE_PROBABILITY", 0 if is_sure else 1.1)
    monkeypatch.setattr("fer_models.comparison.SURE_AGREEMENT", 0)
    monkeypatch.setattr(Comparison, "majority", "happy")
    last = list(start(handlers, film, "es"))[-1]
    assert written
    for text in written:
        assert (translate("es", "many.unsure") in text) is not is_sure
    assert {row["sure"] for row in read_download(last.results or "", ";")} == {"yes" if is_sure else "no"}


def test_looks_that_are_rare_leave_no_gaps(handlers: ManyHandlers, tmp_path: Path) -> None:
    """One picture a second was drawn for a quarter of a second, under the words that the face was out of sight."""
    path = write_video(tmp_path / "slow.mp4", 5, times_s=[0, 1, 2, 3, 4])
    last = list(start(handlers, [("slow.mp4", path)], frames_per_second=4))[-1]
    for line in re.findall('<path d="([^"]*)"', last.results or ""):
        assert line.count("M") == line.count("Z") == 1
        assert line.startswith("M0.00 ")
        assert line.endswith("H100.00V20Z")


def test_no_picture_is_kept_however_long_a_video_is(
    handlers: ManyHandlers, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_pictures() -> int:
        gc.collect()
        return sum(isinstance(one, Image.Image | av.VideoFrame) for one in gc.get_objects())

    views = enumerate(start(handlers, film, frames_per_second=10))
    early, late = (count_pictures() for index, _ in views if index in (2, 10))
    assert late <= early


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


def test_the_ticks_of_a_timeline_differ_and_durations_are_written_as_players_do() -> None:
    for seconds in (1, 2.5, 100):
        timeline = render_timeline([make_row(0, 0.5)], ["happy"], 0.25, seconds, "en")
        ticks = re.findall("<span>([0-9:]+)</span>", timeline)
        assert ticks[0] == "0:00"
        assert len(set(ticks)) == len(ticks) > 1
    assert [format_duration(seconds) for seconds in (0, 59.6, 3600)] == ["0:00", "1:00", "60:00"]
