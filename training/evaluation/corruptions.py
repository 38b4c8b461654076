"""Fixed changes of faces, such as a bad camera makes, to measure how models bear them.

Each takes `pixel_values` `(N, 1, H, W)` in [0, 1] and a level, and returns the same shape and range. What is drawn at
random is drawn from a generator, so that equal seeds give equal faces.
"""

import io
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

SEED = 0

Change = Callable[[torch.Tensor, float, torch.Generator], torch.Tensor]


def change_brightness(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Multiply by `level`, above 0; what becomes too bright is white."""
    return (pixel_values * level).clamp(0, 1)


def blur(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Gaussian blur with a standard deviation of `level` pixels, above 0; beyond the edge the edge is repeated."""
    radius = math.ceil(3 * level)
    offsets = torch.arange(-radius, radius + 1, dtype=pixel_values.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * level**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    padded = functional.pad(pixel_values, (radius,) * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(padded, kernel), kernel.transpose(2, 3)).clamp(0, 1)


def add_noise(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Add normal noise with a standard deviation of `level`, in units of the whole range from black to white."""
    return (pixel_values + level * torch.randn(pixel_values.shape, generator=generator)).clamp(0, 1)


def shift(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Move each face by `level` of its width, in [0, 1), in a direction of its own; the edge is repeated."""
    angle = 2 * math.pi * torch.rand(len(pixel_values), generator=generator)
    # The grid of `affine_grid` runs from -1 to 1, so a whole width is 2.
    return _warp(pixel_values, torch.zeros_like(angle), 2 * level * angle.cos(), 2 * level * angle.sin())


def rotate(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Turn each face by `level` degrees, to the left or to the right; the edge is repeated."""
    side = torch.randint(0, 2, (len(pixel_values),), generator=generator) * 2 - 1
    still = torch.zeros(len(pixel_values))
    return _warp(pixel_values, side * math.radians(level), still, still)


def compress(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Write as JPEG of quality `level`, from 1 to 95, and read again."""
    faces = []
    for pixels in (pixel_values[:, 0] * 255).round().to(torch.uint8).numpy():
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="JPEG", quality=int(level))
        faces.append(np.asarray(Image.open(buffer), dtype=np.float32) / 255)
    return torch.from_numpy(np.stack(faces))[:, None] if faces else pixel_values


def change_contrast(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Multiply each face's differences from its own mean by `level`, 0 or more."""
    mean = pixel_values.mean((1, 2, 3), keepdim=True)
    return (mean + level * (pixel_values - mean)).clamp(0, 1)


def shrink(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Reduce each face to a side of `level` pixels, 1 or more, and enlarge it again as our preprocessing does."""
    sizes = [(round(level), round(level)), pixel_values.shape[2:]]
    for size in sizes if len(pixel_values) else []:
        pixel_values = functional.interpolate(pixel_values, size=size, mode="bilinear", antialias=True)
    return pixel_values.clamp(0, 1)


def cut(pixel_values: torch.Tensor, level: float, generator: torch.Generator) -> torch.Tensor:
    """Lose `level` of each face's side, in [0, 1), to the left, right or below; the new edge is repeated."""
    n, _, height, width = pixel_values.shape
    side = torch.randint(0, 3, (n, 1), generator=generator)
    lost_columns, lost_rows = round(level * width), round(level * height)
    columns, rows = torch.arange(width).expand(n, -1), torch.arange(height).expand(n, -1)
    columns = torch.where(side == 0, columns.clamp(min=lost_columns), columns)
    columns = torch.where(side == 1, columns.clamp(max=width - 1 - lost_columns), columns)
    rows = torch.where(side == 2, rows.clamp(max=height - 1 - lost_rows), rows)
    faces = torch.arange(n)[:, None, None]
    return pixel_values[faces, 0, rows[:, :, None], columns[:, None, :]][:, None]


def _warp(pixel_values: torch.Tensor, angle: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if len(pixel_values) == 0:
        return pixel_values
    theta = torch.stack([angle.cos(), -angle.sin(), x, angle.sin(), angle.cos(), y], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(theta, list(pixel_values.shape), align_corners=False)
    return functional.grid_sample(pixel_values, grid, padding_mode="border", align_corners=False)


# What robustness is measured by: name -> change and its levels, from weak to strong, on both sides where there are two.
# `training.evaluation.image_quality` has levels of its own, and the other changes.
CORRUPTIONS: dict[str, tuple[Change, tuple[float, ...]]] = {
    "brightness": (change_brightness, (0.25, 0.5, 1.5, 2.0)),
    "blur": (blur, (0.5, 1.0, 2.0)),
    "noise": (add_noise, (0.02, 0.05, 0.1)),
    "shift": (shift, (0.05, 0.1, 0.2)),
    "rotation": (rotate, (10, 20, 30)),
    "jpeg": (compress, (50, 20, 10)),
}


def corrupt_all(pixel_values: torch.Tensor, seed: int = SEED) -> Iterator[tuple[str, float, torch.Tensor]]:
    """Every change at every level: its name, the level, and the changed faces."""
    for name, (change, levels) in CORRUPTIONS.items():
        for level in levels:
            yield name, level, change(pixel_values, level, torch.Generator().manual_seed(seed))
