from pathlib import Path

import pytest
from tiny_runs import assert_same_weights, read_json, train_tiny

from training import train


def test_training_stops_when_validation_gains_no_more_and_keeps_the_best(
    made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second epoch is the best, but gains too little to count."""
    accuracies = iter([0.5, 0.55, 0.4, 0.3])
    monkeypatch.setattr(train, "compute_accuracy", lambda prediction: {"accuracy": next(accuracies)})
    best = ("--load_best_model_at_end", "true", "--metric_for_best_model", "accuracy", "--save_total_limit", "5")
    stopping = ("--early_stopping_patience", "2", "--early_stopping_threshold", "0.1")
    few = ("--num_train_epochs", "4", "--samples_per_class", "2")
    run = train_tiny(made_up_parquet, tmp_path / "run", *best, *stopping, *few)
    assert [row["validation_accuracy"] for row in read_json(run / "history.json")] == [0.5, 0.55, 0.4]
    _, second, _ = sorted(run.glob("checkpoint-*"))
    assert_same_weights(run, second)
