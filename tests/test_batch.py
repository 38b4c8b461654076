import gc
import io
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from photos import load_portrait, make_two_faces, portrait_as_png, write_animations
from PIL import Image
from test_archives import write_zip
from test_tables import read_csv
from videos import write_video

from fer_models import batch
from fer_models.archives import ArchiveError
from fer_models.batch import classify_files, tabulate, to_rows
from fer_models.faces import DetectedFace, FaceDetector
from fer_models.inference import LoadedModel, compare, to_json
from fer_models.tables import write_csv

Collect = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    shutil.copytree(samples, folder, dirs_exist_ok=True)
    (folder / "one.png").write_bytes(portrait_as_png())
    (folder / "broken.jpg").write_bytes(portrait_as_png()[:5000])
    (folder / "empty.jpg").touch()
    write_zip(folder / "empty.zip", {})
    write_zip(folder / "photos.zip", {"niños/añada.png": portrait_as_png(), "__MACOSX/a": b"", "b.txt": b"text"})
    return folder


@pytest.fixture
def collect(folder: Path, models: list[LoadedModel], detector: FaceDetector) -> Collect:
    """Gives the rows of files of the folder."""

    def collect(*names: str) -> list[Any]:
        results = list(classify_files([(name, folder / name) for name in names], models, detector))
        assert [result.done for result in results] == list(range(1, len(results) + 1))
        assert {result.total for result in results} <= {len(results)}
        return [row for result in results for row in to_rows(result, models)]

    return collect


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["two.png"], [("two.png", 0, None), ("two.png", 1, None)]),
        (
            ["sky.png", "empty.zip", "broken.jpg", "nowhere.png", "empty.jpg", "one.png"],
            [
                *(("sky.png", None, "no_face"), ("empty.zip", None, "zip_empty"), ("broken.jpg", None, "unreadable")),
                *(("nowhere.png", None, "missing"), ("empty.jpg", None, "empty"), ("one.png", 0, None)),
            ],
        ),
        (
            ["photos.zip", "nowhere.zip", "one.png"],
            [
                *(("photos.zip/niños/añada.png", 0, None), ("photos.zip/b.txt", None, "not_an_image")),
                *(("nowhere.zip", None, "missing"), ("one.png", 0, None)),
            ],
        ),
    ],
    ids=["empty", "two faces", "bad ones do not stop the rest", "zip among photos"],
)
def test_every_face_and_every_failure_is_a_row(names: list[str], expected: list[Any], collect: Collect) -> None:
    rows = collect(*names)
    assert [(row["file"], row["face_index"], row["error"]) for row in rows] == expected
    for row in rows:
        assert (row["models"] == []) == bool(row["error"])
        assert (row["favourite"] is None) == bool(row["error"]) == bool(row["message"])


def test_a_face_gets_in_a_batch_what_it_gets_alone(
    collect: Collect, models: list[LoadedModel], detector: FaceDetector
) -> None:
    rows = collect("two.png")
    for index, row in enumerate(rows):
        alone = compare(make_two_faces(), models, detector, face_index=index)
        assert row["average"] == pytest.approx(alone.average, abs=1e-5)
        assert row.keys() - {"file", "error", "message"} == to_json(alone, models).keys() - {"faces"}
        assert row["models"][0].keys() == to_json(alone, models)["models"][0].keys()
        assert row["face"]["box_xyxy"] == pytest.approx(alone.faces[index].box_xyxy, abs=0.06)


def test_too_many_files_are_refused_before_the_first(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_FILES", 2)
    monkeypatch.setattr(batch, "read_image", lambda _: pytest.fail("one was read"))
    with pytest.raises(ArchiveError, match="at most 2") as caught:
        collect("one.png", "photos.zip")  # which holds two
    assert caught.value.reason == "too_many_files"


def test_only_one_picture_is_in_memory(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: weakref.WeakSet[Image.Image] = weakref.WeakSet()
    read_image = batch.read_image

    def watch(path: Path) -> Image.Image:
        gc.collect()
        assert len(alive) <= 1  # the one before, which the caller may hold
        image = read_image(path)
        alive.add(image)
        return image

    monkeypatch.setattr(batch, "read_image", watch)
    collect(*["one.png"] * 3)
    assert len(alive) <= 1


def test_whatever_one_of_many_photos_raises_is_its_row_alone(
    collect: Collect, detector: FaceDetector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    detect, calls = detector.detect, iter(range(3))

    def fail_once(image: Image.Image) -> list[DetectedFace]:
        if next(calls) == 1:
            raise KeyError("in the midst")
        return detect(image)

    monkeypatch.setattr(detector, "detect", fail_once)
    rows = collect(*["one.png"] * 3)
    assert [row["error"] for row in rows] == [None, "unexpected", None]
    assert "KeyError" in rows[1]["message"]
    (record,) = caplog.records
    assert record.exc_info is not None, "the program's own fault is logged with its trace"
    assert caplog.text.count("fail_once") == 1


def test_a_zip_that_breaks_does_not_stop_the_rest(collect: Collect, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("inside")

    for broken in ("read_entry", "open_archive"):
        monkeypatch.setattr(batch, broken, fail)
        rows = collect("photos.zip", "one.png")
        assert {row["error"] for row in rows[:-1]} == {"unexpected"}
        assert rows[-1]["face_index"] == 0


def test_kinds_are_told_by_content(collect: Collect, folder: Path) -> None:
    shutil.copy(folder / "photos.zip", folder / "photos.jpg")
    shutil.copy(folder / "one.png", folder / "one.zip")
    write_video(folder / "film.mp4", 1).rename(folder / "film.jpg")
    rows = collect("photos.jpg", "one.zip", "film.jpg")
    assert [(row["file"], row["error"]) for row in rows] == [
        ("photos.jpg/niños/añada.png", None),
        ("photos.jpg/b.txt", "not_an_image"),
        ("one.zip", None),
        ("film.jpg", "video"),
    ]


def test_table_has_a_column_for_everything_and_for_what_may_explain_a_bad_answer(
    collect: Collect, folder: Path, models: list[LoadedModel]
) -> None:
    face_first, sky_first = write_animations(folder)
    load_portrait().point(lambda value: value // 8).save(folder / "dark.png")
    names = ["two.png", "photos.zip", face_first.name, sky_first.name, "dark.png"]
    rows = collect(*names)
    assert rows[-2]["error"] == "no_face_in_first"
    file = io.StringIO()
    write_csv(file, *tabulate(rows, models))
    table = read_csv(file.getvalue())
    assert [(line["file"], line["face"], line["hints"]) for line in table] == [
        *(("two.png", "1", ""), ("two.png", "2", "")),
        *(("photos.zip/niños/añada.png", "1", ""), ("photos.zip/b.txt", "", "")),
        *((face_first.name, "1", "animated"), (sky_first.name, "", ""), ("dark.png", "1", "dark")),
    ]
    for line, row in zip(table, rows, strict=True):
        assert None not in line  # no cell beyond the header
        for model in row["models"]:
            assert line[model["model"]] == model["winner"]
            shown = float(line[f"{model['model']}_probability"])
            assert shown == pytest.approx(model["probabilities"][model["winner"]], abs=1e-4)
