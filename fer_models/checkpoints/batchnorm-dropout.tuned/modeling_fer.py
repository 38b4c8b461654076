"""The convolutional networks of the report (Tables 3 to 6), as one class driven by its configuration."""

from itertools import pairwise

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import ImageClassifierOutput

from .configuration_fer import FerCnnConfig


class FerCnnBlock(nn.Module):
    """One block: `conv -> ReLU [-> batch norm] [-> max pool] [-> dropout]`."""

    def __init__(self, config: FerCnnConfig, index: int):
        super().__init__()
        in_channels = config.filters[index - 1] if index else config.num_channels
        out_channels = config.filters[index]
        self.conv = nn.Conv2d(in_channels, out_channels, config.kernel_size)
        self.activation = nn.ReLU(inplace=True)
        # After the ReLU, as in the report; most later networks normalise before it.
        self.norm = (
            nn.BatchNorm2d(out_channels, eps=config.batch_norm_eps, momentum=config.batch_norm_momentum)
            if config.batch_norm
            else nn.Identity()
        )
        self.pool = nn.MaxPool2d(2) if index < config.num_pools else nn.Identity()
        self.dropout = nn.Dropout(config.block_dropout[index] if config.block_dropout else 0.0)

    def forward(self, hidden_state: torch.Tensor) -> torch.Tensor:
        # (N, C, H, W) -> (N, filters, (H - 2) // 2, (W - 2) // 2)
        return self.dropout(self.pool(self.norm(self.activation(self.conv(hidden_state)))))


class FerCnnPreTrainedModel(PreTrainedModel):
    """Initialisation and loading shared by the networks of this file."""

    config_class = FerCnnConfig
    base_model_prefix = ""
    main_input_name = "pixel_values"
    _no_split_modules = ["FerCnnBlock"]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Glorot-uniform weights and zero biases: Keras' defaults, with which the report trained."""
        super()._init_weights(module)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)


class FerCnnForImageClassification(FerCnnPreTrainedModel):
    """A CNN that maps a grey face to one logit per expression (report, Tables 3 to 6)."""

    def __init__(self, config: FerCnnConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.blocks = nn.ModuleList(FerCnnBlock(config, index) for index in range(len(config.filters)))
        sizes = [config.filters[-1] * config.feature_map_size**2, *config.dense_sizes]
        self.dense = nn.Sequential()
        for in_features, out_features in pairwise(sizes):
            self.dense.append(nn.Linear(in_features, out_features))
            self.dense.append(nn.ReLU())
        self.classifier = nn.Linear(sizes[-1], self.num_labels)
        self.post_init()

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
            output_hidden_states: Whether to return the feature maps, one `(N, filters, H, W)` tensor per block.
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

        hidden_state = pixel_values
        hidden_states: tuple[torch.Tensor, ...] = ()
        for block in self.blocks:
            hidden_state = block(hidden_state)
            if output_hidden_states:
                hidden_states += (hidden_state,)

        # (N, C, H, W) -> (N, C * H * W)
        logits = self.classifier(self.dense(hidden_state.flatten(1))) / self.config.temperature
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None

        output = ImageClassifierOutput(
            loss=loss, logits=logits, hidden_states=hidden_states if output_hidden_states else None
        )
        return output if return_dict else output.to_tuple()


__all__ = ["FerCnnForImageClassification", "FerCnnPreTrainedModel"]
