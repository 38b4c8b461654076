"""Finding faces, and the crop that looks like FER2013's."""

import sys

import numpy as np
import pytest
from conftest import make_color_image
from photos import load_portrait
from PIL import Image

from fer_models import faces as faces_module
from fer_models.faces import MIN_FACE_SIDE, DetectedFace, FaceDetector, crop_box, crop_face
from fer_models.images import read_image
from fer_models.packages import find_examples

# Where the face is in each portrait (left, top, right, bottom, in pixels), drawn by hand: hairline to chin, ear to ear.
HOPPER_FACE = (180, 115, 355, 335)
ASTRONAUT_FACE = (178, 60, 270, 176)


@pytest.fixture(scope="module")
def hopper() -> Image.Image:
    """Grace Hopper, United States Navy, public domain; 512x600."""
    return load_portrait()


def overlap(a, b) -> float:
    """Intersection over union."""
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def test_detect_finds_nothing_where_no_face_is(detector):
    for image in (
        Image.new("RGB", (0, 0)),
        Image.new("RGB", (640, 480), "white"),
        Image.new("RGB", (3000, 1)),  # a line: its height rounds to nothing when scaled
        Image.new("RGB", (1024, 2)),  # a strip, in which OpenCV invented faces at infinity
        make_color_image(480, 640),
    ):
        assert detector.detect(image) == [], image.size


def test_detect_finds_portraits_once_and_names_landmarks_as_seen_in_the_picture(detector, hopper):
    for image, face_box in ((hopper, HOPPER_FACE), (read_image(find_examples()[1]), ASTRONAUT_FACE)):
        (face,) = detector.detect(image)
        assert overlap(face.box_xyxy, face_box) > 0.8
        assert 0.7 <= face.score <= 1
        left_eye, right_eye, nose, mouth_left, mouth_right = face.landmarks_xy
        assert left_eye[0] < nose[0] < right_eye[0]
        assert mouth_left[0] < nose[0] < mouth_right[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16"])
def test_detect_takes_any_mode(detector, hopper, mode):
    image = hopper.convert("L") if mode == "I;16" else hopper
    faces = detector.detect(image.convert(mode))
    assert len(faces) == 1
    assert overlap(faces[0].box_xyxy, HOPPER_FACE) > 0.7


@pytest.mark.parametrize("side", [64, 300, 2000], ids=["a thumbnail", "enlarged", "reduced"])
def test_boxes_scale_with_the_picture(detector, hopper, side):
    scale = side / hopper.height
    (face,) = detector.detect(hopper.resize((round(hopper.width * scale), side)))
    assert overlap([value / scale for value in face.box_xyxy], HOPPER_FACE) > 0.75


def test_a_face_that_fills_a_large_picture_is_found_whole(detector, hopper):
    """Seen at full size only, the detector breaks such a face into parts."""
    left, top = 140, 90
    faces = detector.detect(hopper.crop((left, top, 400, 380)).resize((2080, 2320)))
    assert len(faces) == 1
    box = [value / 8 + origin for value, origin in zip(faces[0].box_xyxy, (left, top) * 2, strict=True)]
    assert overlap(box, HOPPER_FACE) > 0.75


def test_faces_too_small_for_the_models_are_left_out(detector, hopper):
    side = MIN_FACE_SIDE * hopper.height / (HOPPER_FACE[3] - HOPPER_FACE[1])
    tiny = hopper.resize((round(0.8 * side * hopper.width / hopper.height), round(0.8 * side)))
    assert detector.detect(tiny) == []


def test_a_face_that_cannot_be_is_refused():
    for box in ((10, 10, 10, 20), (0, 0, 9, float("nan"))):
        with pytest.raises(ValueError, match="box_xyxy"):
            DetectedFace(box, 0.9)
    with pytest.raises(ValueError, match="score"):
        DetectedFace((0, 0, 9, 9), 1.1)


def test_crop_inside_the_picture_is_cut_not_resized():
    face = DetectedFace((100, 50, 180, 150), 1.0)
    for mode, cropped_mode in (("L", "L"), ("RGB", "RGB"), ("P", "RGB")):
        picture = make_color_image(200, 300).convert(mode)
        crop = crop_face(picture, face)
        assert crop.mode == cropped_mode
        assert np.array_equal(np.asarray(crop), np.asarray(picture.convert(cropped_mode).crop(crop_box(face))))


def test_crop_over_the_edge_repeats_the_edge():
    picture = make_color_image(200, 300)
    # The top edge, a corner, larger than the picture, and outside.
    for box in ((20, -30, 100, 70), (250, 150, 330, 250), (-50, -50, 400, 400), (400, 300, 480, 400)):
        face = DetectedFace(box, 1.0)
        left, top, right, bottom = crop_box(face)
        crop = crop_face(picture, face)
        assert crop.size == (right - left, bottom - top)
        for x in (left, (left + right) // 2, right - 1):
            for y in (top, (top + bottom) // 2, bottom - 1):
                nearest = (min(max(x, 0), 299), min(max(y, 0), 199))
                assert crop.getpixel((x - left, y - top)) == picture.getpixel(nearest)


def test_crop_of_a_portrait_frames_the_face_as_fer2013_does(detector, hopper):
    """FER2013's median, by `training.evaluation.face_crop`: eyes at 0.31 and 0.68 of the width, 0.38 of the height."""
    face = detector.detect(hopper)[0]
    left, top, right, _ = crop_box(face)
    eyes = [((x - left) / (right - left), (y - top) / (right - left)) for x, y in face.landmarks_xy[:2]]
    assert eyes[0] == pytest.approx((0.31, 0.38), abs=0.1)
    assert eyes[1] == pytest.approx((0.68, 0.38), abs=0.1)


def test_missing_opencv_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r"pip install 'opencv-python-headless>=4.13,<5' \("):
        FaceDetector()


def test_missing_and_damaged_weights_are_named(monkeypatch):
    for name, value, error in (
        ("WEIGHTS_FILE", "no_such_weights.onnx", FileNotFoundError),
        ("WEIGHTS_FILE", "__init__.py", OSError),  # no model in it
        ("WEIGHTS_PACKAGE", "no_such_package_of_weights", ImportError),
    ):
        monkeypatch.setattr(faces_module, name, value)
        with pytest.raises(error, match=rf"{value}|damaged: pip install --force-reinstall"):
            FaceDetector()
