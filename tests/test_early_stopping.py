from pathlib import Path

import pytest
from tiny_runs import assert_same_weights, read_json, train_tiny

from training import train


@pytest.mark.parametrize(
    ("stopping", "num_epochs"),
    [
        ((), 5),
        (("--early_stopping_patience", "2", "--early_stopping_threshold", "0.1"), 3),  # too small a gain does not count
    ],
    ids=["no patience", "patience"],
)
def test_training_stops_when_validation_gains_no_more_and_keeps_the_best(
    stopping: tuple[str, ...], num_epochs: int, made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    accuracies = [0.5, 0.55, 0.58, 0.4, 0.3]
    coming = iter(accuracies)
    monkeypatch.setattr(train, "compute_accuracy", lambda prediction: {"accuracy": next(coming)})
    best = ("--load_best_model_at_end", "true", "--metric_for_best_model", "accuracy", "--save_total_limit", "5")
    few = ("--num_train_epochs", "5", "--samples_per_class", "2")
    run = train_tiny(made_up_parquet, tmp_path / "run", *best, *few, *stopping)
    assert [row["validation_accuracy"] for row in read_json(run / "history.json")] == accuracies[:num_epochs]
    checkpoints = sorted(run.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    assert len(checkpoints) == num_epochs
    assert_same_weights(run, checkpoints[2])
