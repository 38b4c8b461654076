import numpy as np
import pytest
import torch
from conftest import make_face

from training.evaluation.corruptions import CORRUPTIONS, change_contrast, corrupt_all, cut, shrink

FACES = torch.stack([torch.from_numpy(np.asarray(make_face(seed=seed)) / 255).float()[None] for seed in range(4)])
EVERY_LEVEL = [(name, level) for name, (_, levels) in CORRUPTIONS.items() for level in levels]


def corrupt(name: str, level: float, faces: torch.Tensor = FACES, seed: int = 0) -> torch.Tensor:
    return CORRUPTIONS[name][0](faces, level, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_no_face_stays_no_face(name: str):
    assert corrupt(name, CORRUPTIONS[name][1][0], FACES[:0]).shape == (0, 1, 48, 48)


@pytest.mark.parametrize(("name", "level"), EVERY_LEVEL)
def test_faces_change_but_keep_shape_and_range(name: str, level: float):
    changed = corrupt(name, level)
    assert changed.shape == FACES.shape
    assert changed.dtype == torch.float32
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.allclose(changed, FACES, atol=1e-3)
    assert torch.equal(changed, corrupt(name, level)), "the same seed gives the same faces"


@pytest.mark.parametrize("name", ["blur", "noise", "shift", "rotation", "jpeg"])
def test_a_higher_level_changes_more(name: str):
    differences = [(corrupt(name, level) - FACES).abs().mean().item() for level in CORRUPTIONS[name][1]]
    assert differences == sorted(differences)
    assert differences[0] < differences[-1]


@pytest.mark.parametrize("name", ["noise", "shift", "rotation"])
def test_what_is_random_depends_on_the_seed(name: str):
    level = CORRUPTIONS[name][1][-1]
    assert not torch.equal(corrupt(name, level, seed=0), corrupt(name, level, seed=1))


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("brightness", 0.5, 0.25),  # half as bright
        ("brightness", 4.0, 1.0),  # no brighter than white
        ("blur", 2.0, 0.5),  # a grey wall stays as it is, at its edges too
        ("shift", 0.2, 0.5),
        ("rotation", 30, 0.5),
    ],
)
def test_a_grey_wall(name: str, level: float, expected: float):
    changed = corrupt(name, level, torch.full((2, 1, 48, 48), 0.5))
    torch.testing.assert_close(changed, torch.full((2, 1, 48, 48), expected))


def test_a_shift_is_as_long_as_it_says():
    dot = torch.zeros(50, 1, 48, 48)
    dot[:, :, 24, 24] = 1
    shifted = corrupt("shift", 0.125, dot)
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    weight = shifted.sum(dim=(1, 2, 3))
    y, x = (((shifted[:, 0] * axis).sum(dim=(1, 2)) / weight) - 24 for axis in (rows, columns))
    torch.testing.assert_close((x**2 + y**2).sqrt(), torch.full((50,), 6.0), atol=0.1, rtol=0)
    assert x.std() > 1, "each face has a direction of its own"


def test_all_are_tried_at_every_level():
    assert [(name, level) for name, level, _ in corrupt_all(FACES)] == EVERY_LEVEL


@pytest.mark.parametrize(("change", "level"), [(change_contrast, 0.5), (shrink, 16), (cut, 0.25)])
def test_the_changes_that_only_quality_is_measured_by(change, level: float):
    generator = torch.Generator().manual_seed(0)
    assert change(FACES[:0], level, generator).shape == (0, 1, 48, 48)
    changed = change(FACES, level, generator)
    assert changed.shape == FACES.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.allclose(changed, FACES, atol=1e-3)
    wall = torch.full((2, 1, 48, 48), 0.5)
    torch.testing.assert_close(change(wall, level, generator), wall)


def test_contrast_is_what_is_left_of_it():
    changed = change_contrast(FACES, 0.25, torch.Generator())
    torch.testing.assert_close(changed.std((1, 2, 3)), 0.25 * FACES.std((1, 2, 3)))
    torch.testing.assert_close(changed.mean((1, 2, 3)), FACES.mean((1, 2, 3)))


def test_a_cut_face_is_repeated_from_the_cut_on():
    faces = FACES[:1].expand(60, -1, -1, -1)
    changed = cut(faces, 0.25, torch.Generator().manual_seed(0))[:, 0]
    face = FACES[0, 0]
    left, right, below = face.clone(), face.clone(), face.clone()
    left[:, :12], right[:, 36:], below[36:] = face[:, 12:13], face[:, 35:36], face[35:36]
    counts = [sum(torch.equal(one, expected) for one in changed) for expected in (left, right, below)]
    assert sum(counts) == 60
    assert min(counts) > 5
