"""The figures of the models: which one is looked at, and its page."""

from collections.abc import Sequence

from ...results import Checkpoint
from ...zoo import ZOO, get_default_tag
from ..components.model import render_model


def choose_first(checkpoints: Sequence[Checkpoint]) -> str | None:
    """The key of the model that is shown first: the first of the zoo, trained the way that `load` takes."""
    name = next(iter(ZOO))
    wanted = f"{name}.{get_default_tag(name)}"
    keys = [one.key for one in checkpoints]
    return wanted if wanted in keys else next(iter(keys), None)


def show_model(checkpoints: Sequence[Checkpoint], key: str | None, language: str, split: str | None = None) -> str:
    """HTML: everything that is known of one model.

    Args:
        checkpoints: The bundled models.
        key: Such as `baseline.report`; one that is not there gets a sentence.
        language: One of `locales.LOCALES`.
        split: One of `TEST_SPLITS`; None for the one whose accuracy is shown beside the model's answers.
    """
    return render_model(next((one for one in checkpoints if one.key == key), None), language, split)
