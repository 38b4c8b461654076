"""A model that goes on from a smaller one, which learns most of it in a fraction of the time."""

import json
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import PreTrainedModel

from fer_models.hub import compute_fingerprint

from .pretrained import load_trained
from .publishing.records import load_run
from .runtime.runs import leave_out_places


@torch.no_grad()
def widen(model: PreTrainedModel, folder: str, head: str | None = None) -> None:
    """Give a model the weights, and so the answers, of one with fewer filters, or with as many.

    The narrow one's weights become the leading channels. The other channels stay as they were drawn, and count for
    nothing at first, since what leads from them to the leading ones is zero: the answers are the same, but for the
    narrow one's calibration, and every weight can learn. (Net2Net, Chen et al. 2016, arXiv:1511.05641, makes the new
    channels copies of the old ones.)

    Args:
        model: The wide model, freshly drawn; changed in place.
        folder: Where the narrow one lies: a run or a checkpoint.
        head: Of one with two heads, the one that goes on: `votes`, or `label`.

    Raises:
        ValueError: The folder holds no model, or one that sees or says something else, or is no smaller one.
    """
    source = load_trained(folder, model.config, "widened_from", head)
    wide, narrow = model.state_dict(), source.state_dict()
    if (
        wide.keys() != narrow.keys()
        or not all(fits(wide[name], narrow[name]) for name in wide)
        or getattr(source.config, "num_pools", None) != getattr(model.config, "num_pools", None)
    ):
        raise ValueError(f"widened_from: {folder} is no smaller model of the same kind.")
    for name, theirs in narrow.items():
        ours = wide[name]
        if ours.ndim > 1:
            ours[: len(theirs), theirs.shape[1] :] = 0
        ours[tuple(map(slice, theirs.shape))] = theirs


def fits(wide: torch.Tensor, narrow: torch.Tensor) -> bool:
    """Whether a tensor can be the leading part of another."""
    return (wide.ndim, wide.shape[2:]) == (narrow.ndim, narrow.shape[2:]) and all(
        ours >= theirs for ours, theirs in zip(wide.shape, narrow.shape, strict=True)
    )


def describe_start(folder: str) -> dict[str, Any]:
    """Where the smaller model comes from: `run.json`, `recipe`, `history` of epochs, fingerprint of its `weights`."""
    return load_run(Path(folder)) | {
        "weights": compute_fingerprint(Path(folder)),
        "recipe": leave_out_places(yaml.safe_load(Path(folder, "recipe.yaml").read_text())),
        "history": json.loads(Path(folder, "history.json").read_text()),
    }
