"""Random changes of training faces, as batched tensor operations."""

import math
from dataclasses import dataclass, field

import torch
from torch.nn import functional

# Bicubic keeps more of a face's detail: of the variance of its Laplacian, bilinear leaves about half.
RESAMPLING = ("bilinear", "bicubic")


@dataclass
class AugmentationArguments:
    """How strongly faces are changed; all zero is no change at all."""

    flip_probability: float = field(default=0.0, metadata={"help": "Mirror left and right; in [0, 1]."})
    shift_fraction: float = field(default=0.0, metadata={"help": "Largest shift, in widths of the image; in [0, 1)."})
    rotation_degrees: float = field(default=0.0, metadata={"help": "Largest rotation either way, in degrees."})
    scale_fraction: float = field(default=0.0, metadata={"help": "Largest change of size either way; in [0, 1)."})
    brightness_fraction: float = field(
        default=0.0, metadata={"help": "Largest change of brightness and of contrast either way; in [0, 1)."}
    )
    resampling: str = field(
        default="bilinear", metadata={"help": f"How moved faces are resampled: {' or '.join(RESAMPLING)}."}
    )
    erase_probability: float = field(default=0.0, metadata={"help": "Grey out a random rectangle; in [0, 1]."})
    erase_fraction: float = field(
        default=0.4, metadata={"help": "Longest side of that rectangle, in widths of the image; in (0, 1]."}
    )

    def __post_init__(self) -> None:
        for name in ("flip_probability", "erase_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1]; got {getattr(self, name)}.")
        for name in ("shift_fraction", "scale_fraction", "brightness_fraction"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in [0, 1); got {getattr(self, name)}.")
        if not 0 <= self.rotation_degrees <= 180:
            raise ValueError(f"rotation_degrees must lie in [0, 180]; got {self.rotation_degrees}.")
        if self.resampling not in RESAMPLING:
            raise ValueError(f"resampling must be one of {', '.join(RESAMPLING)}; got {self.resampling!r}.")
        if not 0 < self.erase_fraction <= 1:
            raise ValueError(f"erase_fraction must lie in (0, 1]; got {self.erase_fraction}.")

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.flip_probability, self.shift_fraction, self.rotation_degrees, self.scale_fraction))


def augment(pixel_values: torch.Tensor, arguments: AugmentationArguments) -> torch.Tensor:
    """Change each face of a batch at random, by torch's random numbers.

    Args:
        pixel_values: `(N, C, H, W)`, float, in [0, 1].
        arguments: How strongly.

    Returns:
        A tensor of the same shape and range; where nothing is to be changed, the same tensor.
    """
    if arguments.moves:
        pixel_values = _move(pixel_values, arguments)
    if arguments.brightness_fraction:
        contrast = 1 + _uniform(pixel_values, arguments.brightness_fraction)
        mean = pixel_values.mean(dim=(1, 2, 3), keepdim=True)
        brightness = _uniform(pixel_values, arguments.brightness_fraction)
        pixel_values = ((pixel_values - mean) * contrast + mean + brightness).clamp(0, 1)
    if arguments.erase_probability:
        pixel_values = _erase(pixel_values, arguments)
    return pixel_values


def _uniform(pixel_values: torch.Tensor, limit: float) -> torch.Tensor:
    """One number per face in [-limit, limit], `(N, 1, 1, 1)`."""
    return torch.empty(len(pixel_values), 1, 1, 1, device=pixel_values.device).uniform_(-limit, limit)


def _move(pixel_values: torch.Tensor, arguments: AugmentationArguments) -> torch.Tensor:
    """Flip, rotate, scale and shift in one resampling; what comes in from outside repeats the edge."""
    angle = _uniform(pixel_values, math.radians(arguments.rotation_degrees)).flatten()
    zoom = 1 + _uniform(pixel_values, arguments.scale_fraction).flatten()
    flip = torch.where(torch.rand_like(angle) < arguments.flip_probability, -1.0, 1.0)
    # The grid runs from -1 to 1, so a whole width is 2.
    shift_x = _uniform(pixel_values, 2 * arguments.shift_fraction).flatten()
    shift_y = _uniform(pixel_values, 2 * arguments.shift_fraction).flatten()
    cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
    theta = torch.stack([flip * cos, -sin, shift_x, flip * sin, cos, shift_y], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(theta, list(pixel_values.shape), align_corners=False)
    moved = functional.grid_sample(
        pixel_values, grid, mode=arguments.resampling, padding_mode="border", align_corners=False
    )
    return moved.clamp(0, 1) if arguments.resampling == "bicubic" else moved  # which overshoots at edges


def _erase(pixel_values: torch.Tensor, arguments: AugmentationArguments) -> torch.Tensor:
    """Fill a rectangle with the face's mean (Zhong et al. 2020, arXiv:1708.04896, with a plain fill)."""
    n, _, height, width = pixel_values.shape
    device = pixel_values.device

    def draw_span(length: int) -> torch.Tensor:
        """Which of `length` positions lie in a random span, `(N, length)`."""
        span = torch.rand(n, 1, device=device) * arguments.erase_fraction * length
        start = torch.rand(n, 1, device=device) * (length - span)
        position = torch.arange(length, device=device)
        return (position >= start) & (position < start + span)

    erased = torch.rand(n, 1, 1, 1, device=device) < arguments.erase_probability
    mask = erased & draw_span(height)[:, None, :, None] & draw_span(width)[:, None, None, :]
    return torch.where(mask, pixel_values.mean(dim=(1, 2, 3), keepdim=True), pixel_values)
