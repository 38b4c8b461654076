"""What changing the faces costs: `python -m training.benchmarks.augmentation training/recipes/dense.tuned.yaml`.

Times every change of a recipe alone, and all together, on batches of its size, and writes
`training/results/augmentation.json`: microseconds for one face.
"""

import statistics
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from fer_models.commands import CommandParser, at_least, command
from fer_models.memory import keep_freed_memory

from .. import RESULTS_DIR
from ..augmentation import AugmentationArguments, augment
from ..recipe import parse_recipe
from ..runtime.files import write_json
from ..runtime.provenance import describe_environment

OUTPUT = RESULTS_DIR / "augmentation.json"
FACE_SIDE = 48


def list_changes(arguments: AugmentationArguments) -> dict[str, AugmentationArguments]:
    """The changes that are made: each alone, by the field that asks for it, and `together`."""
    neutral = AugmentationArguments()
    asked = {
        one.name: getattr(arguments, one.name)
        for one in fields(AugmentationArguments)
        if getattr(arguments, one.name) != getattr(neutral, one.name)
    }
    extent = {"erase_fraction": arguments.erase_fraction}  # of no effect without `erase_probability`
    alone = {
        name: AugmentationArguments(**extent | {name: value}) for name, value in asked.items() if name not in extent
    }
    return alone | {"together": AugmentationArguments(**asked)}


def measure(changes: dict[str, AugmentationArguments], batch_size: int, rounds: int) -> dict[str, float]:
    """Microseconds for one face of each of `changes`: medians of so many rounds, in which they take turns.

    Raises:
        ValueError: There is nothing to time.
    """
    if batch_size < 1 or rounds < 1:
        raise ValueError(f"Expected at least one face and one round; got {batch_size} and {rounds}.")
    faces = torch.rand(batch_size, 1, FACE_SIDE, FACE_SIDE)
    seconds: dict[str, list[float]] = {name: [] for name in changes}
    for _ in range(rounds):
        for name, arguments in changes.items():
            start = time.perf_counter()
            augment(faces, arguments)
            seconds[name].append(time.perf_counter() - start)
    return {name: round(1e6 * statistics.median(some) / batch_size, 2) for name, some in seconds.items()}


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.benchmarks.augmentation", description=__doc__)
    parser.add_argument("recipe", type=Path, help="a file of training/recipes")
    parser.add_argument("--rounds", type=at_least(1), default=200, help="how often each change is timed")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE", help="file for the figures, JSON")
    arguments = parser.parse_args(argv)
    recipe, args = parse_recipe(arguments.recipe, ["--output_dir", "unused"])
    keep_freed_memory()
    batch_size = args.per_device_train_batch_size
    microseconds = measure(list_changes(recipe), batch_size, arguments.rounds)
    result: dict[str, Any] = {
        "recipe": arguments.recipe.stem,
        "microseconds_per_face": microseconds,
        "batch_size": batch_size,
        "rounds": arguments.rounds,
    }
    write_json(arguments.output, result | describe_environment())
    for name, cost in microseconds.items():
        print(f"{name:<24}{cost:>8.1f} µs a face")


if __name__ == "__main__":
    main()
