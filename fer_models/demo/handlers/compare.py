"""The comparison: a photo in, HTML or JSON out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...faces import FaceDetector
from ...images import MAX_PIXELS, ImageError, read_image
from ...inference import LoadedModel, compare, to_json
from ..figures.compare import render_photo, render_results
from ..figures.html import render_message
from ..locales import translate


@dataclass(frozen=True)
class Answer:
    """What the page shows for a photo.

    Attributes:
        photo: HTML: the photo with its box and the crop; empty if there is no face.
        results: HTML: the verdict and the networks' columns, or why there are none.
        offer_whole_image: Whether to offer to take the whole picture for the face.
    """

    photo: str
    results: str
    offer_whole_image: bool


@dataclass(frozen=True)
class CompareHandlers:
    """The tab's actions, with the networks and the detector they use."""

    models: Sequence[LoadedModel]
    detector: FaceDetector

    def answer(self, photo_path: str | None, whole_image: bool, language: str) -> Answer:
        """Compare the networks on a photo, in words and pictures.

        Args:
            photo_path: The uploaded file; None if there is none.
            whole_image: Take the whole picture for the face.
            language: One of `locales.LOCALES`.
        """
        if photo_path is None:
            return Answer("", render_results(None, self.models, language), False)
        try:
            image = read_image(photo_path)
        except ImageError as error:
            message = translate(language, f"error.{error.reason}", megapixels=MAX_PIXELS // 1_000_000)
            return Answer("", render_message(message, "error"), False)
        comparison = compare(image, self.models, self.detector, whole_image)
        if comparison.crop is None:
            return Answer("", render_message(translate(language, "faces.none"), "error"), True)
        photo = render_photo(image, comparison, self._as_networks_see(comparison.crop), language)
        return Answer(photo, render_results(comparison, self.models, language), False)

    def compare_json(self, photo_path: str | None, whole_image: bool) -> dict[str, Any]:
        """Compare the networks on a photo, as JSON; see `inference.to_json` for its shape.

        Raises:
            ImageError: There is no photo, or it cannot be used.
        """
        if photo_path is None:
            raise ImageError("missing", "No photo was given.")
        return to_json(compare(read_image(photo_path), self.models, self.detector, whole_image), self.models)

    def _as_networks_see(self, crop: Image.Image) -> Image.Image:
        pixels = self.models[0].image_processor(crop, return_tensors="np", do_rescale=False)["pixel_values"]
        return Image.fromarray(pixels[0, 0].astype("uint8"))


def find_examples() -> list[str]:
    """Public-domain portraits that installed packages carry; those that are not installed are left out."""
    examples = []
    try:
        import matplotlib

        examples.append(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    except ImportError:
        pass
    try:
        import skimage.data

        examples.append(Path(skimage.data.__file__).parent / "astronaut.png")
    except ImportError:
        pass
    return [str(path) for path in examples if path.is_file()]
