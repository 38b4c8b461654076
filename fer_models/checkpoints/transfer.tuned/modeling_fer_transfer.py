"""The transfer-learning network: EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946), or any other backbone."""

import torch
from torch import nn
from transformers import AutoBackbone, AutoConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import ImageClassifierOutput

from .configuration_fer_transfer import FerTransferConfig


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


class FerTransferForImageClassification(PreTrainedModel):
    """A backbone that maps a grey face to one logit per expression."""

    config_class = FerTransferConfig
    base_model_prefix = ""
    main_input_name = "pixel_values"
    _no_split_modules = ["FerTransferBlock", "FerTransferBackbone"]

    def __init__(self, config: FerTransferConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.upsample = (
            nn.Upsample((config.upsampled_size, config.upsampled_size), mode="bilinear")
            if config.upsampled_size > config.image_size
            else nn.Identity()
        )
        self.blocks = nn.ModuleList(
            [FerTransferBackbone(config)] if config.backbone_config else make_efficientnet_blocks(config)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.blocks[-1].out_channels, self.num_labels)  # type: ignore[arg-type]
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """He-normal convolutions, a Glorot-uniform classifier, zero biases."""
        super()._init_weights(module)
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            init.zeros_(module.bias)

    def forward(
        self,
        pixel_values: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> ImageClassifierOutput | tuple[torch.Tensor, ...]:
        r"""
        Args:
            pixel_values: `(N, num_channels, image_size, image_size)`, float, in [0, 1].
            labels: `(N,)`, int64, in [0, num_labels); if given, the mean cross-entropy is returned as `loss`.
            output_hidden_states: Whether to return the feature maps, one `(N, channels, H, W)` tensor per block.
            return_dict: Whether to return an `ImageClassifierOutput` (the default) or a tuple.

        Returns:
            `loss` (with labels), `logits` `(N, num_labels)`, unbounded, and `hidden_states` if asked for.

        Raises:
            ValueError: `pixel_values` has another shape than the configuration asks for.
        """
        expected = (self.config.num_channels, self.config.image_size, self.config.image_size)
        if pixel_values.ndim != 4 or pixel_values.shape[1:] != expected:
            raise ValueError(
                f"pixel_values must have the shape (N, {', '.join(map(str, expected))}), got "
                f"{tuple(pixel_values.shape)}. The image processor that is stored with the model makes such tensors."
            )
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        if return_dict is None:
            return_dict = self.config.return_dict

        # Before the first convolution, not within its weights: what it pads with is the 0 of the normalised pixels.
        mean, std = (
            pixel_values.new_tensor(values)[:, None, None] for values in (self.config.pixel_mean, self.config.pixel_std)
        )
        # (N, num_channels, image_size, image_size) -> (N, backbone_channels, upsampled_size, upsampled_size)
        hidden_state = (self.upsample(pixel_values) - mean) / std
        hidden_states: tuple[torch.Tensor, ...] = ()
        for block in self.blocks:
            hidden_state = block(hidden_state)
            if output_hidden_states:
                hidden_states += (hidden_state,)

        # (N, C, H, W) -> (N, C)
        pooled = self.dropout(hidden_state.mean((2, 3)))
        logits = self.classifier(pooled) / self.config.temperature
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None

        output = ImageClassifierOutput(
            loss=loss, logits=logits, hidden_states=hidden_states if output_hidden_states else None
        )
        return output if return_dict else output.to_tuple()


__all__ = ["FerTransferForImageClassification"]
