"""Configuration of the transfer-learning model."""

from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict

from .configuration_fer_base import FerConfig

# EfficientNet-Lite0: Tan and Le 2019, arXiv:1905.11946, Table 1, without squeeze-and-excitation. Of each stage:
# expansion, channels, number of blocks, stride of the first block, side of the depthwise kernel.
LITE0_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


@strict
class FerTransferConfig(FerConfig):
    r"""
    A backbone that was trained on other pictures, and a new classifier for faces. Defaults are EfficientNet-Lite0.

    The model takes the same grey faces as the others, enlarges them, and moves the pixels into the range that the
    backbone knows. The names of the labels are given as `id2label`; without them there are two, as in transformers.

    Args, beside those of `FerConfig`:
        upsampled_size: Side to which it is enlarged before the first convolution, in pixels, 32 or more.
        pixel_mean: Subtracted from the pixels, which lie in [0, 1]. One number, or one for each channel of the
            backbone: then grey is repeated.
        pixel_std: What is left is divided by it; as many numbers.
        stem_channels: Channels after the first convolution.
        stages: For each stage its expansion, channels, number of blocks, stride of the first one, and side of the
            depthwise kernel, in pixels.
        head_channels: Channels of the last map.
        batch_norm_momentum: Weight of the new batch in the running statistics, in (0, 1].
        batch_norm_eps: Added to the variance.
        backbone_config: Configuration of a backbone of transformers, as a dictionary with its `model_type`; it takes
            the place of everything from `stem_channels` on.
        dropout: Probability before the classifier, in [0, 1).

    Raises:
        StrictDataclassError: A field has the wrong type or is out of range.
    """

    model_type = "fer_transfer"
    auto_classes: ClassVar[dict[str, str]] = {
        "AutoModel": "modeling_fer_transfer.FerTransferModel",
        "AutoModelForImageClassification": "modeling_fer_transfer.FerTransferForImageClassification",
    }

    upsampled_size: int = 96
    # As the weights of TensorFlow's Lite models expect their pixels.
    pixel_mean: list[float] | tuple[float, ...] = (127 / 255,)
    pixel_std: list[float] | tuple[float, ...] = (128 / 255,)
    stem_channels: int = 32
    stages: list[list[int]] | tuple[tuple[int, ...], ...] = LITE0_STAGES
    head_channels: int = 1280
    batch_norm_momentum: float = 0.01
    batch_norm_eps: float = 1e-3
    backbone_config: dict[str, Any] | None = None
    dropout: float = 0.2

    @property
    def backbone_channels(self) -> int:
        """Channels that the backbone gets."""
        return max(self.num_channels, len(self.pixel_mean))

    def validate_model(self) -> None:
        """Check the fields one at a time. Called by `@strict`."""
        for name in ("stem_channels", "head_channels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more; got {getattr(self, name)}.")
        if self.upsampled_size < max(32, self.image_size):
            raise ValueError(
                f"upsampled_size must be 32 or more, and no less than image_size ({self.image_size}); "
                f"got {self.upsampled_size}."
            )
        if {self.num_channels, len(self.pixel_mean)} - {1, self.backbone_channels} or not self.pixel_mean:
            raise ValueError(
                f"pixel_mean must hold one number, or one for each of {self.backbone_channels} channels; "
                f"got {self.pixel_mean!r}."
            )
        if len(self.pixel_std) != len(self.pixel_mean) or not all(std > 0 for std in self.pixel_std):
            raise ValueError(f"pixel_std must hold a positive number for each pixel_mean; got {self.pixel_std!r}.")
        if not self.stages or any(len(stage) != 5 or min(stage) < 1 for stage in self.stages):
            raise ValueError(
                "stages must hold expansion, channels, number of blocks, stride and side of the kernel of at least one "
                f"stage, each number 1 or more; got {self.stages!r}."
            )
        if not 0 < self.batch_norm_momentum <= 1:
            raise ValueError(f"batch_norm_momentum must lie in (0, 1]; got {self.batch_norm_momentum}.")
        if not self.batch_norm_eps > 0:
            raise ValueError(f"batch_norm_eps must be positive; got {self.batch_norm_eps}.")
        if self.backbone_config is not None and "model_type" not in self.backbone_config:
            raise ValueError(f"backbone_config must name its model_type; got {self.backbone_config!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1); got {self.dropout}.")


__all__ = ["LITE0_STAGES", "FerTransferConfig"]
