import pytest
import torch
from torch import nn
from transformers.modeling_outputs import ImageClassifierOutput

from training.data import FaceTensors
from training.evaluation.evaluate import RememberedLogits
from training.evaluation.flip_tta import compare_views
from training.publishing.markdown import list_bundled
from training.publishing.records import load_measured


class LeftEye(nn.Module):
    """Says class 0 by the left half of a face, class 1 by the right one."""

    device = torch.device("cpu")

    def forward(self, pixel_values: torch.Tensor) -> ImageClassifierOutput:
        halves = pixel_values.mean((1, 2)).unflatten(1, (2, -1)).mean(-1)
        return ImageClassifierOutput(logits=halves + torch.tensor([0.0, 0.1]))


def test_two_views_are_the_mean_over_the_face_and_its_mirror_image() -> None:
    faces = torch.zeros(4, 1, 2, 2)
    faces[:2, ..., 0] = 1  # class 0 in one view; in two, both halves are equal and the class that is preferred wins
    labels = torch.tensor([0, 1, 1, 0])
    views = compare_views(RememberedLogits(LeftEye()), FaceTensors(faces, labels))  # type: ignore[arg-type]
    assert (views["n"], views["one_view"], views["two_views"]) == (4, 0.5, 0.5)
    views = compare_views(RememberedLogits(LeftEye()), FaceTensors(faces[:2], labels[:1].repeat(2)))  # type: ignore[arg-type]
    assert (views["one_view"], views["two_views"]) == (1.0, 0.0)
    low, high = views["two_views_interval_95"]
    assert low <= views["two_views"] <= high


def test_the_published_figures_are_of_the_bundled_models() -> None:
    """Of four checkpoints they were of older weights; another processor's rounding may move a face or two."""
    flip = load_measured("flip")
    assert flip
    rows = [row for row in flip["rows"] if row["split"] == "official_test"]
    bundled = {one.key: one.results["splits"]["official_test"]["accuracy"] for one in list_bundled()}
    measured = {f"{row['model']}.{row['tag']}": row["one_view"] for row in rows}
    assert measured == pytest.approx(bundled, abs=0.001)
