"""Exponential moving average of the weights, as a callback of the Trainer."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from .runtime.files import report_failed_writes
from .runtime.runs import AVERAGE_FILE

# Of so many training images, spread over all of them, the averaged model's statistics are taken, in such batches.
STATISTICS_IMAGES = 2048
STATISTICS_BATCH = 128


@contextmanager
def _without_dropout(model: nn.Module) -> Iterator[None]:
    """Nothing is dropped, though the model is in training: as in evaluation, for which statistics are taken."""
    probabilities = {module: module.p for module in model.modules() if isinstance(module, nn.Dropout)}
    try:
        for module in probabilities:
            module.p = 0.0
        yield
    finally:
        for module, probability in probabilities.items():
            module.p = probability


def choose_statistics_faces(total: int, count: int = STATISTICS_IMAGES) -> tuple[torch.Tensor, ...]:
    """Indices of the faces that statistics are taken of, batch by batch.

    Args:
        total: Faces there are.
        count: About so many are chosen, spread over all of them.

    Returns:
        Batches of `STATISTICS_BATCH`, all as large, for each counts the same; a single smaller one if there are fewer.
    """
    chosen = torch.arange(0, total, max(1, total // count))
    whole = len(chosen) // STATISTICS_BATCH * STATISTICS_BATCH
    return chosen[: whole or None].split(STATISTICS_BATCH)


def retake_statistics(model: nn.Module, batches: Iterable[torch.Tensor], device: torch.device | None = None) -> None:
    """Take the running statistics of batch normalisation anew, the mean over batches of faces; nothing else changes.

    Args:
        model: With or without batch normalisation.
        batches: Of faces as they are, `(B, C, H, W)`.
        device: Where the model is.
    """
    with _without_dropout(model):
        update_bn(batches, model, device)


def has_batch_norm(model: nn.Module) -> bool:
    return any(isinstance(module, _BatchNorm) for module in model.modules())


class EmaCallback(TrainerCallback):
    """Keeps an average of the weights, updated after every step.

    Batch normalisation's statistics cannot be averaged with them, for averaged weights make other activations: before
    each evaluation they are taken anew, of training images as they are (Izmailov et al. 2018, arXiv:1803.05407).
    The average is what each evaluation measures and what the finished run holds: the one of the best checkpoint if the
    Trainer looks for the best, else the last one. Training itself goes on with the weights as they are. Each checkpoint
    holds the average beside them, so that an interrupted run goes on with it.

    Args:
        decay: Weight of the old average at each step, in (0, 1).
    """

    def __init__(self, decay: float):
        if not 0 < decay < 1:
            raise ValueError(f"decay must lie in (0, 1); got {decay}.")
        self._decay = decay
        self._average: AveragedModel | None = None
        self._own_weights: dict[str, torch.Tensor] | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._average = AveragedModel(kwargs["model"], multi_avg_fn=get_ema_multi_avg_fn(self._decay), use_buffers=True)
        if state.global_step:  # the run goes on from a checkpoint
            path = Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / AVERAGE_FILE
            self._average.module.load_state_dict(load_file(path))
            self._average.n_averaged.fill_(state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        assert self._average is not None
        self._average.update_parameters(kwargs["model"])

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Evaluation comes next: put the average in the model's place."""
        assert self._average is not None
        if control.should_evaluate:
            self._estimate_statistics(kwargs.get("train_dataloader"), args.device)
            self._own_weights = {name: value.clone() for name, value in kwargs["model"].state_dict().items()}
            kwargs["model"].load_state_dict(self._state_dict())

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self._own_weights is not None:
            kwargs["model"].load_state_dict(self._own_weights)
            self._own_weights = None

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            path = Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}" / AVERAGE_FILE
            with report_failed_writes(path.parent):
                save_file({name: value.contiguous() for name, value in self._state_dict().items()}, path)
        PartialState().wait_for_everyone()  # at the end every process reads the best one's

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        best = state.best_model_checkpoint if args.load_best_model_at_end else None
        kwargs["model"].load_state_dict(load_file(Path(best) / AVERAGE_FILE) if best else self._state_dict())

    def _estimate_statistics(self, dataloader: DataLoader[Any] | None, device: torch.device) -> None:
        assert self._average is not None
        if not has_batch_norm(self._average):
            return
        faces: Any = dataloader.dataset  # type: ignore[union-attr]
        batches = choose_statistics_faces(len(faces))
        retake_statistics(self._average, (faces.get_faces(some.tolist()) for some in batches), device)

    def _state_dict(self) -> dict[str, torch.Tensor]:
        assert self._average is not None
        return self._average.module.state_dict()
