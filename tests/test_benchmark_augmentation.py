import json
from pathlib import Path

import pytest
import torch

from training.augmentation import AugmentationArguments, augment
from training.benchmarks import augmentation as measure_augmentation
from training.benchmarks.augmentation import list_changes, measure
from training.publishing import records, tables


def test_each_change_is_timed_alone_and_all_together() -> None:
    faces = torch.rand(64, 1, 48, 48)
    for asked, names in (
        ({}, ["together"]),
        (
            {"erase_probability": 0.3, "erase_fraction": 0.2, "rotation_degrees": 5},  # an erasure has an extent
            ["rotation_degrees", "erase_probability", "together"],
        ),
    ):
        changes = list_changes(AugmentationArguments(**asked))
        assert list(changes) == names
        assert vars(changes["together"]) == vars(AugmentationArguments(**asked))
        assert all(not torch.equal(augment(faces, one), faces) for one in changes.values() if asked)


def test_nothing_to_time_is_refused() -> None:
    for batch_size, rounds in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at least one"):
            measure(list_changes(AugmentationArguments()), batch_size, rounds)


def test_costs_are_written_and_tabulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    assert tables.render_augmentation() == "Not measured yet."
    output, recipe = tmp_path / "augmentation.json", Path(__file__).parent / "transfer.yaml"
    measure_augmentation.main([str(recipe), "--rounds", "2", "--output", str(output)])
    written = json.loads(output.read_text())
    assert (written["recipe"], written["batch_size"]) == ("transfer", 64)
    assert all(cost > 0 for cost in written["microseconds_per_face"].values())
    assert "| `erase_probability` |" in tables.render_augmentation()
