"""What the Trainer calls while it trains: when to measure and what to print, and a backbone that is frozen at first."""

import sys
import time
from typing import Any

from tqdm import tqdm
from transformers import ProgressCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

HEAD = "classifier"


class FrozenBackbone(TrainerCallback):
    """Lets the classifier learn alone in the first epochs, so that its first, random gradients spoil nothing.

    Batch normalisation's statistics follow the faces all the same.

    Args:
        epochs: How many epochs.
    """

    def __init__(self, epochs: int):
        self._epochs = epochs

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        learns = round(state.epoch or 0) >= self._epochs
        for name, weights in kwargs["model"].named_parameters():
            if not name.startswith(f"{HEAD}."):
                weights.requires_grad_(learns)


class EvaluateEvery(TrainerCallback):
    """Measures, and keeps a checkpoint, every so many epochs and at the end, where the Trainer does every epoch."""

    def __init__(self, epochs: int):
        self._epochs = epochs

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if round(state.epoch or 0) % self._epochs and state.global_step < state.max_steps:
            control.should_evaluate = control.should_save = False


class ProgressBar(ProgressCallback):
    """The Trainer's progress bar, with the time left, but without its log: that is `EpochLine`'s."""

    def on_log(self, *args: Any, **kwargs: Any) -> None:
        pass


class Stopwatch(TrainerCallback, ExportableState):
    """Counts the seconds of a run over all its interruptions: each checkpoint holds what was counted until then."""

    def __init__(self) -> None:
        self.seconds_before = 0.0
        self._start = time.monotonic()

    def read(self) -> float:
        return self.seconds_before + time.monotonic() - self._start

    def state(self) -> dict[str, Any]:
        return {"args": {}, "attributes": {"seconds_before": self.read()}}


class EpochLine(TrainerCallback):
    """One line an epoch, with the time left."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._epochs_before = 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._start, self._epochs_before = time.monotonic(), state.epoch or 0.0

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        rows = make_history(state.log_history) if state.is_world_process_zero and state.epoch else []
        if not rows:  # of training nothing is known before an epoch ends
            return
        row = rows[-1]
        seconds = (time.monotonic() - self._start) / max(state.epoch - self._epochs_before, 1e-9)
        tqdm.write(  # as print, but above the progress bar
            f"epoch {row['epoch']}/{int(args.num_train_epochs)}  "
            f"train: loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.4f}  "
            f"validation: loss {row['validation_loss']:.4f}, accuracy {row['validation_accuracy']:.4f}  "
            f"{seconds:.0f} s an epoch, {(args.num_train_epochs - state.epoch) * seconds / 60:.0f} min left"
        )
        sys.stdout.flush()


def make_history(log_history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The Trainer's log as a row for each epoch that was measured: train (as it went) and validation (after)."""
    rows: dict[int, dict[str, float]] = {}
    for log in log_history:
        epoch = round(log["epoch"])
        if "loss" in log:
            rows[epoch] = {
                "epoch": epoch,
                "train_loss": log["loss"],
                "train_accuracy": log["accuracy"],
                "learning_rate": log["learning_rate"],
            }
        elif "eval_loss" in log and epoch in rows:
            rows[epoch] |= {"validation_loss": log["eval_loss"], "validation_accuracy": log["eval_accuracy"]}
    return [row for _, row in sorted(rows.items()) if "validation_loss" in row]
