import pytest
import torch

from training.augmentation import AugmentationArguments, augment


@pytest.fixture
def faces() -> torch.Tensor:
    return torch.rand(6, 1, 48, 48, generator=torch.Generator().manual_seed(0))


EVERYTHING = {
    "flip_probability": 0.5,
    "shift_fraction": 0.1,
    "rotation_degrees": 15.0,
    "scale_fraction": 0.1,
    "brightness_fraction": 0.2,
    "erase_probability": 1.0,
}


def test_by_default_nothing_changes(faces: torch.Tensor) -> None:
    assert augment(faces, AugmentationArguments()) is faces


@pytest.mark.parametrize(("name", "value"), EVERYTHING.items())
def test_each_change_changes_faces_and_keeps_shape_and_range(faces: torch.Tensor, name: str, value: float) -> None:
    before = faces.clone()
    torch.manual_seed(0)
    changed = augment(faces, AugmentationArguments(**{name: value}))
    assert (changed.shape, changed.dtype) == (faces.shape, faces.dtype)
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.equal(changed, faces)
    assert torch.equal(faces, before), "the training set itself must stay as it is"


def test_a_sure_flip_is_the_mirror_image(faces: torch.Tensor) -> None:
    changed = augment(faces, AugmentationArguments(flip_probability=1.0))
    assert torch.allclose(changed, faces.flip(-1), atol=1e-5)


def test_a_shift_moves_by_at_most_its_fraction() -> None:
    image = torch.zeros(200, 1, 40, 40)
    image[:, :, 20, 20] = 1
    torch.manual_seed(0)
    changed = augment(image, AugmentationArguments(shift_fraction=0.1))
    rows = changed.amax(dim=(1, 3)).argmax(-1)
    assert (rows - 20).abs().max() <= 4
    assert len(rows.unique()) > 4


def test_erasing_fills_a_rectangle_with_the_mean(faces: torch.Tensor) -> None:
    torch.manual_seed(0)
    changed = augment(faces, AugmentationArguments(erase_probability=1.0, erase_fraction=0.5))
    for before, after in zip(faces[:, 0], changed[:, 0], strict=True):
        different = (before != after).nonzero()
        if len(different):
            (top, left), (bottom, right) = different.amin(0), different.amax(0)
            rectangle = after[top : bottom + 1, left : right + 1]
            assert torch.allclose(rectangle, before.mean().expand_as(rectangle))
            assert max(rectangle.shape) <= 24


def test_values_out_of_range_are_refused_by_name() -> None:
    wrong = {"flip_probability": 1.5, "shift_fraction": 1.0, "rotation_degrees": 200.0, "erase_fraction": 0.0}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=name):
            AugmentationArguments(**{name: value})
