"""The transfer-learning model: EfficientNet-Lite (Tan and Le 2019, arXiv:1905.11946), or any other backbone."""

import copy
from typing import Any

import torch
from torch import nn
from transformers import AutoBackbone, AutoConfig, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import (
    BaseModelOutputWithPoolingAndNoAttention,
    ImageClassifierOutputWithNoAttention,
)
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.generic import can_return_tuple

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


class FerTransferPreTrainedModel(PreTrainedModel):
    """The layers up to the features, which the models of this file share, their initialisation and loading."""

    config_class = FerTransferConfig
    base_model_prefix = ""  # the layers have the same names with and without a classifier
    main_input_name = "pixel_values"
    input_modalities = ["image"]
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

    def get_input_embeddings(self) -> nn.Module:
        """The first convolution."""
        return next(module for module in self.blocks.modules() if isinstance(module, nn.Conv2d))

    def compute_features(
        self, pixel_values: torch.Tensor, output_hidden_states: bool | None = None, **kwargs: Any
    ) -> BaseModelOutputWithPoolingAndNoAttention:
        """Everything before the classifier; arguments and errors are those of `forward`."""
        expected = (self.config.num_channels, self.config.image_size, self.config.image_size)
        if pixel_values.ndim != 4 or pixel_values.shape[1:] != expected or not pixel_values.is_floating_point():
            raise ValueError(
                f"pixel_values must have the shape (N, {', '.join(map(str, expected))}) and be float; got "
                f"{tuple(pixel_values.shape)}, {pixel_values.dtype}. The image processor that is stored with the model "
                "makes such tensors."
            )
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states

        pixel_values = pixel_values.to(self.dtype)
        # Before the first convolution, not within its weights: what it pads with is the 0 of the normalised pixels.
        # Filled where the pixels lie: a copy from the host could not be recorded in a CUDA graph.
        mean, std = (
            torch.cat([pixel_values.new_full((1, 1, 1), value) for value in values])
            for values in (self.config.pixel_mean, self.config.pixel_std)
        )
        # (N, num_channels, image_size, image_size) -> (N, backbone_channels, upsampled_size, upsampled_size)
        hidden_state = (self.upsample(pixel_values) - mean) / std
        hidden_states: tuple[torch.Tensor, ...] = ()
        for block in self.blocks:
            hidden_state = block(hidden_state)
            if output_hidden_states:
                hidden_states += (hidden_state,)

        # (N, C, H, W) -> (N, C)
        return BaseModelOutputWithPoolingAndNoAttention(
            last_hidden_state=hidden_state,
            pooler_output=hidden_state.mean((2, 3)),
            hidden_states=hidden_states if output_hidden_states else None,
        )


class FerTransferModel(FerTransferPreTrainedModel):
    """A backbone that was trained on other pictures, without a classifier: the features of a grey face."""

    def __init__(self, config: FerTransferConfig):
        super().__init__(config)
        self.post_init()

    @can_return_tuple
    def forward(
        self, pixel_values: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> BaseModelOutputWithPoolingAndNoAttention:
        r"""
        Args:
            pixel_values: `(N, num_channels, image_size, image_size)`, float, in [0, 1]; moved into the model's dtype.
            output_hidden_states: Whether to return the feature maps, one `(N, channels, H, W)` tensor per block.
            return_dict: Whether to return an output with names (the default) or a tuple.

        Returns:
            `last_hidden_state`, the last map `(N, channels, H, W)`, `pooler_output` `(N, num_features)`, what a
            classifier gets, and `hidden_states` if asked for.

        Raises:
            ValueError: `pixel_values` has another shape than the configuration asks for, or is not float.
        """
        return self.compute_features(pixel_values, **kwargs)


class FerTransferForImageClassification(FerTransferPreTrainedModel):
    """A backbone that was trained on other pictures, which maps a grey face to one logit per expression."""

    accepts_loss_kwargs = False  # else the Trainer would leave to the loss what gradient accumulation divides by

    def __init__(self, config: FerTransferConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.num_features, self.num_labels)
        self.post_init()

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """As transformers does it; but the temperature was fitted for the stored classifier, and a new one has 1."""
        loaded: Any = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        model, info = loaded
        unread = [*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])]
        if any(key.startswith("classifier.") for key in unread):
            model.config.forget_calibration()
        return (model, info) if output_loading_info else model

    def calibrate(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits `(N, num_labels)` of the classifier, less its prior, divided by the temperature.

        If the prior is of another number of labels, the classifier is another than the one for which both were fitted,
        and its logits stay as they are.
        """
        if self.config.class_prior is not None and len(self.config.class_prior) != logits.shape[-1]:
            return logits
        if self.config.prior_strength:
            # Filled where the logits lie: a copy from the host could not be recorded in a CUDA graph.
            prior = torch.cat([logits.new_full((1,), share) for share in self.config.class_prior])
            logits = logits - self.config.prior_strength * prior.log()
        return logits / self.config.temperature

    @can_return_tuple
    def forward(
        self, pixel_values: torch.Tensor, labels: torch.Tensor | None = None, **kwargs: Unpack[TransformersKwargs]
    ) -> ImageClassifierOutputWithNoAttention:
        r"""
        Args:
            pixel_values: `(N, num_channels, image_size, image_size)`, float, in [0, 1]; moved into the model's dtype.
            labels: If given, `loss` is returned, the mean of what `config.problem_type` names: by default the
                cross-entropy for `(N,)`, int64, in [0, num_labels), binary cross-entropy for `(N, num_labels)`, float,
                in [0, 1], and the squared error for a single label.
            output_hidden_states: Whether to return the feature maps, one `(N, channels, H, W)` tensor per block.
            return_dict: Whether to return an output with names (the default) or a tuple.

        Returns:
            `loss` (with labels), `logits` `(N, num_labels)`, unbounded, and `hidden_states` if asked for.

        Raises:
            ValueError: `pixel_values` has another shape than the configuration asks for, or is not float.
        """
        outputs = self.compute_features(pixel_values, **kwargs)
        logits = self.calibrate(self.classifier(self.dropout(outputs.pooler_output)))
        # A copy, for transformers writes into it which problem these labels are, and the next ones may be of another.
        loss = self.loss_function(labels, logits, copy.copy(self.config)) if labels is not None else None
        return ImageClassifierOutputWithNoAttention(loss=loss, logits=logits, hidden_states=outputs.hidden_states)


__all__ = ["FerTransferForImageClassification", "FerTransferModel", "FerTransferPreTrainedModel"]
