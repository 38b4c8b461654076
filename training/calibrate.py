"""Fit a network's temperature on validation: `python -m training.calibrate runs/baseline.report/seed-0`.

One number divides the logits (Guo et al. 2017, arXiv:1706.04599): the ranking of the classes stays, their probabilities
become as sure as they are right. It is stored in the folder's `config.json`, so that everything that loads the network
uses it. It is fitted on the official validation split (PublicTest), whatever protocol the network was trained by: no
training image is in it, and none of the official test split, on which calibration is reported.
"""

import os
from pathlib import Path

import torch
import yaml
from torch.nn import functional
from transformers import AutoConfig, AutoModelForImageClassification

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command

from .data import DATA_VARIABLE, decode, load_fer2013
from .evaluate import predict_logits


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature under which the labels are most likely.

    Args:
        logits: `(N, num_labels)`, undivided.
        labels: `(N,)`, int64, in [0, num_labels).

    Returns:
        A number above 0; above 1 if the network is surer than it is right.

    Raises:
        ValueError: There is no image, or no temperature helps because every prediction is right.
    """
    if len(labels) == 0:
        raise ValueError("Calibration needs images; there is none.")
    logits = logits.double()
    if (logits.argmax(-1) == labels).all():
        raise ValueError("Every image is classified right, so the temperature would be 0. Use more images.")
    log_temperature = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(logits / log_temperature.exp(), labels)
        loss.backward()
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    return log_temperature.exp().item()


def calibrate(directory: Path, source: str | None = None) -> float:
    """Fit the temperature of the network in `directory` and store it there.

    Args:
        directory: A finished run, or a checkpoint.
        source: FER2013, as `training.data` takes it; by default the one that the recipe names.

    Returns:
        The temperature.

    Raises:
        OSError: The folder or a file in it is missing.
        ValueError: The data is not FER2013.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())  # first, for the Hub is asked for missing folders
    config = AutoConfig.from_pretrained(directory)
    config.temperature = 1.0
    model = AutoModelForImageClassification.from_pretrained(directory, config=config)
    faces = load_fer2013(source or recipe["data"])["validation"]
    tensors = decode(faces, FerImageProcessor.from_pretrained(directory))
    config.temperature = round(fit_temperature(predict_logits(model, tensors), tensors.labels), 6)
    config.architectures = [type(model).__name__]
    config.save_pretrained(directory)
    return config.temperature


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("directory", type=Path, help="a finished run or a checkpoint")
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        default=os.environ.get(DATA_VARIABLE),
        help=f"FER2013; by default what {DATA_VARIABLE} says, else the source that the recipe names",
    )
    arguments = parser.parse_args(argv)
    print(f"temperature {calibrate(arguments.directory, arguments.data):.4f}")


if __name__ == "__main__":
    main()
