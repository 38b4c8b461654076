"""What each bundled model costs: `python -m training.benchmarks.cost` writes `training/results/cost.json`.

The models take turns, so that a busy machine slows all of them; compare the ratios to the first, not the times.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from PIL import Image

from fer_models.commands import at_least, command
from fer_models.inference import LoadedModel, load_models, predict
from fer_models.memory import keep_freed_memory
from fer_models.zoo import checkpoint_dir

from ..publishing.architecture import count_multiply_adds
from ..runtime.measured import make_measuring_parser, write_measured

FACE_SIDE = 200  # of the crop that is handed in, as from a photo; preprocessing is part of the time
BATCH_SIZE = 64


def _time_ms(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - start)


@torch.inference_mode()
def measure_cost(models: list[LoadedModel], rounds: int) -> list[dict[str, Any]]:
    """Cost of each model.

    Args:
        models: The models; ratios are to the first.
        rounds: How often each is timed; medians are kept.

    Returns:
        For each model `model`, `tag`, `parameters`, `file_bytes` (of the weights), `multiply_adds` (one face),
        `latency_ms` (one face, with preprocessing), `images_per_second` (a batch of 64 without it), and
        `latency_ratio` and `throughput_ratio` to the first model.
    """
    face = Image.new("RGB", (FACE_SIDE, FACE_SIDE), (120, 100, 90))
    batches = [
        torch.rand(BATCH_SIZE, 1, model.image_processor.size["height"], model.image_processor.size["width"])
        for model in models
    ]
    single: list[list[float]] = [[] for _ in models]
    batched: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        for index, model in enumerate(models):
            single[index].append(_time_ms(partial(predict, model, face)))
            batched[index].append(_time_ms(partial(model.model, batches[index])))
    latencies = [statistics.median(times) for times in single]
    speeds = [1000 * BATCH_SIZE / statistics.median(times) for times in batched]
    return [
        {
            "model": model.name,
            "tag": model.tag,
            "parameters": model.model.num_parameters(),
            "file_bytes": (checkpoint_dir(model.name, model.tag) / "model.safetensors").stat().st_size,
            "multiply_adds": count_multiply_adds(model.model),
            "latency_ms": latency,
            "images_per_second": speed,
            "latency_ratio": latency / latencies[0],
            "throughput_ratio": speed / speeds[0],
        }
        for model, latency, speed in zip(models, latencies, speeds, strict=True)
    ]


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("benchmarks.cost", __doc__, "cost.json", reads_faces=False)
    parser.add_argument("--rounds", type=at_least(1), default=30, help="how often each model is timed")
    arguments = parser.parse_args(argv)
    keep_freed_memory()
    costs = measure_cost(load_models(), arguments.rounds)
    for cost in costs:
        print(f"{cost['model']:<20}{cost['latency_ms']:>8.1f} ms{cost['images_per_second']:>9.0f} images/s")
    settings = {"rounds": arguments.rounds, "batch_size": BATCH_SIZE, "face_side": FACE_SIDE}
    write_measured(arguments.output, {"models": costs} | settings)


if __name__ == "__main__":
    main()
