import json
from pathlib import Path

import pytest
from tiny_runs import assert_same_weights, load_fer2013_once, train_tiny

from training import train


@pytest.mark.parametrize(
    ("patience", "threshold", "accuracies", "num_epochs", "best_epoch"),
    [
        (None, 0.0, [0.5, 0.4, 0.3, 0.2, 0.1], 5, 1),  # without patience to the end, the best kept all the same
        (2, 0.0, [0.5, 0.4, 0.9, 0.8, 0.7], 5, 3),  # a gain within the patience starts the count anew
        (2, 0.1, [0.5, 0.55, 0.58, 0.9, 0.9], 3, 3),  # gains below the threshold do not count, but the best is kept
    ],
    ids=["no patience", "patience", "threshold"],
)
def test_training_stops_when_validation_gains_no_more_and_keeps_the_best(
    patience, threshold, accuracies, num_epochs, best_epoch, made_up_parquet: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    coming = iter(accuracies)
    monkeypatch.setattr(train, "compute_accuracy", lambda prediction: {"accuracy": next(coming)})
    stopping = ("--early_stopping_patience", str(patience), "--early_stopping_threshold", str(threshold))
    best = ("--load_best_model_at_end", "true", "--metric_for_best_model", "accuracy", "--save_total_limit", "5")
    run = train_tiny(
        made_up_parquet,
        tmp_path / "run",
        *(*best, "--num_train_epochs", "5", "--samples_per_class", "2"),
        *(stopping if patience else ()),
    )
    history = json.loads((run / "history.json").read_text())
    assert [row["validation_accuracy"] for row in history] == accuracies[:num_epochs]
    checkpoints = sorted(run.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    assert len(checkpoints) == num_epochs
    assert_same_weights(run, checkpoints[best_epoch - 1])
