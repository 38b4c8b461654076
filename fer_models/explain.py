"""Where a model looks: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from .inference import LoadedModel

# The last map with at least so many pixels a side is looked at: 7 is what Grad-CAM usually has, in a ResNet. The very
# last maps of the report's models are 2x2 pixels, in which a face has no eyes; the ones before are 8x8.
MIN_MAP_SIDE = 7

COLORMAP = "viridis"
OVERLAY_SIDE = 240


@dataclass(frozen=True)
class Explanation:
    """What in a face speaks for a label, to one model.

    Attributes:
        model: The model's name.
        label: The label.
        heat: `(48, 48)` for a model that sees 48x48 pixels, float32, in [0, 1]: how much each part of the crop speaks
            for the label. What speaks against it is 0.
        scale: What a heat of 1 stands for, in units of the calibrated logit, 0 or more; 0 if nothing speaks for it.
    """

    model: str
    label: str
    heat: np.ndarray
    scale: float


def explain(model: LoadedModel, face: Image.Image, label: str | None = None) -> Explanation:
    """Work out what in a face speaks for a label; its largest heat is 1, or 0 if nothing does.

    Threads may share the model; it is left as it was.

    Args:
        model: The model.
        face: The cropped face, any PIL mode and size.
        label: One of the model's labels; by default the one that it chooses.

    Raises:
        ValueError: There is no such label, the picture is empty, or the model's maps are all too small.
    """
    if label is not None and label not in model.labels:
        raise ValueError(f"There is no label {label!r}. Choose one of: {', '.join(model.labels)}.")
    with torch.inference_mode(False), torch.enable_grad():
        # Hooks would see what other threads send through the model, so they are set on a copy.
        module = copy.deepcopy(model.model).requires_grad_(False)
        recorder = _MapRecorder(module)
        pixel_values = model.image_processor(face, return_tensors="pt")["pixel_values"].to(module.device)
        logits = module(pixel_values.requires_grad_()).logits[0]
        if recorder.map is None:
            raise ValueError(f"The model {model.name!r} has no map of {MIN_MAP_SIDE} pixels a side to look at.")
        index = model.labels.index(label) if label else int(logits.argmax())
        (gradient,) = torch.autograd.grad(logits[index], recorder.map)
    weights = gradient.mean((2, 3), keepdim=True)  # (1, C, 1, 1)
    # Times the number of pixels: their sum is then what the map adds to the logit, to first order.
    cam = (weights * recorder.map).sum(1)[0].relu() * gradient[0, 0].numel()
    heat = recorder.spread(cam.detach().float().cpu().numpy(), pixel_values.shape[2:])
    scale = float(heat.max())
    return Explanation(model.name, model.labels[index], heat / (scale or 1.0), scale)


def share_scale(explanations: Sequence[Explanation]) -> list[Explanation]:
    """Put explanations of one face on one scale: the largest heat of all of them is 1."""
    scale = max((one.scale for one in explanations), default=0.0)
    return [replace(one, heat=one.heat * (one.scale / (scale or 1.0)), scale=scale) for one in explanations]


def overlay(face: Image.Image, heat: np.ndarray) -> Image.Image:
    """The face in grey with its heat in colours that are told apart without seeing red or green.

    Args:
        face: The cropped face that was explained, any PIL mode and size.
        heat: `(H, W)`, float, in [0, 1].

    Returns:
        RGB, `OVERLAY_SIDE` pixels a side.
    """
    import matplotlib

    size = (OVERLAY_SIDE, OVERLAY_SIDE)
    grey = np.asarray(face.convert("L").resize(size, Image.Resampling.BICUBIC), np.float32)[..., None]
    smooth = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    color = 255 * matplotlib.colormaps[COLORMAP](smooth)[..., :3]
    opacity = 0.25 + 0.45 * smooth[..., None]
    return Image.fromarray(((1 - opacity) * grey + opacity * color).round().astype(np.uint8))


class _MapRecorder:
    """Keeps the last large map of a forward pass, and where its pixels lie in the input.

    The report's models do not pad, and others pad one side more: to stretch a map over the whole input would shift
    what it shows by several pixels. The model must be a chain of layers; shortcuts without layers may pass them by.

    Attributes:
        map: `(N, C, H, W)`, in the graph.
        first: Where the centre of the map's first pixel lies, in pixels of the input.
        step: How far apart its pixels are, in pixels of the input.
    """

    def __init__(self, model: nn.Module):
        self.map: torch.Tensor | None = None
        self.first, self.step = 0.0, 1.0
        self._near_padding = 0
        for module in model.modules():
            if not any(module.children()):
                module.register_forward_hook(self._record)

    def _record(self, module: Any, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        if isinstance(module, nn.ZeroPad2d):
            self._near_padding = module.padding[0]  # of the convolution that comes next
            return
        if output.ndim != 4 or min(output.shape[2:]) < MIN_MAP_SIDE:
            return
        self.map = output
        if isinstance(module, nn.Upsample):
            factor = output.shape[2] / inputs[0].shape[2]
            self.first -= (1 - 1 / factor) / 2 * self.step
            self.step /= factor
        elif hasattr(module, "kernel_size"):
            kernel_size, stride, padding = (
                value[0] if isinstance(value, tuple) else value
                for value in (module.kernel_size, module.stride, module.padding)
            )
            self.first += ((kernel_size - 1) / 2 - padding - self._near_padding) * self.step
            self.step *= stride
            self._near_padding = 0

    def spread(self, values: np.ndarray, size: Sequence[int]) -> np.ndarray:
        """Values `(H, W)` of the map's pixels, each a bell as wide as `step`, in an input of `size` (height, width)."""
        rows, columns = (
            np.exp(-0.5 * ((np.arange(length) - self.first) / self.step - np.arange(count)[:, None]) ** 2)
            for length, count in zip(size, values.shape, strict=True)
        )
        return (rows.T @ values @ columns / (2 * np.pi)).astype(np.float32)
