"""What all models here share: the way from a face to features, and the calibrated classifier on top of them."""

import copy
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import (
    BaseModelOutputWithPoolingAndNoAttention,
    ImageClassifierOutputWithNoAttention,
)
from transformers.processing_utils import Unpack
from transformers.utils import TransformersKwargs
from transformers.utils.generic import can_return_tuple

from .configuration_fer_base import FerConfig


class FerPreTrainedModel(PreTrainedModel):
    """The way to the features: a chain of `blocks`, to be set by each kind of model, as `num_features` is."""

    config_class = FerConfig
    base_model_prefix = ""  # the layers have the same names with and without a classifier
    main_input_name = "pixel_values"
    input_modalities = ["image"]

    blocks: nn.ModuleList
    num_features: int

    def get_input_embeddings(self) -> nn.Module:
        """The first convolution."""
        return next(module for module in self.blocks.modules() if isinstance(module, nn.Conv2d))

    def prepare(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """What the first block gets of a face."""
        return pixel_values

    def pool(self, hidden_state: torch.Tensor) -> torch.Tensor:
        """The features `(N, num_features)` of the last block's map `(N, C, H, W)`."""
        raise NotImplementedError

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

        hidden_state = self.prepare(pixel_values.to(self.dtype))
        hidden_states: tuple[torch.Tensor, ...] = ()
        for block in self.blocks:
            hidden_state = block(hidden_state)
            if output_hidden_states:
                hidden_states += (hidden_state,)

        # (N, C, H, W) -> (N, num_features)
        return BaseModelOutputWithPoolingAndNoAttention(
            last_hidden_state=hidden_state,
            pooler_output=self.pool(hidden_state),
            hidden_states=hidden_states if output_hidden_states else None,
        )

    @can_return_tuple
    def forward(
        self, pixel_values: torch.Tensor, **kwargs: Unpack[TransformersKwargs]
    ) -> BaseModelOutputWithPoolingAndNoAttention:
        r"""
        Args:
            pixel_values: `(N, num_channels, image_size, image_size)`, float, in [0, 1]; moved into the model's dtype.
            output_hidden_states: Whether to return the feature maps, one `(N, C, H, W)` tensor per block.
            return_dict: Whether to return an output with names (the default) or a tuple.

        Returns:
            `last_hidden_state`, the last map `(N, C, H, W)`, `pooler_output` `(N, num_features)`, what a classifier
            gets, and `hidden_states` if asked for.

        Raises:
            ValueError: `pixel_values` has another shape than the configuration asks for, or is not float.
        """
        return self.compute_features(pixel_values, **kwargs)


class FerClassifier(FerPreTrainedModel):
    """A linear classifier on the features, calibrated; to be put before a kind of model among the base classes."""

    accepts_loss_kwargs = False  # else the Trainer would leave to the loss what gradient accumulation divides by

    def __init__(self, config: FerConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.dropout = nn.Dropout(getattr(config, "dropout", 0.0))
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
            output_hidden_states: Whether to return the feature maps, one `(N, C, H, W)` tensor per block.
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


__all__ = ["FerClassifier", "FerPreTrainedModel"]
