"""What the transfer-learning model has of its own; what it shares with the others is in `test_modeling`."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_tiny_backbone_config, make_tiny_transfer_config
from huggingface_hub.errors import StrictDataclassError
from torch.nn import functional
from transformers import AutoModelForImageClassification

from fer_models import FerTransferForImageClassification
from fer_models.modeling_fer_transfer import FerTransferConv
from fer_models.zoo import get_entry


def make_tiny_model(**overrides: Any) -> FerTransferForImageClassification:
    torch.manual_seed(0)
    return FerTransferForImageClassification(make_tiny_transfer_config(**overrides)).eval()


def test_it_has_fewer_than_five_million_parameters() -> None:
    entry = get_entry("transfer")
    assert entry.model_class(entry.make_config()).num_parameters() < 5_000_000


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_convolutions_pad_as_tensorflow_does(kernel_size: int, stride: int, size: int) -> None:
    """As many pixels as make `ceil(size / stride)`, the odd one on the far side."""
    convolution = FerTransferConv(make_tiny_transfer_config(), size, 1, 1, kernel_size, stride, activates=False).eval()
    faces = torch.rand(2, 1, size, size)
    missing = (math.ceil(size / stride) - 1) * stride + kernel_size - size
    near = max(missing, 0) // 2
    padded = functional.pad(faces, (near, kernel_size, near, kernel_size))  # more than enough on the far side
    expected = functional.conv2d(padded, convolution.conv.weight, stride=stride)
    side = math.ceil(size / stride)
    assert convolution.size == side
    torch.testing.assert_close(convolution(faces), convolution.norm(expected[..., :side, :side]))


def test_grey_kernels_see_what_colour_kernels_see_in_grey() -> None:
    """Kernels of three channels, summed, give for grey what they gave for it three times over; at the edges, too."""
    grey, colour = make_tiny_model(), make_tiny_model(num_channels=3)
    weights = colour.state_dict()
    stem = "blocks.0.conv.weight"
    grey.load_state_dict(weights | {stem: weights[stem].sum(1, keepdim=True)})
    faces = torch.rand(3, 1, 20, 20)
    torch.testing.assert_close(grey(faces).logits, colour(faces.expand(-1, 3, -1, -1)).logits)


def test_hidden_states_are_the_maps_of_the_enlarged_face() -> None:
    states = make_tiny_model()(torch.rand(1, 1, 20, 20), output_hidden_states=True).hidden_states
    widths_and_sides = [(4, 20), (4, 20), (6, 10), (6, 10), (8, 10)]
    assert [tuple(state.shape) for state in states] == [(1, width, side, side) for width, side in widths_and_sides]


def test_any_backbone_of_transformers_takes_the_place_of_the_own_one(tmp_path: Path) -> None:
    model = FerTransferForImageClassification(make_tiny_backbone_config()).eval()
    faces = torch.rand(2, 1, 20, 20)
    expected = model(faces).logits
    assert expected.shape == (2, 7)
    model.save_pretrained(tmp_path)
    loaded = AutoModelForImageClassification.from_pretrained(tmp_path)
    assert torch.equal(loaded(faces).logits, expected)
    enlarged = functional.interpolate(faces, size=(40, 40), mode="bilinear").expand(-1, 3, -1, -1)
    normalised = (enlarged - torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1)) / 0.2
    pooled = model.blocks[0].backbone(normalised).feature_maps[-1].mean((2, 3))
    torch.testing.assert_close(model.classifier(pooled), expected)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        pytest.param("stages", [], "at least one stage", id="no stage"),
        pytest.param("stages", [[1, 4, 1, 1]], "stages must hold", id="a number is missing"),
        pytest.param("stages", [[1, 4, 0, 1, 3]], "1 or more", id="a stage without blocks"),
        pytest.param("num_channels", 0, "1 or more", id="no channels"),
        pytest.param("upsampled_size", 31, "32 or more", id="too small for five strides"),
        pytest.param("image_size", 48, "no less than image_size (48)", id="would be made smaller"),
        pytest.param("pixel_mean", [], "pixel_mean must hold one number", id="no mean"),
        pytest.param("pixel_std", [0.5, 0.5], "for each pixel_mean", id="two for one"),
        pytest.param("pixel_std", [0.0], "positive", id="division by zero"),
        pytest.param("dropout", 1.0, "[0, 1)", id="everything dropped"),
        pytest.param("batch_norm_momentum", 0.0, "(0, 1]", id="statistics never move"),
        pytest.param("batch_norm_eps", math.nan, "positive", id="NaN compares false with everything"),
        pytest.param("backbone_config", {}, "model_type", id="a backbone of no kind"),
        pytest.param("temperature", math.inf, "finite", id="probabilities all alike"),
    ],
)
def test_value_out_of_range_is_refused(field: str, value: Any, words: str) -> None:
    with pytest.raises(StrictDataclassError) as error:
        make_tiny_transfer_config(**{field: value})
    assert words in str(error.value)


def test_means_of_a_colour_backbone_need_as_many_channels_or_grey() -> None:
    make_tiny_transfer_config(num_channels=3, pixel_mean=[0.5] * 3, pixel_std=[0.5] * 3)
    with pytest.raises(StrictDataclassError, match="one for each of 3 channels"):
        make_tiny_transfer_config(num_channels=3, pixel_mean=[0.5] * 2, pixel_std=[0.5] * 2)
