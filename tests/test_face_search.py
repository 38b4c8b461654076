"""Faces that one look misses: turned, small in a large photo, cut by the edge; and what is doubtful."""

import math
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from photos import load_portrait, make_no_face, make_two_faces
from PIL import Image

from fer_models import face_search
from fer_models.face_search import SECOND_SCORE, Box, DetectedFace, View, cut_reflected, drop_duplicates
from fer_models.faces import FaceDetector, crop_face
from fer_models.images import read_image
from fer_models.packages import find_examples
from training.evaluation.made_photos import Placed, load_pictures, load_portraits, make_background, set_in

ONE_LOOK = {"turned": False, "tiled": False, "padded": False}


def is_inside(box: Box, image: Image.Image) -> bool:
    left, top, right, bottom = box
    return 0 <= left < right <= image.width and 0 <= top < bottom <= image.height


def wrap(degrees: float) -> float:
    return (degrees + 180) % 360 - 180


@pytest.mark.parametrize(("index", "angle"), [(0, 90), (0, 180), (1, 270)])
def test_a_photo_on_its_side_or_head_gives_the_same_crop(detector: FaceDetector, index: int, angle: int) -> None:
    portrait = read_image(find_examples()[index])
    turned = portrait.rotate(angle, expand=True)
    (upright,), (face,) = detector.detect(portrait), detector.detect(turned)
    assert wrap(face.turned_degrees + angle) == 0
    assert is_inside(face.box_xyxy, turned)
    wanted, crop = crop_face(portrait, upright).resize((48, 48)), crop_face(turned, face).resize((48, 48))
    assert np.corrcoef(np.asarray(wanted).ravel(), np.asarray(crop).ravel())[0, 1] > 0.8


@pytest.mark.parametrize(("index", "angle"), [(0, 45), (1, 135), (0, 225), (1, 330)])
def test_a_head_at_any_angle_is_levelled(detector: FaceDetector, index: int, angle: int) -> None:
    picture = read_image(find_examples()[index]).rotate(angle, Image.Resampling.BICUBIC)
    (face,) = detector.detect(picture)
    assert abs(wrap(face.turned_degrees + angle)) <= 20
    assert face.score > SECOND_SCORE
    left_eye, right_eye, *_ = face.landmarks_xy or ()
    direction = math.degrees(math.atan2(right_eye[1] - left_eye[1], right_eye[0] - left_eye[0]))
    assert abs(wrap(direction + angle)) <= 30, "landmarks are those of the picture as it is"


@pytest.mark.parametrize("aside", [0.0, 0.6])
def test_a_face_on_its_side_that_looks_upright_has_its_nose_beside_the_eyes(
    detector: FaceDetector, aside: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A smile, turned by 75 to 80 degrees, was sure to be upright at a score of 0.89."""
    photo = load_portrait().rotate(80, expand=True)
    (true,) = detector.detect(photo)
    (left, top, _, bottom), width = true.box_xyxy, true.box_xyxy[2] - true.box_xyxy[0]
    eyes_y, nose_x = top + 0.4 * (bottom - top), left + (0.5 + 0.4 * aside) * width
    points = ((left + 0.3 * width, eyes_y), (left + 0.7 * width, eyes_y), (nose_x, eyes_y + 20.0))
    seen = DetectedFace(true.box_xyxy, 0.89, (*points, points[0], points[1]))
    monkeypatch.setattr(FaceDetector, "_scan", lambda self, picture: [seen])
    (face,) = detector.detect(photo)
    assert face.turned_degrees == (true.turned_degrees if aside else 0)


@pytest.mark.parametrize("image", [make_no_face(), load_portrait(), make_two_faces()], ids=["none", "one", "two"])
def test_what_is_upright_and_sure_is_found_as_by_one_look(image: Image.Image) -> None:
    detector = FaceDetector()
    with patch.object(detector, "_detect_at", wraps=detector._detect_at) as look:
        first = detector.detect(image, **ONE_LOOK)
        assert look.call_count == 2
        faces = detector.detect(image, tiled=False)
        assert faces == first
        assert look.call_count == 4 or len(faces) != 1, "and takes no more time"


def test_options_leave_out_what_they_name(detector: FaceDetector) -> None:
    assert all(face.turned_degrees == 0 for face in detector.detect(load_portrait().rotate(180), turned=False))


def test_small_faces_of_a_large_photo_are_found(detector: FaceDetector) -> None:
    photo = make_background(load_pictures()["brick.png"], (4000, 2700))
    sides = (48, 48, 48, 56, 56, 56, 64, 64, 64, 100, 100, 100)
    places = [Placed(500 + 1000 * (i % 4), 440 + 890 * (i // 4), side) for i, side in enumerate(sides)]
    for i, place in enumerate(places):
        set_in(photo, load_portraits()[i % 2], place)
    before, faces = detector.detect(photo, **ONE_LOOK), detector.detect(photo)
    assert sum(place.find(before) is not None for place in places) < 9
    found = [place.find(faces) for place in places]
    assert None not in found
    assert len(faces) == 12
    assert [face.tiled for face in found[:3] if face] == [True] * 3


def test_a_strip_of_many_screens_is_not_looked_at_part_by_part(detector: FaceDetector) -> None:
    """A PNG of some kilobytes, a million pixels long and one high, took 13 seconds."""
    with patch.object(detector, "_detect_at", wraps=detector._detect_at) as look:
        assert detector.detect(Image.new("RGB", (200_000, 20))) == []
    assert look.call_count < 20


@pytest.mark.parametrize(("edge", "cut"), [("left", 0.2), ("top", 0.2), ("right", 0.4), ("bottom", 0.4)])
def test_a_face_that_the_edge_cuts_is_found_inside_the_picture(detector: FaceDetector, edge: str, cut: float) -> None:
    photo = make_background(load_pictures()["brick.png"], (640, 480))
    inside = 160 * (0.5 - cut)
    left, top, right, bottom = (inside, 240), (320, inside), (640 - inside, 240), (320, 480 - inside)
    x, y = {"left": left, "top": top, "right": right, "bottom": bottom}[edge]
    place = Placed(x, y, 160)
    set_in(photo, load_portraits()[0], place)
    face = place.find(detector.detect(photo))
    assert face is not None
    assert is_inside(face.box_xyxy, photo)
    assert crop_face(photo, face).width == pytest.approx(face.height, abs=1), "the crop is of the whole face"


def test_of_a_large_face_at_the_edge_a_small_picture_is_reflected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one of 5,000 pixels a gigabyte was."""
    reflected: list[Image.Image] = []

    def reflect(picture: Image.Image, box: Box) -> Image.Image:
        reflected.append(cut_reflected(picture, box))
        return reflected[-1]

    monkeypatch.setattr(face_search, "cut_reflected", reflect)
    portrait, view = load_portrait(), View((40.0, 500.0), 30.0, 320, 1.5)
    small = view.cut(portrait)
    large = replace(view, centre=(320.0, 4000.0), scale=12.0).cut(portrait.resize((4096, 4800)))
    assert np.abs(np.asarray(large, float) - np.asarray(small, float)).mean() < 2
    assert max(reflected[1].size) < 3 * large.width


def test_no_look_finds_more_where_no_face_is(detector: FaceDetector) -> None:
    picture = load_pictures()["coffee.png"]
    for image in (picture.rotate(90, expand=True), make_background(picture, (1400, 1100))):
        assert detector.detect(image) == []


def test_of_the_same_face_the_surest_is_kept() -> None:
    assert drop_duplicates([]) == []
    for second, kept in (
        ((1, 1, 11, 11), [0.9]),
        ((2, 2, 5, 5), [0.9]),  # a part
        ((9, 0, 19, 10), [0.9, 0.8]),  # neighbours
    ):
        faces = [DetectedFace((0, 0, 10, 10), 0.8), DetectedFace(second, 0.9)]
        assert [face.score for face in drop_duplicates(faces)] == kept


def test_a_face_keeps_its_turn_in_a_picture_of_another_size() -> None:
    points = ((10.0, 20.0), (20.0, 20.0), (15.0, 25.0), (11.0, 30.0), (19.0, 30.0))
    face = DetectedFace((0, 10, 30, 40), 0.9, points, 90.0, True, (-10, 10, 30, 40), 0.8)
    larger = face.scaled(2)
    assert larger.whole == (-20, 20, 60, 80)
    assert larger.landmarks_xy == tuple((2 * x, 2 * y) for x, y in points)
    assert replace(larger, box_xyxy=face.box_xyxy, whole_xyxy=face.whole_xyxy, landmarks_xy=points) == face
