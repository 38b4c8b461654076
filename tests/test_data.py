import runpy
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from conftest import TRUE_COUNTS, make_class_png, make_face, make_rows, write_parquet
from datasets import Dataset, DatasetDict
from datasets import Image as ImageFeature
from PIL import Image

from fer_models import FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from training import data
from training.data import DataError, FaceTensors, collate_batch, decode, keep_first_per_class, load_fer2013

Rows = dict[str, list[tuple[bytes, int]]]

# A FER2013 of 99 images. Class 0 has more than ten, so that `im10` sorts before `im2`.
SMALL_COUNTS = {
    "train": (13, 4, 5, 12, 7, 4, 4),
    "validation": (7, 2, 3, 4, 2, 3, 1),
    "test": (8, 1, 2, 5, 4, 3, 5),
}
REPORT_COUNTS = {"train": 20_099, "validation": 2_151, "test": 7_178}
OFFICIAL_COUNTS = {"train": 28_709, "validation": 3_589, "test": 3_589}

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
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def read_bytes(rows: Dataset) -> list[bytes]:
    """The encoded images, which tell made-up rows apart."""
    images = rows.cast_column("image", ImageFeature(decode=False))["image"][:]
    return [image["bytes"] or Path(image["path"]).read_bytes() for image in images]


def count_classes(rows: Dataset) -> tuple[int, ...]:
    return tuple(np.bincount(rows["label"][:], minlength=7).tolist())


def read_greys(rows: Dataset) -> list[int]:
    return [int(np.asarray(image)[0, 0]) for image in rows["image"][:]]


# The protocols, on made-up rows with the true counts.


@pytest.fixture(scope="module")
def official(made_up_parquet: Path) -> DatasetDict:
    return load_fer2013(made_up_parquet)


@pytest.fixture(scope="module")
def report(made_up_parquet: Path) -> DatasetDict:
    return load_fer2013(made_up_parquet, "report")


def test_official_protocol_has_the_official_counts(official: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in official.items()} == OFFICIAL_COUNTS
    assert {split: count_classes(rows) for split, rows in official.items()} == TRUE_COUNTS


def test_official_protocol_keeps_every_row_in_its_place(official: DatasetDict, made_up_rows: Rows) -> None:
    for split, rows in made_up_rows.items():
        assert list(zip(read_bytes(official[split]), official[split]["label"][:], strict=True)) == rows


def test_report_protocol_has_the_counts_of_the_report(report: DatasetDict) -> None:
    assert {split: len(rows) for split, rows in report.items()} == REPORT_COUNTS


@pytest.fixture(scope="module")
def report_names(report: DatasetDict) -> dict[str, list[set[str]]]:
    """File names by split and class."""
    names: dict[str, list[set[str]]] = {split: [set() for _ in FER_LABELS] for split in report}
    for split, rows in report.items():
        for name, label in zip(rows["file_name"][:], rows["label"][:], strict=True):
            names[split][label].add(name)
    return names


@pytest.mark.parametrize("label", range(7), ids=FER_LABELS)
def test_report_protocol_splits_each_class_by_the_rule_of_keras(
    report_names: dict[str, list[set[str]]], label: int
) -> None:
    """`ImageDataGenerator(validation_split=0.3)`: of the sorted names, the first `int(0.3 * n)` are validation."""
    num_train = TRUE_COUNTS["train"][label]
    num_test = TRUE_COUNTS["validation"][label] + TRUE_COUNTS["test"][label]
    train_names = sorted(f"im{index}.png" for index in range(num_train))
    test_names = sorted(f"im{index}.png" for index in range(num_test))
    assert report_names["train"][label] == set(train_names[int(0.3 * num_train) :])
    assert report_names["validation"][label] == set(test_names[: int(0.3 * num_test)])
    assert report_names["test"][label] == set(test_names)


def test_report_validation_lies_inside_its_test_and_outside_its_train(report: DatasetDict, made_up_rows: Rows) -> None:
    images = {split: read_bytes(rows) for split, rows in report.items()}
    sets = {split: set(rows) for split, rows in images.items()}
    assert {split: len(rows) for split, rows in sets.items()} == REPORT_COUNTS  # no row twice
    assert sets["validation"] < sets["test"]
    assert sets["train"].isdisjoint(sets["test"])
    assert images["test"] == [png for png, _ in made_up_rows["validation"] + made_up_rows["test"]]
    assert sets["train"] < {png for png, _ in made_up_rows["train"]}


def test_labels_are_named_and_follow_their_images(report: DatasetDict) -> None:
    pngs = [make_class_png(label) for label in range(7)]
    for rows in report.values():
        assert rows.features["label"].names == list(FER_LABELS)
        assert all(
            image.startswith(pngs[label]) for image, label in zip(read_bytes(rows), rows["label"][:], strict=True)
        )


def test_command_prints_the_counts(
    report: DatasetDict, made_up_parquet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["training.data", "--data", str(made_up_parquet), "--protocol", "report"])
    monkeypatch.delitem(sys.modules, "training.data")
    runpy.run_module("training.data", run_name="__main__")
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["split", *FER_LABELS, "all"]
    assert [line.split() for line in lines] == [
        [split, *(f"{count:,}" for count in count_classes(rows)), f"{len(rows):,}"] for split, rows in report.items()
    ]
    assert [line.split()[-1] for line in lines] == ["20,099", "2,151", "7,178"]


def test_command_says_what_is_wrong_with_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["training.data", "--data", str(tmp_path)])
    with pytest.raises(SystemExit, match=f"error: {tmp_path} holds no FER2013"):
        data.main()


# The sources.


@pytest.mark.parametrize("names", [FER_LABELS, OTHER_SPELLING], ids=["happy fear", "happy fearful"])
@pytest.mark.parametrize("protocol", ["official", "report"])
def test_kaggle_folders_give_the_same_as_parquet(
    names: Sequence[str], protocol: str, small_rows: Rows, tmp_path: Path
) -> None:
    parquet = load_fer2013(write_parquet(tmp_path / "parquet", small_rows), protocol)
    kaggle = load_fer2013(write_kaggle_folders(tmp_path / "kaggle", small_rows, names), protocol)
    for split, rows in parquet.items():
        assert kaggle[split].features == rows.features
        assert to_set(kaggle[split]) == to_set(rows)
        assert len(kaggle[split]) == len(rows)


def to_set(rows: Dataset) -> set[tuple[bytes, int, str]]:
    return set(zip(read_bytes(rows), rows["label"][:], rows["file_name"][:], strict=True))


def test_report_split_sorts_names_as_text(small_rows: Rows, tmp_path: Path) -> None:
    """As Keras does: `im10.png` comes before `im2.png`, although it was made after it."""
    report = load_fer2013(write_kaggle_folders(tmp_path, small_rows), "report")
    names = [row["file_name"] for row in report["validation"].remove_columns("image") if row["label"] == 0]
    assert names == ["im0.png", "im1.png", "im10.png", "im11.png"]  # int(0.3 * 15) of the test folder
    names = [row["file_name"] for row in report["train"].remove_columns("image") if row["label"] == 0]
    assert names == [f"im{index}.png" for index in (11, 12, 2, 3, 4, 5, 6, 7, 8, 9)]  # im0, im1, im10 are left out


def test_official_split_of_kaggle_folders_sorts_names_by_number(small_rows: Rows, tmp_path: Path) -> None:
    """`im2.png` comes before `im10.png`: the first images of the test folder are PublicTest."""
    official = load_fer2013(write_kaggle_folders(tmp_path, small_rows))
    for split, first in {"validation": 0, "test": 7}.items():
        names = [row["file_name"] for row in official[split].remove_columns("image") if row["label"] == 0]
        assert names == [f"im{index}.png" for index in range(first, first + SMALL_COUNTS[split][0])]


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
    for split in ("train", "test"):
        for file in sorted((folder / split).glob("*/*.png")):
            usage = next(CSV_USAGE[name] for name, pngs in expected.items() if file.read_bytes() in pngs)
            number = 1000 - int(file.stem[2:])  # against the order in which they were made
            file.rename(file.with_name(f"{usage}_{number}.png"))
    official = load_fer2013(folder)
    assert {split: set(read_bytes(rows)) for split, rows in official.items()} == expected


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        pytest.param("emotion,pixels,Usage", ("emotion", "pixels", "Usage"), id="fer2013.csv"),
        pytest.param("emotion, Usage, pixels", ("emotion", "Usage", "pixels"), id="icml_face_data.csv"),
    ],
)
def test_csv_gives_the_same_as_kaggle_folders(
    header: str, columns: Sequence[str], small_rows: Rows, tmp_path: Path
) -> None:
    csv = load_fer2013(write_csv(tmp_path / "fer2013.csv", make_csv_lines(small_rows, columns), header), "report")
    parquet = load_fer2013(write_parquet(tmp_path / "parquet", small_rows), "report")
    for split, rows in parquet.items():
        assert csv[split].features == rows.features
        assert csv[split]["label"][:] == rows["label"][:]
        assert csv[split]["file_name"][:] == rows["file_name"][:]
        assert read_greys(csv[split]) == [30 * label for label in rows["label"][:]]


def test_pixels_of_a_csv_are_read_row_by_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        data, "OFFICIAL_COUNTS", {"train": (1, 0, 0, 0, 0, 0, 0), "validation": (0,) * 7, "test": (0,) * 7}
    )
    face = make_face()
    pixels = " ".join(map(str, np.asarray(face).ravel()))
    official = load_fer2013(write_csv(tmp_path / "fer2013.csv", [f"0,{pixels},Training"]))
    assert np.array_equal(np.asarray(official["train"][0]["image"]), np.asarray(face))


def test_labels_of_parquet_in_another_order_are_brought_to_ours(small_rows: Rows, tmp_path: Path) -> None:
    names = ("Surprised", "Sad", "Neutral", "Happy", "Fearful", "Disgusted", "Angry")
    renumbered = {split: [(png, 6 - label) for png, label in pairs] for split, pairs in small_rows.items()}
    official = load_fer2013(write_parquet(tmp_path, renumbered, names))
    for split, pairs in small_rows.items():
        assert official[split]["label"][:] == [label for _, label in pairs]


@pytest.mark.parametrize("make_source", [write_kaggle_folders, write_parquet], ids=["kaggle", "parquet"])
def test_local_data_needs_no_network(
    make_source: Callable[[Path, Rows], Path], small_rows: Rows, connections: list[str], tmp_path: Path
) -> None:
    assert len(load_fer2013(make_source(tmp_path / "data", small_rows))["train"]) == sum(SMALL_COUNTS["train"])
    assert connections == []
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://hub.invalid")
    assert connections  # it would have been seen


def test_hub_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(DataError, match="'someone/fer2013' cannot be loaded, neither from this disk nor from the Hub"):
        load_fer2013("someone/fer2013")


# Bad data.


def without_one_image(folder: Path, rows: Rows) -> Path:
    write_kaggle_folders(folder, rows)
    (folder / "test" / "sad" / "im0.png").unlink()
    return folder


def with_folder(folder: Path, rows: Rows, name: str) -> Path:
    write_kaggle_folders(folder, rows)
    (folder / name).mkdir(parents=True)
    return folder


def with_csv_line(folder: Path, rows: Rows, line: str) -> Path:
    """A good CSV file but for its third line."""
    lines = make_csv_lines(rows)
    return write_csv(folder / "fer2013.csv", [lines[0], line, *lines[2:]])


def with_swapped_labels(folder: Path, rows: Rows) -> Path:
    """Labels numbered as in the CSV file, but named as ours."""
    order = [CSV_ORDER.index(name) for name in FER_LABELS]
    return write_parquet(folder, {split: [(p, order[label]) for p, label in pairs] for split, pairs in rows.items()})


def without_split(folder: Path, rows: Rows) -> Path:
    write_parquet(folder, rows)
    (folder / "validation.parquet").unlink()
    return folder


def with_columns(folder: Path, rows: Rows, columns: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for split in rows:
        Dataset.from_dict(columns).to_parquet(folder / f"{split}.parquet")
    return folder


def with_file(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


def with_damaged_parquet(folder: Path, rows: Rows) -> Path:
    write_parquet(folder, rows)
    path = folder / "train.parquet"
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)  # the pages; the list of columns at the end of the file is good
    path.write_bytes(content)
    return folder


PIXELS = " ".join(["7"] * 2304)


@pytest.mark.parametrize(
    ("make_source", "words"),
    [
        pytest.param(lambda folder, _: folder, ["holds no FER2013", "one folder per class"], id="empty folder"),
        pytest.param(lambda folder, _: folder / "none", ["no file or folder", "none"], id="missing path"),
        pytest.param(lambda folder, _: folder / "none.csv", ["no file or folder", "none.csv"], id="missing CSV file"),
        pytest.param(
            lambda folder, _: with_file(folder, "notes.txt", b"no data"), ["holds no FER2013"], id="folder without data"
        ),
        pytest.param(
            lambda folder, rows: write_csv(folder / "fer2013.csv", make_csv_lines(rows)).parent,
            ["holds no FER2013", "CSV"],
            id="folder of the CSV file",
        ),
        pytest.param(
            lambda folder, rows: with_folder(folder, rows, "train/contempt"),
            ["train/contempt", "unknown class 'contempt'", "angry, disgust"],
            id="unknown class of Kaggle folders",
        ),
        pytest.param(
            lambda folder, rows: write_parquet(folder, rows, (*FER_LABELS[:6], "contempt")),
            ["unknown class 'contempt'"],
            id="unknown class of parquet",
        ),
        pytest.param(
            without_one_image,
            ["split test", "expected (8, 1, 2, 5, 4, 3, 5)", "found (8, 1, 2, 5, 4, 2, 5)"],
            id="an image is missing",
        ),
        pytest.param(with_swapped_labels, ["split train", "another order"], id="labels mean something else"),
        pytest.param(without_split, ["no split validation", "train"], id="missing split"),
        pytest.param(
            lambda folder, rows: with_columns(folder, rows, {"picture": [1], "label": [0]}),
            ["columns image and label", "picture"],
            id="missing column",
        ),
        pytest.param(
            lambda folder, rows: with_columns(folder, rows, {"image": ["a"], "label": [0]}),
            ["label", "no class names"],
            id="labels without names",
        ),
        pytest.param(
            lambda folder, _: with_file(folder, "train.parquet", b"no parquet"), ["cannot be loaded"], id="no parquet"
        ),
        pytest.param(with_damaged_parquet, ["cannot be loaded"], id="damaged parquet"),
        pytest.param(
            lambda folder, _: with_file(folder, "fer2013.csv", b"") / "fer2013.csv",
            ["no CSV file"],
            id="empty CSV file",
        ),
        pytest.param(
            lambda folder, _: with_file(folder, "fer2013.csv", bytes(range(256))) / "fer2013.csv",
            ["fer2013.csv", "no CSV file"],
            id="CSV file of bytes",
        ),
        pytest.param(
            lambda folder, _: write_csv(folder / "fer2013.csv", [], "a,b"),
            ["emotion, pixels and Usage", "a, b"],
            id="CSV of others",
        ),
        pytest.param(
            lambda folder, _: write_csv(folder / "fer2013.csv", []),
            ["split train", "found (0, 0"],
            id="CSV without rows",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, "0,1 2 3,Training"),
            ["fer2013.csv, line 3", "2,304 pixels", "got 3"],
            id="CSV line of 3 pixels",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, "0,,Training"),
            ["fer2013.csv, line 3"],
            id="CSV line without pixels",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, f"0,x{PIXELS},Training"),
            ["line 3", "not all whole numbers"],
            id="CSV line with a letter",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, f"0,{PIXELS}{10**30},Training"),
            ["line 3", "not all whole numbers"],
            id="CSV line with a number of 31 digits",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, f"0,{PIXELS[:-1]}256,Training"),
            ["line 3", "0..255", "256"],
            id="CSV line with a pixel above 255",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, f"7,{PIXELS},Training"),
            ["line 3", "0..6", "7"],
            id="CSV line of an eighth class",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, f",{PIXELS},Training"),
            ["line 3", "0..6", "nan"],
            id="CSV line without class: the column then holds floats",
        ),
        pytest.param(
            lambda folder, rows: with_csv_line(folder, rows, f"0,{PIXELS},Holiday"),
            ["line 3", "'Holiday'", "PublicTest"],
            id="CSV line of an unknown split",
        ),
    ],
)
def test_bad_data_is_named(
    make_source: Callable[[Path, Rows], Path], words: list[str], small_rows: Rows, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as error:
        load_fer2013(make_source(tmp_path, small_rows))
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("protocol", ["", "kaggle", "Report"])
def test_unknown_protocol_is_named(protocol: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"Unknown protocol '{protocol}'.*official, report"):
        load_fer2013(tmp_path, protocol)


# From files to tensors.


@pytest.mark.parametrize(
    ("make_source", "name"),
    [
        pytest.param(write_kaggle_folders, "train/disgust/im2.png", id="Kaggle: the file's path"),
        pytest.param(write_parquet, "im2.png", id="parquet: the name that the file would have"),
    ],
)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no picture", id="no picture"),
        pytest.param(make_class_png(1)[:60], id="cut short"),
    ],
)
def test_unreadable_image_is_named(
    make_source: Callable[[Path, Rows], Path], name: str, content: bytes, small_rows: Rows, tmp_path: Path
) -> None:
    third = [index for index, (_, label) in enumerate(small_rows["train"]) if label == 1][2]
    small_rows["train"][third] = (content, 1)
    faces = load_fer2013(make_source(tmp_path, small_rows))
    assert len(decode(faces["validation"], FerImageProcessor())) == sum(SMALL_COUNTS["validation"])
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        decode(faces["train"], FerImageProcessor())


def test_missing_image_is_named() -> None:
    rows = Dataset.from_dict({"image": [None], "label": [0], "file_name": ["im0.png"]}, features=data.FEATURES)
    with pytest.raises(DataError, match=r"im0\.png cannot be read"):
        decode(rows, FerImageProcessor())


@pytest.mark.parametrize("make_source", [write_kaggle_folders, write_parquet], ids=["kaggle", "parquet"])
def test_training_and_serving_see_equal_tensors(
    make_source: Callable[[Path, Rows], Path], small_rows: Rows, tmp_path: Path
) -> None:
    processor = FerImageProcessor()
    rows = load_fer2013(make_source(tmp_path, small_rows))["test"]
    faces = decode(rows, processor)
    served = torch.cat([processor(image, return_tensors="pt")["pixel_values"] for image in rows["image"]])
    assert torch.equal(faces.pixel_values, served)
    assert faces.labels.tolist() == rows["label"][:]


def test_decoding_keeps_images_and_labels_together(official: DatasetDict) -> None:
    faces = decode(official["validation"], FerImageProcessor())  # several batches
    assert faces.pixel_values.shape == (3589, 1, 48, 48)
    assert faces.pixel_values.dtype == torch.float32
    assert faces.labels.dtype == torch.int64
    assert torch.equal(
        (faces.pixel_values * 255).round().long(), (30 * faces.labels).view(-1, 1, 1, 1).expand(-1, 1, 48, 48)
    )


def make_face_tensors() -> FaceTensors:
    return FaceTensors(torch.rand(10, 1, 20, 20), torch.arange(10))


@pytest.mark.parametrize("indices", [[], [3], [9, 0, 9, 4]], ids=str)
def test_batch_holds_the_rows_that_were_asked_for(indices: list[int]) -> None:
    faces = make_face_tensors()
    batch = faces.__getitems__(indices)
    assert batch["pixel_values"].shape == (len(indices), 1, 20, 20)
    for position, index in enumerate(indices):
        assert torch.equal(batch["pixel_values"][position], faces[index]["pixel_values"])
        assert batch["labels"][position] == faces[index]["labels"] == index


def test_loader_gives_every_face_once() -> None:
    faces = make_face_tensors()
    loader = torch.utils.data.DataLoader(faces, batch_size=4, shuffle=True, collate_fn=collate_batch)
    batches = list(loader)
    assert [len(batch["labels"]) for batch in batches] == [4, 4, 2]
    labels = torch.cat([batch["labels"] for batch in batches])
    assert sorted(labels.tolist()) == list(range(10))
    assert torch.equal(torch.cat([batch["pixel_values"] for batch in batches]), faces.pixel_values[labels])


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param(0, (0,) * 7, id="none"),
        pytest.param(1, (1,) * 7, id="one of each"),
        pytest.param(6, (6, 4, 5, 6, 6, 4, 4), id="no more than there are"),
    ],
)
def test_first_images_of_each_class_are_kept(
    samples: int, expected: tuple[int, ...], small_rows: Rows, tmp_path: Path
) -> None:
    rows = load_fer2013(write_parquet(tmp_path, small_rows))["train"]
    kept = keep_first_per_class(rows, samples)
    assert count_classes(kept) == expected
    assert set(kept["file_name"][:]) <= {f"im{index}.png" for index in range(samples)}


# The real FER2013.


@pytest.fixture(scope="module")
def real(fer_data: Path) -> DatasetDict:
    return load_fer2013(fer_data)


def test_real_data_has_the_official_counts(real: DatasetDict) -> None:
    assert {split: count_classes(rows) for split, rows in real.items()} == TRUE_COUNTS


def test_real_data_has_the_counts_of_the_report(fer_data: Path) -> None:
    assert {split: len(rows) for split, rows in load_fer2013(fer_data, "report").items()} == REPORT_COUNTS


def test_real_faces_are_only_divided_by_255(real: DatasetDict) -> None:
    rows = real["test"].select(range(64))
    images: list[Image.Image] = rows["image"][:]
    assert {(image.mode, image.size) for image in images} == {("L", (48, 48))}
    expected = np.float32(np.stack([np.asarray(image) for image in images])[:, None] / 255)
    assert np.array_equal(decode(rows, FerImageProcessor()).pixel_values.numpy(), expected)
