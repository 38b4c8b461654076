"""The table of models: what there is, and how to load it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

from .configuration_fer import FER_CNN_ARCHITECTURES, FerCnnConfig
from .image_processing_fer import FerImageProcessor
from .modeling_fer import FerCnnForImageClassification

CHECKPOINTS_DIR = Path(__file__).parent / "checkpoints"


@dataclass(frozen=True)
class ZooEntry:
    """One row of the table.

    Attributes:
        make_config: Makes the network's configuration; keyword arguments override its fields.
        model_class: The network.
        default_tag: The way of training that `load` takes when none is named.
    """

    make_config: Callable[..., PreTrainedConfig]
    model_class: type[PreTrainedModel]
    default_tag: str = "report"


def _make_cnn_config(architecture: str, **overrides: Any) -> FerCnnConfig:
    return FerCnnConfig(**{**FER_CNN_ARCHITECTURES[architecture], **overrides})


ZOO: dict[str, ZooEntry] = {
    name: ZooEntry(partial(_make_cnn_config, name), FerCnnForImageClassification) for name in FER_CNN_ARCHITECTURES
}


def get_entry(name: str) -> ZooEntry:
    """The row of `name`.

    Raises:
        ValueError: There is no such model.
    """
    if name not in ZOO:
        raise ValueError(f"There is no model {name!r}. Choose one of: {', '.join(ZOO)}.")
    return ZOO[name]


def list_models() -> list[str]:
    """The names that `load` takes, in the order of the report."""
    return list(ZOO)


def list_tags(name: str) -> list[str]:
    """The ways of training in which `name` is bundled, such as `report`."""
    get_entry(name)
    return sorted(path.name.partition(".")[2] for path in CHECKPOINTS_DIR.glob(f"{name}.*"))


def checkpoint_dir(name: str, tag: str | None = None) -> Path:
    """The folder of a bundled checkpoint.

    Raises:
        ValueError: There is no such model, or no such way of training it.
        FileNotFoundError: The checkpoint's weights are missing.
    """
    tag = tag or get_entry(name).default_tag
    if tag not in list_tags(name):
        raise ValueError(
            f"The model {name!r} is not bundled with the tag {tag!r}. "
            f"Choose one of: {', '.join(list_tags(name)) or 'none is bundled'}."
        )
    directory = CHECKPOINTS_DIR / f"{name}.{tag}"
    if not (directory / "model.safetensors").is_file():
        raise FileNotFoundError(
            f"The weights {directory / 'model.safetensors'} are missing. Install the package again, or train them "
            f"with `make train-{directory.name}`."
        )
    return directory


def load(name: str, tag: str | None = None) -> tuple[PreTrainedModel, FerImageProcessor]:
    """Load a bundled model and its image processor.

    Args:
        name: One of `list_models()`.
        tag: The way of training; by default the model's best one.

    Returns:
        The model, in evaluation mode on the CPU, and the image processor.

    Raises:
        ValueError: There is no such model or tag.
        FileNotFoundError: The weights are missing.
        OSError: The weights are damaged.
    """
    directory = checkpoint_dir(name, tag)
    try:
        model = get_entry(name).model_class.from_pretrained(directory)
    except Exception as error:  # safetensors raises a class of its own that is no OSError
        raise OSError(
            f"The weights {directory / 'model.safetensors'} cannot be read, they are damaged or cut short: {error}. "
            f"Install the package again, or train them with `make train-{directory.name}`."
        ) from error
    return model.eval(), FerImageProcessor.from_pretrained(directory)
