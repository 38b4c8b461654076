"""FER2013 from any of its usual forms, under a named protocol, as one `datasets.DatasetDict`.

`python -m training.data --protocol report` prints the counts by split and class.
"""

import argparse
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, concatenate_datasets, load_dataset
from datasets import Image as ImageFeature
from datasets.exceptions import DatasetsError
from PIL import Image
from transformers import BaseImageProcessor

from fer_models.commands import CommandParser, command
from fer_models.configuration_fer import FER_LABELS
from fer_models.images import ImageError, read_image
from fer_models.names import find_files, is_left_behind

# Where FER2013 lies unless `--data` says it; in a recipe's place, too.
DATA_VARIABLE = "FER_DATA"
DEFAULT_DATA = "../shared/data/fer2013"
WHERE = f"Name where FER2013 lies with --data, or set {DATA_VARIABLE}."

# Images of each class in the official splits, in the order of `FER_LABELS`. Besides proving that nothing is missing,
# they prove the order of the labels, since no two classes have the same counts.
OFFICIAL_COUNTS: dict[str, tuple[int, ...]] = {
    "train": (3995, 436, 4097, 7215, 4965, 4830, 3171),
    "validation": (467, 56, 496, 895, 607, 653, 415),
    "test": (491, 55, 528, 879, 626, 594, 416),
}

# The other spelling of the Kaggle folders.
CLASS_ALIASES = {"disgusted": "disgust", "fearful": "fear", "surprised": "surprise"}

# `fer2013.csv` numbers the classes in an order of its own.
CSV_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CSV_SPLITS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}

# The report's `ImageDataGenerator(validation_split=0.3)`.
REPORT_VALIDATION_FRACTION = 0.3

PROTOCOLS = ("official", "report")

FEATURES = Features({"image": ImageFeature(), "label": ClassLabel(names=list(FER_LABELS))})


class DataError(ValueError):
    """The data is not FER2013 as expected; the message says what is wrong, and where."""


def find_data() -> str:
    """Where FER2013 lies: what `FER_DATA` says, else `DEFAULT_DATA`."""
    return os.environ.get(DATA_VARIABLE) or DEFAULT_DATA


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where FER2013 lies."""
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        default=find_data(),
        help=f"FER2013: parquet folder, Kaggle folders, CSV file or Hub id; {DATA_VARIABLE} changes the default",
    )


def add_run_data_option(parser: argparse.ArgumentParser) -> None:
    """The same for a command that takes a run, whose recipe names the data where nobody else does."""
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        default=os.environ.get(DATA_VARIABLE),
        help=f"FER2013; by default what {DATA_VARIABLE} says, else the source that the recipe names",
    )


def find_run_data(source: str | None, recipe: dict[str, Any]) -> str:
    """Where FER2013 lies: what `add_run_data_option` read, else what a run's recipe names."""
    return source or recipe.get("data") or find_data()


def load_fer2013(source: str | Path, protocol: str = "official") -> DatasetDict:
    """Load FER2013.

    Args:
        source: A folder with parquet files, the Kaggle folders (`train/` and `test/`, one folder per class), a CSV file
            (`fer2013.csv` or `icml_face_data.csv`), or the id of a data set on the Hub.
        protocol: `official` (28,709 / 3,589 / 3,589), or `report` (20,099 / 2,151 / 7,178, of which the validation
            images lie inside the test images, as they did in the report).

    Returns:
        Splits `train`, `validation` and `test` with the columns `image` (48x48, grey), `label` (a `ClassLabel` in the
        order of `FER_LABELS`), `file_name` and, where the source has it, `ferplus_votes` (FER+'s ten counts, or null).

    Raises:
        DataError: The source or the protocol is unknown, or the data has other classes or counts than FER2013.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f"Unknown protocol {protocol!r}. Choose one of: {', '.join(PROTOCOLS)}.")
    official = _load_official(str(source))
    _check_counts(official, str(source))
    if protocol == "report" and "test" not in official:
        raise DataError(f"{source} has no split test, which the report's protocol takes its validation images from.")
    return official if protocol == "official" else _to_report_protocol(official)


def _load_official(source: str) -> DatasetDict:
    path = Path(source)
    if path.suffix == ".csv" and path.is_file():
        return _load_csv(path)
    if (path / "train").is_dir() and (path / "test").is_dir():
        return _load_kaggle_folders(path)
    if path.is_dir() and not any(find_files(path, "*.parquet")):
        raise DataError(
            f"{path} holds no FER2013: expected parquet files, or the folders train/ and test/ with one folder per "
            f"class. A CSV file is named itself, not its folder. {WHERE}"
        )
    if not path.exists() and not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        raise DataError(f"There is no file or folder {source!r}. {WHERE}")
    if path.is_file():
        raise DataError(f"{source} is no FER2013: expected a CSV file or a folder. {WHERE}")
    try:
        dataset = load_dataset(source)
    except (OSError, ValueError, DatasetsError) as error:  # no network, no such data set, damaged parquet
        raise DataError(
            f"{source!r} cannot be loaded, neither from this disk nor from the Hub: {error} {WHERE}"
        ) from error
    return _standardize(dataset, source)


def _standardize(dataset: DatasetDict, source: str) -> DatasetDict:
    """Bring parquet files and data sets of the Hub to the names and the label order of this project."""
    # Whoever only trains needs no test images, so a copy without them will do.
    missing = {"train", "validation"} - set(dataset)
    if missing:
        raise DataError(f"{source} has no split {', '.join(sorted(missing))}; it has {', '.join(dataset)}.")
    standard = DatasetDict()
    for split in [split for split in OFFICIAL_COUNTS if split in dataset]:
        rows = dataset[split]
        if not {"image", "label"} <= set(rows.column_names):
            raise DataError(f"{source}, split {split}, needs the columns image and label; has {rows.column_names}.")
        feature = rows.features["label"]
        if not isinstance(feature, ClassLabel):
            raise DataError(f"{source}, split {split}: the column label has no class names, so its order is unknown.")
        index_of = [FER_LABELS.index(_class_name(name, source)) for name in feature.names]
        labels = [index_of[label] for label in rows["label"][:]]
        votes = [name for name in ("ferplus_votes",) if name in rows.column_names]
        features = Features(FEATURES | {name: rows.features[name] for name in votes})
        rows = rows.select_columns(["image", *votes]).add_column("label", labels)
        standard[split] = rows.select_columns(list(features)).cast(features)
    return _name_files(standard)


def _class_name(name: str, source: str | Path) -> str:
    name = CLASS_ALIASES.get(name.lower(), name.lower())
    if name not in FER_LABELS:
        raise DataError(f"{source}: unknown class {name!r}. The classes are {', '.join(FER_LABELS)}.")
    return name


def _load_kaggle_folders(path: Path) -> DatasetDict:
    """The Kaggle folders hold PublicTest and PrivateTest, in this order, in one folder `test`."""
    files: dict[str, list[tuple[str, int]]] = {split: [] for split in OFFICIAL_COUNTS}
    for folder in sorted(path.glob("*/*/")):
        if folder.parent.name not in ("train", "test") or is_left_behind(folder.name):
            continue
        label = FER_LABELS.index(_class_name(folder.name, folder))
        images = sorted(
            (file for file in folder.iterdir() if file.is_file() and not is_left_behind(file.name)),
            key=_official_order,
        )
        num_validation = OFFICIAL_COUNTS["validation"][label]
        parts = {"train": images} if folder.parent.name == "train" else {
            "validation": images[:num_validation],
            "test": images[num_validation:],
        }  # fmt: skip
        for split, part in parts.items():
            files[split] += [(str(file), label) for file in part]
    return _make_splits(files)


def _official_order(file: Path) -> tuple[bool, int, str]:
    """Sort key: `im2.png` before `im10.png`, `PublicTest_1.jpg` before `PrivateTest_1.jpg`."""
    digits = re.search(r"\d+", file.stem)
    return file.stem.startswith("PrivateTest"), int(digits.group()) if digits else 0, file.name


def _load_csv(path: Path) -> DatasetDict:
    try:
        table = pd.read_csv(path)
    except ValueError as error:  # what pandas raises for an empty or ragged file, and for bytes that are no text
        raise DataError(f"{path} is no CSV file: {error}") from error
    table.columns = table.columns.str.strip()  # `icml_face_data.csv` has blanks before the names
    if not {"emotion", "pixels", "Usage"} <= set(table.columns):
        raise DataError(f"{path} needs the columns emotion, pixels and Usage; it has {', '.join(table.columns)}.")
    rows: dict[str, list[tuple[dict[str, Any], int]]] = {split: [] for split in OFFICIAL_COUNTS}
    for number, (emotion, pixels, usage) in enumerate(
        zip(table["emotion"], table["pixels"], table["Usage"], strict=True), start=2
    ):
        where = f"{path}, line {number}"
        if usage not in CSV_SPLITS:
            raise DataError(f"{where}: unknown Usage {usage!r}. Expected one of: {', '.join(CSV_SPLITS)}.")
        if emotion not in range(len(CSV_LABELS)):
            raise DataError(f"{where}: emotion must lie in 0..6, got {emotion!r}.")
        image = {"bytes": _png_from_text(pixels, where), "path": None}
        rows[CSV_SPLITS[usage]].append((image, FER_LABELS.index(CSV_LABELS[int(emotion)])))
    return _make_splits(rows)


def _png_from_text(pixels: str, where: str) -> bytes:
    try:
        values = np.array(str(pixels).split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{where}: the pixels are not all whole numbers.") from error
    if values.size != 48 * 48:
        raise DataError(f"{where}: expected 2,304 pixels, got {values.size:,}.")
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{where}: pixels must lie in 0..255, got values from {values.min()} to {values.max()}.")
    buffer = io.BytesIO()
    Image.fromarray(values.astype(np.uint8).reshape(48, 48)).save(buffer, format="PNG")
    return buffer.getvalue()


def _make_splits(rows: Mapping[str, Sequence[tuple[str | dict[str, Any], int]]]) -> DatasetDict:
    """Splits of images, as an `Image` column takes them, with their labels."""
    splits = DatasetDict()
    for split, pairs in rows.items():
        columns = {"image": [image for image, _ in pairs], "label": [label for _, label in pairs]}
        splits[split] = Dataset.from_dict(columns, features=FEATURES)
    return _name_files(splits)


def _name_files(dataset: DatasetDict) -> DatasetDict:
    """Give each image the name it has in the Kaggle folders: numbered within its folder and class.

    The report's split depends on these names. `validation` and `test` share the folder `test`.
    """
    seen: dict[str, Counter[int]] = {"train": Counter(), "test": Counter()}
    for split in [split for split in OFFICIAL_COUNTS if split in dataset]:
        counter = seen["train" if split == "train" else "test"]
        names = []
        for label in dataset[split]["label"][:]:
            names.append(f"im{counter[label]}.png")
            counter[label] += 1
        dataset[split] = dataset[split].add_column("file_name", names)
    return dataset


def _check_counts(dataset: DatasetDict, source: str) -> None:
    for split in dataset:
        expected, found = OFFICIAL_COUNTS[split], class_counts(dataset[split])
        if found != expected:
            raise DataError(
                f"{source}: the split {split} is not FER2013's. Images per class ({', '.join(FER_LABELS)}): "
                f"expected {expected}, found {found}. Is something missing, or are the labels in another order?"
            )


def _to_report_protocol(official: DatasetDict) -> DatasetDict:
    """The report's split: Keras' rule on both Kaggle folders, its validation a part of the test folder."""
    test = concatenate_datasets([official["validation"], official["test"]])
    _, train = _keras_split(official["train"])
    validation, _ = _keras_split(test)
    return DatasetDict({"train": official["train"].select(train), "validation": test.select(validation), "test": test})


def _keras_split(rows: Dataset) -> tuple[list[int], list[int]]:
    """Indices of Keras' subsets `validation` and `training`: per class, the first 30 % of the sorted file names."""
    validation: list[int] = []
    training: list[int] = []
    labels, names = rows["label"][:], rows["file_name"][:]
    for label in range(len(FER_LABELS)):
        indices = sorted((i for i, row_label in enumerate(labels) if row_label == label), key=names.__getitem__)
        num_validation = int(REPORT_VALIDATION_FRACTION * len(indices))
        validation += indices[:num_validation]
        training += indices[num_validation:]
    return validation, training


def class_counts(rows: Dataset) -> tuple[int, ...]:
    """Images per class, in the order of `FER_LABELS`."""
    counts = Counter(rows["label"][:])
    return tuple(counts[label] for label in range(len(FER_LABELS)))


class FaceTensors(torch.utils.data.Dataset):
    """Decoded faces in memory; a batch is one indexing operation, not one per image.

    Attributes:
        pixel_values: `(N, C, H, W)`, float32, in [0, 1].
        labels: `(N,)`, int64.
    """

    def __init__(self, pixel_values: torch.Tensor, labels: torch.Tensor):
        self.pixel_values = pixel_values
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"pixel_values": self.pixel_values[index], "labels": self.labels[index]}

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """The batch that torch's `DataLoader` asks for; `collate_batch` passes it on as it is."""
        return {"pixel_values": self.pixel_values[indices], "labels": self.labels[indices]}


def collate_batch(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`FaceTensors` makes whole batches; there is nothing left to collate."""
    return batch


def decode(rows: Dataset, image_processor: BaseImageProcessor) -> FaceTensors:
    """Decode every image once, by the model's own image processor.

    Raises:
        DataError: An image cannot be read; the message names it.
    """
    raw = rows.cast_column("image", ImageFeature(decode=False))
    batches = []
    for batch in raw.iter(batch_size=1024):
        images = [open_image(*named) for named in zip(batch["image"], batch["file_name"], strict=True)]
        batches.append(image_processor(images, return_tensors="pt")["pixel_values"])
    return FaceTensors(torch.cat(batches), torch.tensor(rows["label"][:]))


def open_image(encoded: dict | None, file_name: str) -> Image.Image:
    """The picture of an undecoded `Image` column's cell, RGB; of grey ones, each pixel's channels are alike.

    Raises:
        DataError: It cannot be read; the message names it.
    """
    encoded = encoded or {"bytes": b"", "path": None}  # a null in parquet is as good as an empty file
    try:
        return read_image(encoded["path"] if encoded["bytes"] is None else encoded["bytes"])
    except ImageError as error:
        raise DataError(f"The image {encoded['path'] or file_name} cannot be read: {error}") from error


def iterate_grey(rows: Dataset) -> Iterator[bytes]:
    """The pixels of each image, grey, one byte each.

    Raises:
        DataError: An image cannot be read; the message names it.
    """
    raw = rows.cast_column("image", ImageFeature(decode=False))
    for encoded, file_name in zip(raw["image"][:], raw["file_name"][:], strict=True):
        yield open_image(encoded, file_name).convert("L").tobytes()


def keep_first_per_class(rows: Dataset, samples_per_class: int) -> Dataset:
    """The first images of each class, for a trial run."""
    seen: Counter[int] = Counter()
    kept = []
    for index, label in enumerate(rows["label"][:]):
        seen[label] += 1
        if seen[label] <= samples_per_class:
            kept.append(index)
    return rows.select(kept)


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.data", description="Print FER2013's counts.")
    add_data_option(parser)
    parser.add_argument("--protocol", default="official", choices=PROTOCOLS, help="how it is split")
    arguments = parser.parse_args(argv)
    dataset = load_fer2013(arguments.data, arguments.protocol)
    print(f"{'split':<11}{''.join(f'{label:>10}' for label in FER_LABELS)}{'all':>10}")
    for split, rows in dataset.items():
        counts = class_counts(rows)
        print(f"{split:<11}{''.join(f'{count:>10,}' for count in counts)}{sum(counts):>10,}")


if __name__ == "__main__":
    main()
