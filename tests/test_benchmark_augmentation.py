import json
from pathlib import Path
from typing import Any

import pytest
import torch

from training.augmentation import AugmentationArguments, augment
from training.benchmarks import augmentation as measure_augmentation
from training.benchmarks.augmentation import list_changes, measure
from training.publishing import records, tables


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["together"]),
        ({"flip_probability": 0.5}, ["flip_probability", "together"]),
        (
            {"erase_probability": 0.3, "erase_fraction": 0.2, "rotation_degrees": 5},
            ["rotation_degrees", "erase_probability", "together"],
        ),
    ],
    ids=["nothing", "one", "an erasure has an extent"],
)
def test_each_change_is_timed_alone_and_all_together(asked: dict[str, Any], names: list[str]) -> None:
    changes = list_changes(AugmentationArguments(**asked))
    assert list(changes) == names
    assert vars(changes["together"]) == vars(AugmentationArguments(**asked))
    faces = torch.rand(64, 1, 48, 48)
    assert all(
        not torch.equal(augment(faces, one), faces) for name, one in changes.items() if asked or name != "together"
    )


@pytest.mark.parametrize(("batch_size", "rounds"), [(0, 1), (1, 0)], ids=["no face", "no round"])
def test_nothing_to_time_is_refused(batch_size: int, rounds: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        measure(list_changes(AugmentationArguments()), batch_size, rounds)


def test_costs_are_written_and_tabulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "augmentation.json"
    measure_augmentation.main([str(Path(__file__).parent / "transfer.yaml"), "--rounds", "2", "--output", str(output)])
    written = json.loads(output.read_text())
    assert (written["recipe"], written["batch_size"]) == ("transfer", 64)
    assert all(cost > 0 for cost in written["microseconds_per_face"].values())
    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    assert "| `erase_probability` |" in tables.render_augmentation()
    output.unlink()
    assert tables.render_augmentation() == "Not measured yet."


def test_a_missing_recipe_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"none\.yaml"):
        measure_augmentation.main([str(tmp_path / "none.yaml"), "--output", str(tmp_path / "x.json")])
