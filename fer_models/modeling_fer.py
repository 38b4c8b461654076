"""The convolutional models of the report (Tables 3 to 6), as one class driven by its configuration."""

from itertools import pairwise

import torch
from torch import nn
from transformers import initialization as init

from .configuration_fer import FerCnnConfig
from .modeling_fer_base import FerClassifier, FerPreTrainedModel


class FerCnnBlock(nn.Module):
    """One block: `conv -> ReLU [-> batch norm] [-> max pool] [-> dropout]`."""

    def __init__(self, config: FerCnnConfig, index: int):
        super().__init__()
        in_channels = config.filters[index - 1] if index else config.num_channels
        out_channels = config.filters[index]
        self.conv = nn.Conv2d(in_channels, out_channels, config.kernel_size)
        self.activation = nn.ReLU(inplace=True)
        # After the ReLU, as in the report; most later models normalise before it.
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


class FerCnnPreTrainedModel(FerPreTrainedModel):
    """The layers up to the features, which the models of this file share, and their initialisation."""

    config_class = FerCnnConfig
    _no_split_modules = ["FerCnnBlock"]

    def __init__(self, config: FerCnnConfig):
        super().__init__(config)
        self.blocks = nn.ModuleList(FerCnnBlock(config, index) for index in range(len(config.filters)))
        sizes = [config.filters[-1] * config.feature_map_size**2, *config.dense_sizes]
        self.dense = nn.Sequential()
        for in_features, out_features in pairwise(sizes):
            self.dense.append(nn.Linear(in_features, out_features))
            self.dense.append(nn.ReLU())
        self.num_features = sizes[-1]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Glorot-uniform weights and zero biases: Keras' defaults, with which the report trained."""
        super()._init_weights(module)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)

    def pool(self, hidden_state: torch.Tensor) -> torch.Tensor:
        # (N, C, H, W) -> (N, C * H * W) -> (N, num_features)
        return self.dense(hidden_state.flatten(1))


class FerCnnModel(FerCnnPreTrainedModel):
    """A CNN of the report (Tables 3 to 6) without its classifier: the features of a grey face."""

    def __init__(self, config: FerCnnConfig):
        super().__init__(config)
        self.post_init()


class FerCnnForImageClassification(FerClassifier, FerCnnPreTrainedModel):
    """A CNN of the report (Tables 3 to 6), which maps a grey face to one logit per expression."""

    config_class = FerCnnConfig


__all__ = ["FerCnnForImageClassification", "FerCnnModel", "FerCnnPreTrainedModel"]
