"""Break it: the face as the models see it, made worse step by step, and where each of them changes its mind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from ...inference import predict_all
from ..components.breaking import Step
from ..turns import turn
from .compare import Shown


def _blur(view: Image.Image, level: float) -> Image.Image:
    return view.filter(ImageFilter.GaussianBlur(level))


def _turn(view: Image.Image, level: float) -> Image.Image:
    return view.rotate(level, Image.Resampling.BICUBIC, fillcolor=int(np.asarray(view).mean()))


def _darken(view: Image.Image, level: float) -> Image.Image:
    return view.point(lambda value: value * (1 - level))


@dataclass(frozen=True)
class Way:
    """A way to make a face worse.

    Attributes:
        apply: Does it to a grey picture of 48x48 pixels.
        levels: How far, from not at all.
    """

    apply: Callable[[Image.Image, float], Image.Image]
    levels: Sequence[float]


# Blur by the standard deviation in pixels of 48, turns in degrees, darkness by the share of light that is lost.
WAYS: Mapping[str, Way] = {
    "blur": Way(_blur, [0.25 * step for step in range(17)]),
    "turn": Way(_turn, [5.0 * step for step in range(19)]),
    "dark": Way(_darken, [0.06 * step for step in range(17)]),
}


def break_face(shown: Shown, way: str) -> list[Step]:
    """The face of an answer at each level of a way, one of `WAYS`.

    Raises:
        KeyError: There is no such way.
    """
    levels, apply = WAYS[way].levels, WAYS[way].apply
    views = {id(model): [apply(shown.crop.get_view(model), level) for level in levels] for model in shown.models}
    with turn:
        rows = [predict_all([model], views[id(model)])[0] for model in shown.models]
    first = views[id(shown.models[0])]
    return [Step(level, first[index], [row[index] for row in rows]) for index, level in enumerate(levels)]
