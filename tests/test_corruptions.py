import numpy as np
import pytest
import torch
from conftest import make_face

from training.evaluation.corruptions import CORRUPTIONS, change_contrast, cut, shrink

FACES = torch.stack([torch.from_numpy(np.asarray(make_face(seed=seed)) / 255).float()[None] for seed in range(4)])


# The last three are those by which only quality is measured; their levels go from mild to strong, too.
CHANGES = CORRUPTIONS | {
    "contrast": (change_contrast, (0.75, 0.5)),
    "shrink": (shrink, (32, 16)),
    "cut": (cut, (0.1, 0.25)),
}


def corrupt(name: str, level: float, faces: torch.Tensor = FACES, seed: int = 0) -> torch.Tensor:
    return CHANGES[name][0](faces, level, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", CHANGES)
def test_faces_change_but_keep_shape_and_range(name: str):
    levels = CHANGES[name][1]
    assert corrupt(name, levels[0], FACES[:0]).shape == (0, 1, 48, 48)
    differences = []
    for level in levels:
        changed = corrupt(name, level)
        assert (changed.shape, changed.dtype) == (FACES.shape, torch.float32)
        assert 0 <= changed.min() <= changed.max() <= 1
        assert not torch.allclose(changed, FACES, atol=1e-3)
        assert torch.equal(changed, corrupt(name, level)), "the same seed gives the same faces"
        differences.append((changed - FACES).abs().mean().item())
    if name != "brightness":  # whose levels go down and up
        assert differences == sorted(differences), "a higher level changes more"
    if name in ("noise", "shift", "rotation"):
        assert not torch.equal(changed, corrupt(name, level, seed=1))


def test_a_grey_wall_stays_grey_up_to_its_edges() -> None:
    wall = torch.full((2, 1, 48, 48), 0.5)
    for name, level, expected in (
        ("brightness", 0.5, 0.25),
        ("brightness", 4.0, 1.0),  # no brighter than white
        ("blur", 2.0, 0.5),
        ("shift", 0.2, 0.5),
        ("rotation", 30, 0.5),
        ("contrast", 0.5, 0.5),
        ("shrink", 16, 0.5),
        ("cut", 0.25, 0.5),
    ):
        torch.testing.assert_close(corrupt(name, level, wall), torch.full_like(wall, expected))


def test_a_shift_is_as_long_as_it_says():
    dot = torch.zeros(50, 1, 48, 48)
    dot[:, :, 24, 24] = 1
    shifted = corrupt("shift", 0.125, dot)
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    weight = shifted.sum(dim=(1, 2, 3))
    y, x = (((shifted[:, 0] * axis).sum(dim=(1, 2)) / weight) - 24 for axis in (rows, columns))
    torch.testing.assert_close((x**2 + y**2).sqrt(), torch.full((50,), 6.0), atol=0.1, rtol=0)
    assert x.std() > 1, "each face has a direction of its own"
