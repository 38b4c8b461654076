"""Calibrate a model on validation: `python -m training.evaluation.calibrate runs/baseline.report/seed-0`.

One number, the temperature, divides the logits (Guo et al. 2017, arXiv:1706.04599): the ranking of the classes stays,
and the probabilities become calibrated. It is stored in the folder's `config.json`, so that everything that loads the
model uses it. It is fitted on the official validation split (PublicTest), whatever protocol trained the model: no
training image is in it, and none of the official test split, on which calibration is reported.

A model that learnt from votes is calibrated to what most people saw, and balanced first: a third of all votes is for
neutral, and the rare classes are lost to it. The classes' shares in the training votes are taken off the logits with a
strength (`prior_strength` of the configuration). The rule, which was written before it was applied: the largest
strength of 0, 0.05, ... 1 that costs at most one point of accuracy on PublicTest.
"""

from pathlib import Path

import torch
import yaml
from datasets import Dataset
from torch.nn import functional
from transformers import AutoConfig, AutoModelForImageClassification

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command
from fer_models.configuration_fer import FER_LABELS
from fer_models.memory import keep_freed_memory

from ..data import add_run_data_option, decode, find_run_data, load_fer2013
from ..votes import NO_MAJORITY, find_majority, make_targets, read_votes
from .evaluate import check_labels, predict_logits

STRENGTHS = tuple(step / 20 for step in range(21))
LARGEST_COST = 0.01  # of accuracy


def fit_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature under which the labels are most likely.

    Args:
        logits: `(N, num_labels)`, undivided.
        labels: `(N,)`, int64, in [0, num_labels).

    Returns:
        A number above 0; above 1 if the model is surer than it is right.

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


def choose_strength(logits: torch.Tensor, labels: torch.Tensor, log_prior: torch.Tensor) -> float:
    """The largest strength of the prior that costs at most `LARGEST_COST` of accuracy.

    Args:
        logits: `(N, num_labels)`, with the prior in them.
        labels: `(N,)`, int64.
        log_prior: `(num_labels,)`.
    """
    accuracies = {
        strength: ((logits - strength * log_prior).argmax(-1) == labels).double().mean().item()
        for strength in STRENGTHS
    }
    return max(strength for strength in STRENGTHS if accuracies[strength] >= accuracies[0] - LARGEST_COST)


def find_prior(rows: Dataset) -> torch.Tensor:
    """Each label's share of the votes of training images, `(7,)`."""
    votes = make_targets(read_votes(rows))[:, : len(FER_LABELS)]
    return votes.sum(0) / votes.sum()


def calibrate(directory: Path, source: str | None = None) -> float:
    """Fit the temperature of the model in `directory`, and the balance of one that learnt from votes; store both there.

    Args:
        directory: A finished run, or a checkpoint.
        source: FER2013, as `training.data` takes it; by default the one that the recipe names.

    Returns:
        The temperature.

    Raises:
        OSError: The folder or a file in it is missing.
        ValueError: The model's labels are not FER2013's, or the data is not FER2013, or lacks the votes that it learnt.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())  # first, for the Hub is asked for missing folders
    keep_freed_memory()
    config = AutoConfig.from_pretrained(directory)
    check_labels(config)
    config.temperature, config.class_prior, config.prior_strength = 1.0, None, 0.0
    model = AutoModelForImageClassification.from_pretrained(directory, config=config)
    faces = load_fer2013(find_run_data(source, recipe))
    tensors = decode(faces["validation"], FerImageProcessor.from_pretrained(directory))
    logits, labels = predict_logits(model, tensors), tensors.labels
    if recipe.get("target", "label") != "label":
        majority = find_majority(read_votes(faces["validation"]))
        known = majority != NO_MAJORITY
        logits, labels = logits[known], majority[known]
        prior = find_prior(faces["train"])
        config.class_prior = [round(share, 6) for share in prior.tolist()]
        config.prior_strength = choose_strength(logits, labels, prior.log())
        logits = logits - config.prior_strength * torch.tensor(config.class_prior).log()
    config.temperature = round(fit_temperature(logits, labels), 6)
    config.architectures = [type(model).__name__]
    config.save_pretrained(directory)
    return config.temperature


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.evaluation.calibrate", description=__doc__)
    parser.add_argument("directory", type=Path, help="a finished run or a checkpoint")
    add_run_data_option(parser)
    arguments = parser.parse_args(argv)
    print(f"temperature {calibrate(arguments.directory, arguments.data):.4f}")


if __name__ == "__main__":
    main()
