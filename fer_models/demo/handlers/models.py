"""The figures of the networks: which one is looked at, and its page."""

from collections.abc import Sequence

from ...results import Checkpoint
from ...zoo import ZOO, get_default_tag
from ..figures.network import render_network


def choose_first(checkpoints: Sequence[Checkpoint]) -> str | None:
    """The key of the network that is shown first: the first of the zoo, trained the way that `load` takes."""
    name = next(iter(ZOO))
    wanted = f"{name}.{get_default_tag(name)}"
    keys = [one.key for one in checkpoints]
    return wanted if wanted in keys else next(iter(keys), None)


def show_network(checkpoints: Sequence[Checkpoint], key: str | None, language: str, split: str | None = None) -> str:
    """HTML: everything that is known of one network.

    Args:
        checkpoints: The bundled networks.
        key: Such as `baseline.report`; one that is not there gets a sentence.
        language: One of `locales.LOCALES`.
        split: One of `TEST_SPLITS`; None for the one whose accuracy is shown beside the model's answers.
    """
    return render_network(next((one for one in checkpoints if one.key == key), None), language, split)
