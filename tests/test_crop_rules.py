import numpy as np
import pytest
from conftest import make_face
from photos import load_portrait
from PIL import Image

from fer_models.faces import DetectedFace, FaceDetector, crop_box, crop_face
from fer_models.inference import load_models
from training.evaluation.crop_rules import (
    bootstrap_difference,
    compare_rules,
    crop_clipped,
    crop_moved,
    crop_square,
    cut_picture,
)
from training.publishing.records import load_measured


def test_alignment_makes_the_eyes_level() -> None:
    portrait = load_portrait().rotate(25, Image.Resampling.BICUBIC, fillcolor="grey")
    face = FaceDetector().detect(portrait, turned=False)[0]
    aligned = crop_square(portrait, face, side=1.6, is_aligned=True)
    (x0, y0), (x1, y1) = FaceDetector().detect(aligned, turned=False)[0].landmarks_xy[:2]
    assert abs(np.degrees(np.arctan2(y1 - y0, x1 - x0))) < 10


def test_at_the_edge_a_crop_is_clipped_or_moved() -> None:
    picture = make_face(300).crop((0, 0, 300, 200))
    for box in ((-20, 30, 80, 130), (30, -20, 130, 80), (250, 150, 350, 250)):
        face = DetectedFace(box, 0.9)
        left, top, right, bottom = crop_box(face)
        inside = (min(right, 300) - max(left, 0), min(bottom, 200) - max(top, 0))
        assert crop_clipped(picture, face).size == inside
        assert crop_moved(picture, face).size == (100, 100)


def test_a_picture_is_cut_at_one_edge() -> None:
    picture = make_face(200)
    sizes, corners = [(135, 200), (200, 135)] * 2, [(65, 0), (0, 65), (0, 0), (0, 0)]
    for edge in range(4):
        cut = cut_picture(picture, (50, 50, 150, 150), edge)
        assert cut.size == sizes[edge]
        assert cut.getpixel((0, 0)) == picture.getpixel(corners[edge])


def test_a_difference_has_an_interval() -> None:
    for right, other, expected in (
        ([1, 0] * 50, [1, 0] * 50, [0, 0]),
        ([1] * 100, [0] * 100, [1, 1]),
        ([1, 1] * 50, [1, 0] * 50, [0.4, 0.6]),
    ):
        interval = bootstrap_difference(np.array(right, bool), np.array(other, bool), seed=0)
        assert interval == pytest.approx(expected, abs=0.03)
        assert interval == bootstrap_difference(np.array(right, bool), np.array(other, bool), seed=0)


def test_rules_are_compared_on_the_faces_that_are_found() -> None:
    portrait = load_portrait().convert("L")
    pictures = [portrait, Image.new("L", (200, 200), 128)]
    frames = [portrait.crop((160, 115, 380, 335)), make_face()]
    rules = {"present": crop_face, "whole picture": lambda picture, face: picture, "square": crop_square}
    result = compare_rules(load_models(["baseline"]), pictures, frames, np.array([4, 4]), rules, seed=0)
    assert result["detected"] == 1
    assert list(result["rules"]) == list(rules)
    assert result["rules"]["present"]["average_minus_first_95"] == [0, 0]
    assert result["rules"]["square"] == result["rules"]["present"], "the present rule is a square of side 1"
    for accuracy in (result["frame"], result["rules"]["whole picture"]["accuracy"]):
        assert len(accuracy) == 2
        assert set(accuracy.values()) <= {0, 1}


def test_the_crop_rule_is_the_measured_one() -> None:
    measured = load_measured("crop_rules")
    assert measured["split"] == "validation"
    for part in ("whole", "cut"):
        for rule, result in measured[part]["rules"].items():
            assert result["average_minus_first_95"][0] <= 0, f"{rule} is better by more than chance"
