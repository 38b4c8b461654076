"""The table of models: what there is, and how to load it."""

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

from .configuration_fer import FER_CNN_ARCHITECTURES, FER_LABELS, FerCnnConfig
from .configuration_fer_transfer import FerTransferConfig
from .hub import HubUnreachableError, download_checkpoint, make_fixed_revision, make_removal, make_repo_id
from .image_processing_fer import FerImageProcessor
from .modeling_fer import FerCnnForImageClassification
from .modeling_fer_transfer import FerTransferForImageClassification

CHECKPOINTS_DIR = Path(__file__).parent / "checkpoints"
# The tags, in the order in which `load` prefers them and every list shows them: by what ten people saw in
# each face, by the data set's own labels, and by the report's recipe.
TAGS = {
    "ferplus": "what ten people saw",
    "tuned": "the data set's own labels",
    "report": "as in the original 2022 report",
}
NAMESPACE_VARIABLE = "FER_MODELS_NAMESPACE"
# Names the Space, `<owner>/<name>`, with the page that runs in the visitor's browser; the demo links to it.
STATIC_SPACE_VARIABLE = "FER_STATIC_SPACE"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ZooEntry:
    """One row of the table.

    Attributes:
        make_config: Makes the model's configuration; keyword arguments override its fields.
        model_class: The model.
    """

    make_config: Callable[..., PreTrainedConfig]
    model_class: type[PreTrainedModel]


def _make_cnn_config(architecture: str, **overrides: Any) -> FerCnnConfig:
    return FerCnnConfig(**{**FER_CNN_ARCHITECTURES[architecture], **overrides})


def _make_transfer_config(**overrides: Any) -> FerTransferConfig:
    id2label = dict(enumerate(FER_LABELS))
    return FerTransferConfig(**{"id2label": id2label, "label2id": {v: k for k, v in id2label.items()}, **overrides})


# In the report's order. Page, terminal and the page in the browser compare these until somebody chooses others, and the
# limits of an answer were measured with them.
REPORT_MODELS = ("baseline", "dense", "batchnorm", "batchnorm-dropout")
# These come first.
ZOO: dict[str, ZooEntry] = {
    **{name: ZooEntry(partial(_make_cnn_config, name), FerCnnForImageClassification) for name in FER_CNN_ARCHITECTURES},
    "transfer": ZooEntry(_make_transfer_config, FerTransferForImageClassification),
}


def get_entry(name: str) -> ZooEntry:
    """The row of `name`.

    Raises:
        ValueError: There is no such model.
    """
    if name not in ZOO:
        raise ValueError(f"There is no model {name!r}. Choose one of: {', '.join(ZOO)}.")
    return ZOO[name]


def list_models(tag: str | None = None) -> list[str]:
    """The names that `load` takes: the models that are bundled, the report's first and in its order.

    Args:
        tag: Only those that are bundled with this tag.
    """
    return [name for name in ZOO if (tag in list_tags(name) if tag else list_tags(name))]


def list_tags(name: str) -> list[str]:
    """The tags in which `name` is bundled, such as `report`, in the order of `sort_tags`."""
    get_entry(name)
    return sort_tags(path.name.partition(".")[2] for path in CHECKPOINTS_DIR.glob(f"{name}.*"))


def sort_tags(tags: Iterable[str]) -> list[str]:
    """Tags, each once, in the order of `TAGS`; others follow by name."""
    return sorted(set(tags), key=lambda tag: (tag not in TAGS, list(TAGS).index(tag) if tag in TAGS else 0, tag))


def get_default_tag(name: str) -> str:
    """The tag that `load` takes when none is named: the first of `list_tags`, or of `TAGS` where nothing is bundled."""
    return [*list_tags(name), *TAGS][0]


def checkpoint_dir(name: str, tag: str | None = None) -> Path:
    """The folder of a bundled checkpoint.

    Raises:
        ValueError: There is no such model, or no such tag of it.
        FileNotFoundError: The checkpoint's weights are missing.
    """
    tag = tag or get_default_tag(name)
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


def find_checkpoint(
    name: str, tag: str | None = None, namespace: str | None = None, revision: str | None = None
) -> Path:
    """The folder from which `load` takes a model: a bundled one, or with a namespace the Hub's copy in the cache.

    Takes the arguments of `load`, and raises the same, but for damaged files.
    """
    namespace = namespace or os.environ.get(NAMESPACE_VARIABLE)
    if not namespace:
        if revision:
            raise ValueError(f"A revision is one of the Hub: name the namespace too, or set {NAMESPACE_VARIABLE}.")
        return checkpoint_dir(name, tag)
    get_entry(name)
    repo_id = make_repo_id(namespace, name)
    try:
        return download_checkpoint(repo_id, revision or make_fixed_revision(checkpoint_dir(name, tag)))
    except HubUnreachableError as error:
        bundled = _find_bundled(name, revision) if revision else checkpoint_dir(name, tag)
        if bundled is None:
            raise
        logger.warning("%s Taking the bundled %s instead.", error, bundled.name)
        return bundled


def _find_bundled(name: str, revision: str) -> Path | None:
    """The bundled checkpoint that a git tag or a branch of the Hub names, if there is one."""
    if revision == "main":  # holds the best
        return checkpoint_dir(name)
    bundled = {tag: checkpoint_dir(name, tag) for tag in list_tags(name)}
    return next((path for tag, path in bundled.items() if revision in (tag, make_fixed_revision(path))), None)


def load(
    name: str, tag: str | None = None, namespace: str | None = None, revision: str | None = None
) -> tuple[PreTrainedModel, FerImageProcessor]:
    """Load a model and its image processor: the bundled ones, or with a namespace the Hub's. Runs no code from there.

    Args:
        name: One of `list_models()`.
        tag: The tag; by default the one that `TAGS` prefers. Where a revision is named, that decides.
        namespace: User or organization of the Hub; by default what FER_MODELS_NAMESPACE says, if it is set.
        revision: Branch, tag or commit on the Hub; by default the one that holds just the bundled model.

    Returns:
        The model, in evaluation mode on the CPU, and the image processor.

    Raises:
        ValueError: There is no such model, tag or namespace, or a revision without a namespace.
        FileNotFoundError: The weights are missing.
        OSError: A file is damaged; the Hub has no such model or refuses it. When the Hub cannot be reached, the
            bundled ones are taken, with a warning; of a revision only the one that it names.
    """
    return load_checkpoint(name, find_checkpoint(name, tag, namespace, revision))


def load_checkpoint(name: str, directory: Path) -> tuple[PreTrainedModel, FerImageProcessor]:
    """Load the model `name` of the zoo, and its image processor, from a folder.

    Raises:
        OSError: A file is damaged.
    """
    try:
        model = get_entry(name).model_class.from_pretrained(directory)
        return model.eval(), FerImageProcessor.from_pretrained(directory)
    except Exception as error:  # safetensors raises a class of its own that is no OSError
        what = f"The model {directory} cannot be read, its weights or its configuration"
        raise OSError(f"{what} are damaged or cut short: {error}. {make_remedy(directory)}") from error


def make_remedy(directory: Path) -> str:
    """What to do about a folder in which a file is damaged: a bundled checkpoint, or one of the Hub's cache."""
    if directory.parent == CHECKPOINTS_DIR:
        return f"Install the package again, or train the model with `make train-{directory.name}`."
    return f"Run `{make_removal(directory)}` and load the model again."
