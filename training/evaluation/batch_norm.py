"""What lagging batch normalisation cost the report: `python -m training.evaluation.batch_norm`.

Takes the running statistics of finished models anew, from training images without their labels; no weight changes.
Measures them on PrivateTest before and after and writes `training/results/batch_norm.json`; of other runs than the
bundled ones it only prints, unless `--output` names a file.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from datasets import Dataset
from transformers import AutoModelForImageClassification

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, at_least, command
from fer_models.memory import keep_freed_memory
from fer_models.zoo import checkpoint_dir

from .. import RESULTS_DIR
from ..data import add_data_option, decode, load_fer2013
from ..ema import choose_statistics_faces, has_batch_norm, retake_statistics
from ..runtime.measured import write_measured
from .evaluate import predict_logits
from .metrics import accuracy_interval
from .subsets import drop_duplicates

OUTPUT = RESULTS_DIR / "batch_norm.json"
IMAGES = 1536
# The report's four; the weights of other seeds are not kept, so their runs are named by whoever has them.
BUNDLED = tuple(checkpoint_dir(name, "report") for name in ("baseline", "dense", "batchnorm", "batchnorm-dropout"))


def measure_run(
    directory: Path, train: Dataset, test: Dataset, without_copies: Sequence[int], images: int
) -> dict[str, Any]:
    """Accuracy before and after.

    Args:
        directory: A finished run or a checkpoint.
        train: What it was trained on.
        test: What it is measured on.
        without_copies: Indices of the rows of `test` that are no copies of training images.
        images: Training images that statistics are taken of.

    Returns:
        `model`, `protocol`, `seed`; `images`, how many were taken, 0 without batch normalisation; `splits`, by name
        with `n`, `before`, `after` and their `..._interval_95`; `after` is null without batch normalisation.

    Raises:
        OSError: A file of the run is missing.
        ValueError: There is no image to take statistics of.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())
    model = AutoModelForImageClassification.from_pretrained(directory)
    image_processor = FerImageProcessor.from_pretrained(directory)
    faces = decode(test, image_processor)
    right = {"before": predict_logits(model, faces).argmax(-1) == faces.labels}
    batches = choose_statistics_faces(len(train), images) if has_batch_norm(model) else ()
    if batches:
        chosen = decode(train.select(torch.cat(batches).tolist()), image_processor).pixel_values
        retake_statistics(model, chosen.split(len(batches[0])))
        right["after"] = predict_logits(model, faces).argmax(-1) == faces.labels
    splits = {"official_test": range(len(test)), "official_test_without_copies": without_copies}
    return {
        "model": recipe["model"],
        "protocol": recipe["protocol"],
        "seed": recipe["seed"],
        "images": sum(map(len, batches)),
        "splits": {name: _describe(right, torch.tensor(list(indices))) for name, indices in splits.items()},
    }


def _describe(right: dict[str, torch.Tensor], indices: torch.Tensor) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": len(indices), "before": None, "after": None}
    for when, answers in right.items():
        figures[when] = answers[indices].double().mean().item()
        figures[f"{when}_interval_95"] = accuracy_interval(figures[when], len(indices))
    return figures


def measure_batch_norm(source: str, directories: Sequence[Path], images: int = IMAGES) -> list[dict[str, Any]]:
    """What `measure_run` gives for each run.

    Raises:
        DataError: The data is not FER2013.
        OSError: A run is not there.
    """
    keep_freed_memory()
    official = load_fer2013(source, "official")
    test = official["test"].add_column("position", list(range(len(official["test"]))))
    without_copies = drop_duplicates(test, official["train"])["position"][:]
    rows = []
    for directory in directories:
        protocol = yaml.safe_load((directory / "recipe.yaml").read_text())["protocol"]
        row = measure_run(directory, load_fer2013(source, protocol)["train"], test, without_copies, images)
        rows.append(row)
        split = row["splits"]["official_test"]
        print(f"{row['model']}, seed {row['seed']}: {split['before']:.4f} -> {split['after']}", flush=True)
    return rows


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.evaluation.batch_norm", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders; by default the bundled .report")
    add_data_option(parser)
    parser.add_argument("--images", type=at_least(1), default=IMAGES, help="training images")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"for the figures, JSON; by default {OUTPUT.name} of the bundled ones, and none of other runs",
    )
    arguments = parser.parse_args(argv)
    rows = measure_batch_norm(arguments.data, arguments.runs or BUNDLED, arguments.images)
    if output := arguments.output or (None if arguments.runs else OUTPUT):
        write_measured(output, {"rows": rows})


if __name__ == "__main__":
    main()
