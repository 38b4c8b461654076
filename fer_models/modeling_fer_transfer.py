"""The transfer-learning model: EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946), or any other backbone."""

import torch
from torch import nn
from transformers import AutoBackbone, AutoConfig
from transformers import initialization as init

from .configuration_fer_transfer import FerTransferConfig
from .modeling_fer_base import FerClassifier, FerPreTrainedModel


class FerTransferConv(nn.Module):
    """`[pad ->] conv -> batch norm [-> ReLU6]`, of which the map keeps its size, or has a part of it with a stride."""

    def __init__(
        self,
        config: FerTransferConfig,
        size: int,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        activates: bool = True,
    ):
        super().__init__()
        self.size = -(-size // stride)
        self.out_channels = out_channels
        # TensorFlow's 'same', with which the weights were trained: of an odd number the far side gets one pixel more.
        total = max((self.size - 1) * stride + kernel_size - size, 0)
        near, far = total // 2, total - total // 2
        self.pad = nn.Identity() if near == far else nn.ZeroPad2d((near, far, near, far))
        padding = near if near == far else 0
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, eps=config.batch_norm_eps, momentum=config.batch_norm_momentum)
        self.activation = nn.ReLU6(inplace=True) if activates else nn.Identity()

    def forward(self, hidden_state: torch.Tensor) -> torch.Tensor:
        # (N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
        return self.activation(self.norm(self.conv(self.pad(hidden_state))))


class FerTransferBlock(nn.Module):
    """An inverted residual: `[expand ->] depthwise -> project`, added to its input where the shapes allow it."""

    def __init__(
        self,
        config: FerTransferConfig,
        size: int,
        in_channels: int,
        out_channels: int,
        expansion: int,
        stride: int,
        kernel_size: int,
    ):
        super().__init__()
        width = in_channels * expansion
        self.expand = FerTransferConv(config, size, in_channels, width, 1) if expansion > 1 else nn.Identity()
        self.depthwise = FerTransferConv(config, size, width, width, kernel_size, stride, groups=width)
        self.size = self.depthwise.size
        self.project = FerTransferConv(config, self.size, width, out_channels, 1, activates=False)
        self.out_channels = out_channels
        self.is_residual = stride == 1 and in_channels == out_channels

    def forward(self, hidden_state: torch.Tensor) -> torch.Tensor:
        # (N, C, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))
        changed = self.project(self.depthwise(self.expand(hidden_state)))
        return hidden_state + changed if self.is_residual else changed


class FerTransferBackbone(nn.Module):
    """A backbone of transformers, of which the last map is taken."""

    def __init__(self, config: FerTransferConfig):
        super().__init__()
        self.backbone = AutoBackbone.from_config(AutoConfig.for_model(**(config.backbone_config or {})))
        self.out_channels = self.backbone.channels[-1]

    def forward(self, hidden_state: torch.Tensor) -> torch.Tensor:
        # (N, C, H, W) -> (N, out_channels, H', W')
        return self.backbone(hidden_state).feature_maps[-1]


def make_efficientnet_blocks(config: FerTransferConfig) -> list[nn.Module]:
    """Stem, inverted residuals, and the last convolution."""
    stem = FerTransferConv(config, config.upsampled_size, config.backbone_channels, config.stem_channels, 3, stride=2)
    blocks: list[nn.Module] = [stem]
    size, channels = stem.size, stem.out_channels
    for expansion, out_channels, num_blocks, first_stride, kernel_size in config.stages:
        for index in range(num_blocks):
            stride = 1 if index else first_stride
            block = FerTransferBlock(config, size, channels, out_channels, expansion, stride, kernel_size)
            blocks.append(block)
            size, channels = block.size, out_channels
    return [*blocks, FerTransferConv(config, size, channels, config.head_channels, 1)]


class FerTransferPreTrainedModel(FerPreTrainedModel):
    """The layers up to the features, which the models of this file share, and their initialisation."""

    config_class = FerTransferConfig
    _no_split_modules = ["FerTransferBlock", "FerTransferBackbone"]

    def __init__(self, config: FerTransferConfig):
        super().__init__(config)
        self.upsample = (
            nn.Upsample((config.upsampled_size, config.upsampled_size), mode="bilinear")
            if config.upsampled_size > config.image_size
            else nn.Identity()
        )
        self.blocks = nn.ModuleList(
            [FerTransferBackbone(config)] if config.backbone_config else make_efficientnet_blocks(config)
        )
        self.num_features: int = self.blocks[-1].out_channels  # type: ignore[assignment]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """He-normal convolutions, a Glorot-uniform classifier, zero biases."""
        super()._init_weights(module)
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            init.zeros_(module.bias)

    def prepare(self, pixel_values: torch.Tensor) -> torch.Tensor:
        # Before the first convolution, not within its weights: what it pads with is the 0 of the normalised pixels.
        # Filled where the pixels lie: a copy from the host could not be recorded in a CUDA graph.
        mean, std = (
            torch.cat([pixel_values.new_full((1, 1, 1), value) for value in values])
            for values in (self.config.pixel_mean, self.config.pixel_std)
        )
        # (N, num_channels, image_size, image_size) -> (N, backbone_channels, upsampled_size, upsampled_size)
        return (self.upsample(pixel_values) - mean) / std

    def pool(self, hidden_state: torch.Tensor) -> torch.Tensor:
        # (N, C, H, W) -> (N, C)
        return hidden_state.mean((2, 3))


class FerTransferModel(FerTransferPreTrainedModel):
    """A backbone that was trained on other pictures, without a classifier: the features of a grey face."""

    def __init__(self, config: FerTransferConfig):
        super().__init__(config)
        self.post_init()


class FerTransferForImageClassification(FerClassifier, FerTransferPreTrainedModel):
    """A backbone that was trained on other pictures, which maps a grey face to one logit per expression."""

    config_class = FerTransferConfig


__all__ = ["FerTransferForImageClassification", "FerTransferModel", "FerTransferPreTrainedModel"]
