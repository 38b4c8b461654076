"""Images per second through the Trainer and through a bare PyTorch loop: `python -m training.benchmarks.trainer`.

Both train the same model, in the memory order of its recipe, on the same made-up images with the same batch and
optimizer, and nothing else: no random changes of the faces, averaged weights, teachers, measuring or saving. The runs
take turns, so that a busy machine slows both; medians are compared.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from fer_models.commands import CommandParser, at_least, command
from fer_models.memory import keep_freed_memory
from fer_models.zoo import get_entry

from .. import RECIPES_DIR
from ..data import FaceTensors, collate_batch
from ..recipe import RecipeArguments, parse_recipe
from ..runtime.files import write_json
from ..runtime.provenance import describe_environment
from ..train import FerTrainer

NUM_IMAGES = 20_099  # as many as the report trains on, so that memory is as in earnest
WARM_UP_STEPS = 2  # not timed: the first steps set up the memory and the kernels


class Stopwatch:
    """Times the steps after the warm-up; `tick` is called at the end of each step."""

    def __init__(self) -> None:
        self._steps = 0
        self._start = self._end = 0.0

    def tick(self) -> None:
        self._steps += 1
        if torch.cuda.is_available() and self._steps <= WARM_UP_STEPS:
            torch.cuda.synchronize()
        if self._steps == WARM_UP_STEPS:
            self._start = time.perf_counter()

    def stop(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._end = time.perf_counter()

    def images_per_second(self, batch_size: int) -> float:
        return (self._steps - WARM_UP_STEPS) * batch_size / (self._end - self._start)


class StopwatchCallback(TrainerCallback):
    """Ticks at the end of each of the Trainer's steps."""

    def __init__(self, stopwatch: Stopwatch):
        self._stopwatch = stopwatch

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._stopwatch.tick()
        if state.global_step == state.max_steps:
            self._stopwatch.stop()


def make_faces(num_images: int, image_size: int, num_labels: int) -> FaceTensors:
    """Random images and labels."""
    generator = torch.Generator().manual_seed(0)
    return FaceTensors(
        torch.rand(num_images, 1, image_size, image_size, generator=generator),
        torch.randint(num_labels, (num_images,), generator=generator),
    )


def make_model(recipe: RecipeArguments, seed: int) -> PreTrainedModel:
    """The recipe's model with fresh weights, in the recipe's memory order."""
    set_seed(seed)
    model = get_entry(recipe.model).model_class(recipe.make_config())
    return model.to(memory_format=torch.channels_last) if recipe.channels_last else model  # type: ignore[call-arg]


def time_bare_loop(recipe: RecipeArguments, args: TrainingArguments, faces: FaceTensors) -> float:
    """Images per second of the plainest loop that trains the model."""
    model: torch.nn.Module = make_model(recipe, args.seed)
    model.to(args.device).train()
    optimizer_class, settings = Trainer.get_optimizer_cls_and_kwargs(args)
    optimizer = optimizer_class(model.parameters(), **settings)
    batch_size = args.per_device_train_batch_size
    loader: DataLoader = DataLoader(faces, batch_size, shuffle=True, drop_last=True, collate_fn=collate_batch)  # type: ignore[arg-type]
    stopwatch, step = Stopwatch(), 0
    while step < args.max_steps:
        for batch in loader:
            pixel_values, labels = batch["pixel_values"].to(args.device), batch["labels"].to(args.device)
            with torch.autocast(args.device.type, torch.bfloat16, enabled=args.bf16):
                loss = model(pixel_values, labels=labels).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            stopwatch.tick()
            step += 1
            if step == args.max_steps:
                break
    stopwatch.stop()
    return stopwatch.images_per_second(batch_size)


def time_trainer(recipe: RecipeArguments, args: TrainingArguments, faces: FaceTensors) -> float:
    """Images per second through the Trainer as `training.train` uses it."""
    stopwatch = Stopwatch()
    trainer = FerTrainer(
        model=make_model(recipe, args.seed),
        args=args,
        train_dataset=faces,
        data_collator=collate_batch,
        callbacks=[StopwatchCallback(stopwatch)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return stopwatch.images_per_second(args.per_device_train_batch_size)


WAYS: dict[str, Callable[[RecipeArguments, TrainingArguments, FaceTensors], float]] = {
    "bare loop": time_bare_loop,
    "Trainer": time_trainer,
}


def measure(model_name: str, batch_size: int, steps: int, rounds: int, num_images: int) -> dict[str, Any]:
    """Time both ways in turn.

    Args:
        model_name: One of the report's models.
        batch_size: Images in a batch.
        steps: Timed steps in each round.
        rounds: How often each way is timed.
        num_images: Made-up images in memory.

    Returns:
        `images_per_second` of each round and way, their `medians`, `ratio` (Trainer / bare loop; 1 is no cost) and
        `peak_memory_gb` of this process so far, besides the arguments and the environment.

    Raises:
        ValueError: There is no such model, the numbers are not positive, or the images do not fill a batch.
    """
    get_entry(model_name)
    if min(batch_size, steps, rounds) < 1 or num_images < batch_size:
        raise ValueError(
            "batch_size, steps and rounds must be 1 or more, and the images must fill a batch; got "
            f"{batch_size}, {steps}, {rounds} and {num_images} images."
        )
    keep_freed_memory()
    figures: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as output_dir:
        recipe, args = parse_recipe(
            RECIPES_DIR / f"{model_name}.report.yaml",
            [
                *("--output_dir", output_dir, "--max_steps", str(WARM_UP_STEPS + steps)),
                *("--per_device_train_batch_size", str(batch_size), "--dataloader_drop_last", "true"),
                *("--eval_strategy", "no", "--save_strategy", "no", "--disable_tqdm", "true"),
            ],
        )
        config = recipe.make_config()
        faces = make_faces(num_images, config.image_size, config.num_labels)
        for _ in range(rounds):
            for way, time_way in WAYS.items():
                figures[way].append(time_way(recipe, args, faces))
    medians = {way: statistics.median(values) for way, values in figures.items()}
    return {
        "model": model_name,
        "batch_size": batch_size,
        "steps": steps,
        "rounds": rounds,
        "num_images": num_images,
        "images_per_second": figures,
        "medians": medians,
        "ratio": medians["Trainer"] / medians["bare loop"],
        "peak_memory_gb": peak_memory_gb(),
        **describe_environment(),
    }


def peak_memory_gb() -> float:
    """The most main memory this process has held at once, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9  # bytes on macOS, KiB elsewhere


def format_table(result: dict[str, Any]) -> str:
    """The result as a small table."""
    lines = [f"{result['model']}, batch {result['batch_size']}, {result['rounds']} rounds of {result['steps']} steps"]
    lines.append(f"{'':<10}{'median':>10}{'slowest':>10}{'fastest':>10}  images/s")
    for way, values in result["images_per_second"].items():
        lines.append(f"{way:<10}{result['medians'][way]:>10,.0f}{min(values):>10,.0f}{max(values):>10,.0f}")
    lines.append(f"Trainer / bare loop: {result['ratio']:.3f}")
    lines.append(f"peak memory: {result['peak_memory_gb']:.2f} GB")
    return "\n".join(lines)


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.benchmarks.trainer", description=__doc__)
    parser.add_argument("--model", default="baseline", help="one of the report's models")
    parser.add_argument("--batch-size", type=at_least(1), default=64, help="images in a batch")
    parser.add_argument("--steps", type=at_least(1), default=30, help="timed steps in each round")
    parser.add_argument("--rounds", type=at_least(1), default=5, help="how often each way is timed")
    parser.add_argument("--images", type=at_least(1), default=NUM_IMAGES, help="made-up images in memory")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="for the figures and the environment, JSON; by default none"
    )
    arguments = parser.parse_args(argv)
    result = measure(
        arguments.model, arguments.batch_size, arguments.steps, arguments.rounds, num_images=arguments.images
    )
    if arguments.output:
        write_json(arguments.output, result)
    print(format_table(result))


if __name__ == "__main__":
    main()
