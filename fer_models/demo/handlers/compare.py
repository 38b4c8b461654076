"""The comparison: a photo in, HTML or JSON out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...comparison import Comparison, Prediction
from ...explain import OVERLAY_SIDE, explain, share_scale
from ...faces import DetectedFace, FaceDetector
from ...images import ImageError, NoFaceError, read_image, shrink
from ...inference import LoadedModel, compare, find_faces, predict_all, to_json
from ...packages import find_examples
from ...zoo import REPORT_MODELS, get_default_tag, sort_tags
from ..components.compare import render_no_face, render_results, render_table
from ..components.html import render_message
from ..components.photo import (
    Preview,
    make_preview,
    render_choices,
    render_crop,
    render_empty,
    render_examples,
    render_photo,
)
from ..components.why import render_explanations
from ..locales import DEFAULT_LANGUAGE, translate
from ..turns import turn
from . import reasons

# How many models are compared until a visitor chooses; the zoo begins with them.
SHOWN_AT_FIRST = len(REPORT_MODELS)
# Rows and columns in which `explain_json` sums a heat map up; finer than the models' own maps are would be made up.
HEAT_CELLS = 8
# So many pixels of a photo's faces are kept in memory for the next click, at four bytes each: 16 MB of a crowd, 0.2 MB
# of one face. The photo itself is not kept.
KEPT_PIXELS = 4_000_000


@dataclass(frozen=True)
class Request:
    """What a visitor or a program wants to see. The page keeps it, so that it is not lost when the server forgets.

    Attributes:
        photo_path: The upload or the example; None if there is none.
        language: One of `locales.LOCALES`.
        tag: The way of training, empty for each model's default; models that were not trained so stay as they are.
        names: The models; for a program, none are those that are shown at first.
        face_index: The face of the photo, counted from 0, largest first; None for the one before, at first for 0.
        whole_image: Take the whole picture for the face.
        id: The page's own, another one for each choice, by which it tells an answer from the same in another language.
    """

    photo_path: str | None
    language: str = DEFAULT_LANGUAGE
    tag: str = ""
    names: Sequence[str] = ()
    face_index: int | None = None
    whole_image: bool = False
    id: str = ""


def read_request(value: object, language: str, tag: str, names: Sequence[str]) -> Request:
    """What the script of the page tells; not every request is this page's.

    Args:
        value: `path`, an upload's, or `example`, its number; `face`, `whole` and `id`.
        language, tag, names: As in `Request`.
    """
    told: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    path, face, example = (told.get(key) for key in ("path", "face", "example"))
    examples = find_examples()
    if type(example) is int and 0 <= example < len(examples):
        path = examples[example]
    return Request(
        path if isinstance(path, str) else None,
        language,
        tag,
        names,
        face if type(face) is int and face >= 0 else None,
        told.get("whole") is True,
        str(told.get("id", ""))[:40],
    )


@dataclass(frozen=True)
class Crop:
    """A face as it is kept, however large it was in the photo.

    Attributes:
        picture: For people, RGB, no larger than the page shows it.
        views: For the models, grey, by the height and width that they ask for: just what they would make of the
            original, so that their answers are the same.
    """

    picture: Image.Image
    views: Mapping[tuple[int, int], Image.Image]

    def get_view(self, model: LoadedModel) -> Image.Image:
        """The face as a model sees it."""
        return self.views[_get_size(model)]

    def predict(self, models: Sequence[LoadedModel]) -> list[Prediction]:
        """What each model makes of the face; those that ask for the same view share its preprocessing."""
        by_size = {
            size: iter(predict_all([model for model in models if _get_size(model) == size], [view]))
            for size, view in self.views.items()
        }
        return [next(by_size[_get_size(model)])[0] for model in models]


@dataclass(frozen=True)
class Shown:
    """What is kept of an answer, in memory, until the next one: enough to choose another face without a new search.

    Attributes:
        photo_path: The uploaded file.
        preview: The photo as it is shown.
        found: Its faces, largest first, or the whole picture alone, before anybody was asked.
        crops: What was cut out for each of them.
        models: The models that were compared.
        comparison: What they said.
    """

    photo_path: str
    preview: Preview
    found: list[Comparison]
    crops: list[Crop]
    models: list[LoadedModel]
    comparison: Comparison

    @property
    def faces(self) -> list[DetectedFace]:
        """The faces found in it, largest first; empty if the whole picture was taken."""
        return self.comparison.faces

    @property
    def face_index(self) -> int:
        """Which of `crops` was compared."""
        return self.comparison.face_index or 0

    @property
    def crop(self) -> Crop:
        """The face that was compared."""
        return self.crops[self.face_index]


@dataclass(frozen=True)
class Answer:
    """What the page shows for a photo.

    Attributes:
        results: HTML: the verdict and the models' columns, or why there are none.
        photo: HTML: the photo with its faces, or the place of one.
        choices: HTML: the faces to choose from, or the examples.
        crop: HTML: the face as the models see it; empty if there is none.
        table: HTML: all the numbers; empty if there are none.
        shown: What the next request may reuse; None if there is no answer.
        has_no_face: Whether there is none because no face was found.
    """

    results: str
    photo: str
    choices: str
    crop: str = ""
    table: str = ""
    shown: Shown | None = None
    has_no_face: bool = False


@dataclass(frozen=True)
class CompareHandlers:
    """The tab's actions, with the models and the detector they use.

    Attributes:
        models: Every model in every way of training that can be chosen, in the order of the zoo.
        detector: Finds the faces.
    """

    models: Sequence[LoadedModel]
    detector: FaceDetector

    @property
    def names(self) -> list[str]:
        """The models that can be chosen."""
        return list(dict.fromkeys(model.name for model in self.models))

    @property
    def tags(self) -> list[str]:
        """The ways of training that can be chosen, the first model's default first."""
        return list(dict.fromkeys([get_default_tag(self.names[0]), *sort_tags(model.tag for model in self.models)]))

    def choose_models(self, names: Sequence[str] | None = None, tag: str | None = None) -> list[LoadedModel]:
        """One model for each name, trained as `tag` says where there is such a one, else in its default way.

        Raises:
            ValueError: There is no such model or way of training.
        """
        names = self.names[:SHOWN_AT_FIRST] if names is None else names
        for asked, known in ((names, self.names), ([tag] if tag else [], self.tags)):
            for one in asked:
                if one not in known:
                    raise ValueError(f"There is no {one!r}. Choose from: {', '.join(known)}.")
        chosen = []
        for name in filter(names.__contains__, self.names):
            ways = {model.tag: model for model in self.models if model.name == name}
            chosen.append(ways.get(tag or "") or ways.get(get_default_tag(name)) or next(iter(ways.values())))
        return chosen

    def find_best(self) -> LoadedModel:
        """The model that is right most often, of those that are trained in their default way."""
        return max(self.choose_models(self.names), key=lambda model: model.test_accuracy)

    def answer(self, request: Request, shown: Shown | None = None) -> Answer:
        """Compare the models on a photo, in words and pictures.

        Args:
            request: What to compare.
            shown: The last answer; what is still true of it is not worked out again.
        """
        language, models = request.language, self.choose_models(request.names, request.tag)
        if not models:
            return self._refuse(render_message(translate(language, "choice.none"), "error", request.id), language)
        if request.photo_path is None:
            return self._refuse(render_results(None, models, language), language)
        try:
            with turn:
                new = self._look(request, models, shown)
        except NoFaceError as error:
            animated = error.reason == "no_face_in_first"
            answer = self._refuse(render_no_face(animated, language, request.id), language)
            photo = render_photo(make_preview(read_image(request.photo_path)), [], None, language)
            return replace(answer, photo=photo, has_no_face=True)
        except ImageError as error:
            words = f"{Path(request.photo_path).name}: {reasons.explain(error.reason, language, error.values)}"
            return self._refuse(render_message(words, "error", request.id), language)
        faces = [crop.picture for crop in new.crops] if new.faces else []
        return Answer(
            render_results(new.comparison, models, language, request.id),
            render_photo(new.preview, new.faces, new.comparison.face_index, language),
            render_choices(faces, new.comparison.face_index, render_examples(find_examples(), language), language),
            render_crop(new.crop.get_view(self.models[0]), language),
            render_table(new.comparison, models, language),
            new,
        )

    def _refuse(self, results: str, language: str) -> Answer:
        return Answer(results, render_empty(language), render_examples(find_examples(), language))

    def explain(self, shown: Shown, label: str | None, language: str) -> str:
        """What in the face speaks for a label to each model, as HTML; without a label, for each one's own choice."""
        with turn:
            explanations = [explain(model, shown.crop.get_view(model), label) for model in shown.models]
        return render_explanations(shown.crop.picture, share_scale(explanations), language)

    def compare_json(self, request: Request) -> dict[str, Any]:
        """Compare the models on a photo, as JSON; see `inference.to_json` for its shape.

        Raises:
            ImageError: There is no photo, or it cannot be used.
            ValueError: There is no such face, model or way of training.
        """
        models = self.choose_models(request.names or None, request.tag)
        return to_json(self._compare(request, models), models)

    def explain_json(self, request: Request, label: str | None = None) -> dict[str, Any]:
        """The same, and for each model what in the face speaks for a label, by default for its own choice.

        Returns:
            What `compare_json` does, and `explanations`: for each model `model`, `label` and `heat`, 8 rows of 8
            numbers in [0, 1], the mean of each part of the face from its top left; 1 is the greatest of all models.

        Raises:
            ImageError: There is no photo, or it cannot be used.
            ValueError: There is no such face, label, model or way of training.
        """
        models = self.choose_models(request.names or None, request.tag)
        comparison = self._compare(request, models)
        with turn:
            explanations = [
                explain(model, comparison.crop, label or prediction.winner)
                for model, prediction in zip(models, comparison.predictions, strict=False)
                if comparison.crop
            ]
        return to_json(comparison, models) | {
            "explanations": [
                {"model": one.model, "label": one.label, "heat": _sum_up(one.heat)} for one in share_scale(explanations)
            ]
        }

    def _compare(self, request: Request, models: Sequence[LoadedModel]) -> Comparison:
        if request.photo_path is None:
            raise ImageError("missing", "No photo was given.")
        face_index = 0 if request.face_index is None else request.face_index
        # A program may send anything. JSON has one kind of numbers, so 1.0 is whole; true is none, though 1 to Python.
        if type(face_index) not in (int, float) or face_index % 1:
            raise ValueError(f"face_index must be a whole number; got {face_index!r}.")
        with turn:
            image = read_image(request.photo_path)
            return compare(image, models, self.detector, request.whole_image, int(face_index))

    def _look(self, request: Request, models: list[LoadedModel], shown: Shown | None) -> Shown:
        """The answer to a request.

        Raises:
            ImageError: The photo cannot be used; a `NoFaceError` if there is no face.
        """
        path, index = request.photo_path or "", request.face_index
        if shown and shown.photo_path == path and not (request.whole_image and shown.faces):
            index = shown.face_index if index is None else index
            if (index, models) == (shown.face_index, shown.models):
                return shown
            preview, found, crops = shown.preview, shown.found, shown.crops
        else:
            image = read_image(path)
            found = find_faces(image, self.detector, request.whole_image)
            side = min(OVERLAY_SIDE, math.isqrt(KEPT_PIXELS // len(found)))
            crops = [self._keep(one.crop, side) for one in found if one.crop]
            found = [replace(one, crop=crop.picture) for one, crop in zip(found, crops, strict=True)]
            preview = make_preview(image)
        index = index if index and index < len(found) else 0
        comparison = replace(found[index], predictions=crops[index].predict(models))
        return Shown(path, preview, found, crops, models, comparison)

    def _keep(self, crop: Image.Image, side: int) -> Crop:
        views = {}
        for model in self.models:
            if _get_size(model) not in views:
                pixels = model.image_processor(crop, return_tensors="np", do_rescale=False)["pixel_values"]
                views[_get_size(model)] = Image.fromarray(pixels[0, 0].astype("uint8"))
        return Crop(shrink(crop, side), views)


def _get_size(model: LoadedModel) -> tuple[int, int]:
    size = model.image_processor.size
    return size["height"], size["width"]


def _sum_up(heat: np.ndarray) -> list[list[float]]:
    """The mean heat of each of 8 rows of 8 equal parts, from the top left."""
    cells = Image.fromarray(heat).resize((HEAT_CELLS, HEAT_CELLS), Image.Resampling.BOX)
    return np.asarray(cells, float).round(3).tolist()
