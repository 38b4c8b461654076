from dataclasses import replace

import numpy as np
import pytest
from conftest import make_face
from photos import load_portrait
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from fer_models.faces import DetectedFace, FaceDetector
from fer_models.images import read_image
from fer_models.packages import find_examples
from fer_models.quality import RULES, find_hints, measure_quality


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return load_portrait()


@pytest.fixture(scope="module")
def face(portrait: Image.Image) -> DetectedFace:
    return FaceDetector().detect(portrait)[0]


def ids(image: Image.Image, face: DetectedFace | None) -> list[str]:
    return [hint.id for hint in find_hints(image, face)]


def test_a_good_portrait_gets_no_hint() -> None:
    for path in find_examples()[:2]:
        image = read_image(path)
        assert ids(image, FaceDetector().detect(image)[0]) == [], path


FLAWS = {
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.2),
    "bright": lambda image: ImageEnhance.Brightness(image).enhance(4),
    "flat": lambda image: ImageEnhance.Contrast(image).enhance(0.1),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(12)),
    "noisy": lambda image: Image.effect_noise((250, 250), 200).resize(image.size, Image.Resampling.BOX),
}


@pytest.mark.parametrize(("flaw", "change"), FLAWS.items(), ids=FLAWS)
def test_a_flaw_of_the_whole_picture_is_named(portrait: Image.Image, face: DetectedFace, change, flaw: str) -> None:
    hints = find_hints(change(portrait), face)
    assert flaw in [hint.id for hint in hints]
    for hint in hints:
        assert hint.limit == RULES[hint.id].limit
        assert RULES[hint.id].breaks(hint.value)


def test_a_small_face_is_small_and_not_blurred_too(portrait: Image.Image) -> None:
    small = portrait.resize((portrait.width // 10, portrait.height // 10), Image.Resampling.BOX)
    assert ids(small, DetectedFace((17, 11, 34, 33), 0.9)) == ["small"]


def test_a_face_over_the_edge_is_cut(portrait: Image.Image, face: DetectedFace) -> None:
    x0, _, x1, _ = face.box_xyxy
    cut = portrait.crop((round(x0 + 0.6 * (x1 - x0)), 0, portrait.width, portrait.height))
    left = round(x0 + 0.6 * (x1 - x0))
    moved = replace(face, box_xyxy=tuple(np.array(face.box_xyxy) - [left, 0, left, 0]))
    assert "cut" in ids(cut, moved)
    assert measure_quality(cut, moved)["cut"] == pytest.approx(0.5, abs=0.15)
    assert measure_quality(portrait, face)["cut"] == 0


@pytest.mark.parametrize(
    ("eyes_and_nose", "turn", "tilt"),
    [
        (((10, 20), (30, 20), (20, 30)), 0, 0),
        (((10, 20), (30, 20), (28, 30)), 0.4, 0),
        (((10, 10), (30, 30), (10, 30)), 0, 45),
        (((20, 20), (20, 20), (20, 20)), 0, 0),
    ],
    ids=["straight", "turned", "tilted only", "all in one point"],
)
def test_pose_is_measured_from_the_landmarks(eyes_and_nose, turn: float, tilt: float) -> None:
    qualities = measure_quality(make_face(), DetectedFace((0, 0, 48, 48), 0.9, (*eyes_and_nose, (14, 40), (26, 40))))
    assert (qualities["turn"], qualities["tilt"]) == pytest.approx((turn, tilt), abs=1e-6)


def test_what_cannot_be_measured_is_left_out(portrait: Image.Image, face: DetectedFace) -> None:
    of_any_picture = {"brightness", "contrast", "sharpness", "side"}
    assert set(measure_quality(portrait, None)) == of_any_picture
    assert set(measure_quality(portrait, replace(face, landmarks_xy=None))) == of_any_picture | {"cut", "score"}


def test_sharpness_does_not_depend_on_light_and_contrast() -> None:
    image = make_face()
    sharpness = measure_quality(image, None)["sharpness"]
    for changed in (ImageEnhance.Brightness(image).enhance(0.6), ImageEnhance.Contrast(image).enhance(0.6)):
        assert measure_quality(changed, None)["sharpness"] == pytest.approx(sharpness, rel=0.1)
    assert measure_quality(ImageOps.invert(image), None)["sharpness"] == pytest.approx(sharpness)


def test_a_picture_of_nothing_gives_finite_numbers() -> None:
    for grey in (0, 128, 255):
        image = Image.new("L", (100, 100), grey)
        assert np.isfinite(list(measure_quality(image, None).values())).all()
        assert "flat" in ids(image, None)


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        find_hints(Image.new("RGB", (0, 10)), None)
