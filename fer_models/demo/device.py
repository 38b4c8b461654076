"""On what the page computes: a GPU of its own where there is one, else the CPU."""

import os
from collections.abc import Sequence

import torch
from PIL import Image

from ..inference import LoadedModel, predict

try:
    import spaces
except ImportError:  # installed on Spaces only
    spaces = None


def is_zero_gpu() -> bool:
    """Whether this is a Space on ZeroGPU, which lends its GPU call by call."""
    return spaces is not None and os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def choose_device() -> str:
    """`cuda` where a GPU is there to stay, else `cpu`.

    On ZeroGPU, too, it is the CPU: a model answers there within milliseconds, while a GPU is lent after a wait, and
    out of the few minutes a day that a visitor has.
    """
    return "cuda" if torch.cuda.is_available() and not is_zero_gpu() else "cpu"


def place(models: Sequence[LoadedModel]) -> None:
    """Put models on the device, and run each once there, so that the first visitor does not wait."""
    if is_zero_gpu():
        spaces.GPU(choose_device)  # a Space in which nothing may ask for a GPU is stopped
    device = choose_device()
    for model in models:
        if model.model.device.type != device:
            model.model.to(device)  # type: ignore[arg-type]
            predict(model, Image.new("RGB", (48, 48)))
