import runpy
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TRUE_COUNTS, make_class_png, make_face, make_rows, write_parquet
from datasets import Dataset
from datasets import Image as ImageFeature

from fer_models import FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from training import data
from training.data import DataError, FaceTensors, decode, keep_first_per_class, load_fer2013

Rows = dict[str, list[tuple[bytes, int]]]

# A FER2013 of 99 images. Class 0 has more than ten, so that `im10` sorts before `im2`.
SMALL_COUNTS = {
    "train": (13, 4, 5, 12, 7, 4, 4),
    "validation": (7, 2, 3, 4, 2, 3, 1),
    "test": (8, 1, 2, 5, 4, 3, 5),
}
REPORT_COUNTS = {"train": 20_099, "validation": 2_151, "test": 7_178}

OTHER_SPELLING = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
CSV_ORDER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CSV_USAGE = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}


@pytest.fixture
def small_rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Made-up rows, and `training.data` takes their counts for FER2013's."""
    monkeypatch.setattr(data, "OFFICIAL_COUNTS", SMALL_COUNTS)
    return make_rows(SMALL_COUNTS)


def write_kaggle_folders(folder: Path, rows: Rows, names: Sequence[str] = FER_LABELS) -> Path:
    """PublicTest and PrivateTest share the folder `test`; files are numbered within split and class."""
    for split, pairs in {"train": rows["train"], "test": rows["validation"] + rows["test"]}.items():
        counts = dict.fromkeys(names, 0)
        for png, label in pairs:
            path = folder / split / names[label] / f"im{counts[names[label]]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png)
            counts[names[label]] += 1
    return folder


def make_csv_lines(rows: Rows, columns: Sequence[str] = ("emotion", "pixels", "Usage")) -> list[str]:
    """Each row's picture is one grey: 30 times the label, as in `make_class_png`."""
    lines = []
    for split, pairs in rows.items():
        for _, label in pairs:
            fields = {
                "emotion": str(CSV_ORDER.index(FER_LABELS[label])),
                "pixels": " ".join([str(30 * label)] * 2304),
                "Usage": CSV_USAGE[split],
            }
            lines.append(",".join(fields[column] for column in columns))
    return lines


def write_csv(path: Path, lines: Iterable[str], header: str = "emotion,pixels,Usage") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def read_bytes(rows: Dataset) -> list[bytes]:
    """The encoded images, which tell made-up rows apart."""
    images = rows.cast_column("image", ImageFeature(decode=False))["image"][:]
    return [image["bytes"] or Path(image["path"]).read_bytes() for image in images]


def count_classes(rows: Dataset) -> tuple[int, ...]:
    return tuple(np.bincount(rows["label"][:], minlength=7).tolist())


# The protocols, on made-up rows with the true counts.


def test_official_protocol_keeps_every_row_in_its_place_also_when_it_is_decoded(
    made_up_parquet: Path, made_up_rows: Rows
) -> None:
    official = load_fer2013(made_up_parquet)
    for split, rows in made_up_rows.items():
        assert list(zip(read_bytes(official[split]), official[split]["label"][:], strict=True)) == rows
    faces = decode(official["validation"], FerImageProcessor())  # several batches
    assert (faces.pixel_values.shape, faces.pixel_values.dtype) == ((3589, 1, 48, 48), torch.float32)
    greys = (30 * faces.labels).view(-1, 1, 1, 1).expand(-1, 1, 48, 48)
    assert torch.equal((faces.pixel_values * 255).round().long(), greys)


def test_report_protocol_splits_each_class_by_the_rule_of_keras(made_up_parquet: Path, made_up_rows: Rows) -> None:
    """`ImageDataGenerator(validation_split=0.3)`: of the sorted names, the first `int(0.3 * n)` are validation.

    Its validation lies inside its test, and outside its train.
    """
    report = load_fer2013(made_up_parquet, "report")
    found = {split: set(zip(rows["label"][:], rows["file_name"][:], strict=True)) for split, rows in report.items()}
    expected: dict[str, set[tuple[int, str]]] = {split: set() for split in REPORT_COUNTS}
    for label in range(7):
        num_train = TRUE_COUNTS["train"][label]
        num_test = TRUE_COUNTS["validation"][label] + TRUE_COUNTS["test"][label]
        train_names = sorted(f"im{index}.png" for index in range(num_train))
        test_names = sorted(f"im{index}.png" for index in range(num_test))
        expected["train"] |= {(label, name) for name in train_names[int(0.3 * num_train) :]}
        expected["validation"] |= {(label, name) for name in test_names[: int(0.3 * num_test)]}
        expected["test"] |= {(label, name) for name in test_names}
    assert found == expected
    images = {split: set(zip(read_bytes(rows), rows["label"][:], strict=True)) for split, rows in report.items()}
    assert {split: len(rows) for split, rows in images.items()} == REPORT_COUNTS, "no row twice"
    assert images["test"] == {*made_up_rows["validation"], *made_up_rows["test"]}
    assert images["validation"] < images["test"]
    assert images["train"] < set(made_up_rows["train"])
    assert report["train"].features["label"].names == list(FER_LABELS)


def test_command_prints_the_counts(
    small_rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data.main(["--data", str(write_parquet(tmp_path / "small", small_rows)), "--protocol", "official"])
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["split", *FER_LABELS, "all"]
    assert [line.split() for line in lines] == [
        [split, *map(str, counts), str(sum(counts))] for split, counts in SMALL_COUNTS.items()
    ]
    monkeypatch.setattr(sys, "argv", ["training.data", "--data", str(tmp_path / "none")])
    monkeypatch.delitem(sys.modules, "training.data")
    with pytest.raises(SystemExit, match=f"error: There is no file or folder '{tmp_path}"):
        runpy.run_module("training.data", run_name="__main__")


# The sources.


@pytest.mark.parametrize(("protocol", "names"), [("official", FER_LABELS), ("report", OTHER_SPELLING)])
def test_kaggle_folders_give_the_same_as_parquet_and_neither_needs_a_network(
    protocol: str, names: Sequence[str], small_rows: Rows, tmp_path: Path, connections: list[str]
) -> None:
    parquet = load_fer2013(write_parquet(tmp_path / "parquet", small_rows), protocol)
    kaggle = load_fer2013(write_kaggle_folders(tmp_path / "kaggle", small_rows, names), protocol)
    for split, rows in parquet.items():
        assert kaggle[split].features == rows.features
        found, expected = (
            sorted(zip(read_bytes(one), one["label"][:], one["file_name"][:], strict=True))
            for one in (kaggle[split], rows)
        )
        assert found == expected
    assert connections == []


def test_what_systems_leave_in_folders_is_no_data(small_rows: Rows, tmp_path: Path) -> None:
    plain = write_kaggle_folders(tmp_path / "plain", small_rows)
    folder = write_kaggle_folders(tmp_path / ".data" / "kaggle", small_rows)
    for name in (".ipynb_checkpoints", "@eaDir", "__MACOSX"):
        (folder / "train" / name).mkdir()
        (folder / "train" / name / "im0.png").write_bytes(b"x")
        (folder / "train" / "happy" / name).mkdir()
    for name in (".DS_Store", "._im1.png", "Thumbs.db", "desktop.ini", "Icon\r"):
        (folder / "train" / "happy" / name).write_bytes(b"x")
    (folder / "._train.parquet").write_bytes(b"x")
    expected, found = load_fer2013(plain), load_fer2013(folder)
    assert {split: rows["file_name"][:] for split, rows in found.items()} == {
        split: rows["file_name"][:] for split, rows in expected.items()
    }


def test_kaggle_files_that_name_their_split_are_told_apart_by_it(small_rows: Rows, tmp_path: Path) -> None:
    """Another upload numbers `PublicTest_123.jpg` and `PrivateTest_45.jpg` across the splits."""
    folder = write_kaggle_folders(tmp_path, small_rows)
    expected = {split: {png for png, _ in rows} for split, rows in small_rows.items()}

    def count_public() -> int:
        return sum(png in expected["validation"] for png in read_bytes(load_fer2013(folder, "report")["validation"]))

    as_numbered = count_public()
    for file in sorted(folder.glob("*/*/*.png")):
        usage = next(CSV_USAGE[name] for name, pngs in expected.items() if file.read_bytes() in pngs)
        number = 1000 - int(file.stem[2:])  # against the order in which they were made
        file.rename(file.with_name(f"{usage}_{number}.png"))
    assert {split: set(read_bytes(rows)) for split, rows in load_fer2013(folder).items()} == expected
    assert count_public() == as_numbered > 0, "sorted as text, PrivateTest's names come first"


def test_csv_gives_the_same_as_parquet_and_its_pixels_row_by_row(small_rows: Rows, tmp_path: Path) -> None:
    """Also with the columns of icml_face_data.csv."""
    lines, face = make_csv_lines(small_rows, ("emotion", "Usage", "pixels")), make_face()
    lines[0] = lines[0].rpartition(",")[0] + "," + " ".join(map(str, np.asarray(face).ravel()))
    csv = load_fer2013(write_csv(tmp_path / "fer2013.csv", lines, "emotion, Usage, pixels"))
    parquet = load_fer2013(write_parquet(tmp_path / "parquet", small_rows))
    for split, rows in parquet.items():
        assert csv[split].features == rows.features
        assert csv[split]["label"][:] == rows["label"][:]
        assert csv[split]["file_name"][:] == rows["file_name"][:]
    assert csv["train"][0]["image"].tobytes() == face.tobytes()
    greys = [np.asarray(image)[0, 0] for image in csv["test"]["image"]]
    assert greys == [30 * label for label in csv["test"]["label"]]


def test_labels_of_parquet_in_another_order_are_brought_to_ours(small_rows: Rows, tmp_path: Path) -> None:
    names = ("Surprised", "Sad", "Neutral", "Happy", "Fearful", "Disgusted", "Angry")
    renumbered = {split: [(png, 6 - label) for png, label in pairs] for split, pairs in small_rows.items()}
    official = load_fer2013(write_parquet(tmp_path, renumbered, names))
    for split, pairs in small_rows.items():
        assert official[split]["label"][:] == [label for _, label in pairs]


# Bad data.


def with_file(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


def write_columns(folder: Path, columns: dict[str, Any]) -> Path:
    folder.mkdir()
    for split in SMALL_COUNTS:
        Dataset.from_dict(columns).to_parquet(folder / f"{split}.parquet")
    return folder


def test_bad_data_is_named(small_rows: Rows, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    csv_folder = write_csv(tmp_path / "csv" / "fer2013.csv", make_csv_lines(small_rows)).parent
    contempt = write_kaggle_folders(tmp_path / "contempt", small_rows)
    (contempt / "train" / "contempt").mkdir()
    missing = write_kaggle_folders(tmp_path / "missing", small_rows)
    (missing / "test" / "sad" / "im0.png").unlink()
    other_names = write_parquet(tmp_path / "other-names", small_rows, (*FER_LABELS[:6], "contempt"))
    two_splits = write_parquet(tmp_path / "two-splits", small_rows)
    (two_splits / "validation.parquet").unlink()
    damaged = write_parquet(tmp_path / "damaged", small_rows)
    content = bytearray((damaged / "train.parquet").read_bytes())
    content[4:400] = bytes(396)  # the pages; the list of columns at the end of the file is good
    (damaged / "train.parquet").write_bytes(content)
    order = [CSV_ORDER.index(name) for name in FER_LABELS]  # numbered as in the CSV file, but named as ours
    renumbered = {split: [(png, order[label]) for png, label in rows] for split, rows in small_rows.items()}
    swapped = write_parquet(tmp_path / "swapped", renumbered)
    for source, words in (
        (tmp_path / "empty", ["holds no FER2013", "one folder per class"]),
        (tmp_path / "none", ["no file or folder", "none"]),
        (Path("someone/fer2013"), ["'someone/fer2013' cannot be loaded, neither from this disk nor from the Hub"]),
        (csv_folder, ["holds no FER2013", "CSV"]),
        (contempt, ["train/contempt", "unknown class 'contempt'", "angry, disgust"]),
        (missing, ["split test", "expected (8, 1, 2, 5, 4, 3, 5)", "found (8, 1, 2, 5, 4, 2, 5)"]),
        (other_names, ["unknown class 'contempt'"]),
        (swapped, ["split train", "another order"]),
        (two_splits, ["no split validation", "train"]),
        (write_columns(tmp_path / "a", {"picture": [1], "label": [0]}), ["columns image and label", "picture"]),
        (write_columns(tmp_path / "b", {"image": ["a"], "label": [0]}), ["label", "no class names"]),
        (with_file(tmp_path / "c", "train.parquet", b"no parquet"), ["cannot be loaded"]),
        (damaged, ["cannot be loaded"]),
        (with_file(tmp_path / "d", "fer2013.csv", b"") / "fer2013.csv", ["no CSV file"]),
        (with_file(tmp_path / "e", "fer2013.csv", bytes(range(256))) / "fer2013.csv", ["fer2013.csv", "no CSV file"]),
        (write_csv(tmp_path / "f" / "fer2013.csv", [], "a,b"), ["emotion, pixels and Usage", "a, b"]),
        (write_csv(tmp_path / "g" / "fer2013.csv", []), ["split train", "found (0, 0"]),
    ):
        with pytest.raises(DataError) as error:
            load_fer2013(source)
        assert [word for word in words if word not in str(error.value)] == [], f"{source}: {error.value}"


def test_bad_line_of_a_csv_is_named(small_rows: Rows, tmp_path: Path) -> None:
    pixels, lines = " ".join(["7"] * 2304), make_csv_lines(small_rows)
    for line, words in (
        ("0,1 2 3,Training", ["2,304 pixels", "got 3"]),
        (f"0,{pixels}{10**30},Training", ["not all whole numbers"]),
        (f"0,{pixels[:-1]}256,Training", ["0..255", "256"]),
        (f"7,{pixels},Training", ["0..6", "7"]),  # an eighth class
        (f",{pixels},Training", ["0..6", "nan"]),  # no class: the column then holds floats
        (f"0,{pixels},Holiday", ["'Holiday'", "PublicTest"]),
    ):
        with pytest.raises(DataError) as error:
            load_fer2013(write_csv(tmp_path / "fer2013.csv", [lines[0], line, *lines[2:]]))
        assert [word for word in ("fer2013.csv, line 3", *words) if word not in str(error.value)] == []


def test_unknown_protocol_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Unknown protocol 'kaggle'.*official, report"):
        load_fer2013(tmp_path, "kaggle")


# From files to tensors.


def test_unreadable_image_is_named(small_rows: Rows, tmp_path: Path) -> None:
    third = [index for index, (_, label) in enumerate(small_rows["train"]) if label == 1][2]
    for write, content, name in (
        (write_kaggle_folders, b"", "train/disgust/im2.png"),
        (write_parquet, make_class_png(1)[:60], "im2.png"),  # cut short, and named as the file would be
    ):
        small_rows["train"][third] = (content, 1)
        faces = load_fer2013(write(tmp_path / write.__name__, small_rows))
        assert len(decode(faces["validation"], FerImageProcessor())) == sum(SMALL_COUNTS["validation"])
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            decode(faces["train"], FerImageProcessor())
    rows = Dataset.from_dict({"image": [None], "label": [0]}, features=data.FEATURES)
    rows = rows.add_column("file_name", ["im0.png"])
    with pytest.raises(DataError, match=r"im0\.png cannot be read"):
        decode(rows, FerImageProcessor())


def test_training_and_serving_see_equal_tensors(small_rows: Rows, tmp_path: Path) -> None:
    processor = FerImageProcessor()
    rows = load_fer2013(write_kaggle_folders(tmp_path, small_rows))["test"]
    faces = decode(rows, processor)
    served = torch.cat([processor(image, return_tensors="pt")["pixel_values"] for image in rows["image"]])
    assert torch.equal(faces.pixel_values, served)
    assert faces.labels.tolist() == rows["label"][:]


def test_batch_holds_the_rows_that_were_asked_for() -> None:
    faces = FaceTensors(torch.rand(10, 1, 20, 20), torch.arange(10))
    assert faces.__getitems__([])["pixel_values"].shape == (0, 1, 20, 20)
    indices = [9, 0, 9, 4]
    batch = faces.__getitems__(indices)
    assert batch["labels"].tolist() == indices
    assert torch.equal(batch["pixel_values"], torch.stack([faces[index]["pixel_values"] for index in indices]))


def test_first_images_of_each_class_are_kept(small_rows: Rows, tmp_path: Path) -> None:
    rows = load_fer2013(write_parquet(tmp_path, small_rows))["train"]
    assert count_classes(keep_first_per_class(rows, 0)) == (0,) * 7
    kept = keep_first_per_class(rows, 6)
    assert count_classes(kept) == (6, 4, 5, 6, 6, 4, 4), "no more than there are"
    assert set(kept["file_name"][:]) == {f"im{index}.png" for index in range(6)}


# The real FER2013.


def test_real_data_has_the_counts_of_the_challenge_and_of_the_report(fer_data: Path) -> None:
    assert {split: count_classes(rows) for split, rows in load_fer2013(fer_data).items()} == TRUE_COUNTS
    assert {split: len(rows) for split, rows in load_fer2013(fer_data, "report").items()} == REPORT_COUNTS
