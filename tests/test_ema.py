from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import assert_same_weights, load_weights, train_tiny, unfinish
from torch import nn
from torch.utils.data import DataLoader

from training.ema import AVERAGE_FILE, EmaCallback
from training.training_set import TrainingSet

# The Trainer names a best checkpoint though the run is told to keep its end.
ARGS = SimpleNamespace(device=torch.device("cpu"), load_best_model_at_end=False)
STATE = SimpleNamespace(global_step=0, best_model_checkpoint="checkpoint-1")
CONTROL = SimpleNamespace(should_evaluate=True)


def begin(decay: float, model: nn.Module) -> EmaCallback:
    averaging = EmaCallback(decay)
    averaging.on_train_begin(ARGS, STATE, CONTROL, model=model)
    return averaging


def test_the_average_follows_its_formula_and_stands_in_for_the_evaluation_only() -> None:
    for decay in (0.0, 1.0):
        with pytest.raises(ValueError, match="decay must lie in"):
            EmaCallback(decay)
    model = nn.Linear(1, 1, bias=False)
    averaging = begin(0.75, model)
    for value in (4.0, 8.0, 16.0):
        nn.init.constant_(model.weight, value)
        averaging.on_step_end(ARGS, STATE, CONTROL, model=model)
    average = 0.75 * (0.75 * 4 + 0.25 * 8) + 0.25 * 16  # the first step starts it

    averaging.on_epoch_end(ARGS, STATE, CONTROL, model=model)
    assert model.weight.item() == pytest.approx(average)
    averaging.on_evaluate(ARGS, STATE, CONTROL, model=model)
    assert model.weight.item() == 16, "training goes on with its own weights"
    averaging.on_train_end(ARGS, STATE, CONTROL, model=model)
    assert model.weight.item() == pytest.approx(average)


def test_a_finished_run_holds_the_average_and_goes_on_with_it_after_an_interruption(
    made_up_parquet: Path, tmp_path: Path
) -> None:
    options = ("--ema_decay", "0.9", "--label_smoothing_factor", "0.1")
    run = train_tiny(made_up_parquet, tmp_path / "run", *options)
    finished = load_weights(run)
    *earlier, last = unfinish(run, tmp_path / "interrupted")
    own, average = load_weights(last), load_file(last / AVERAGE_FILE)
    assert all(torch.equal(finished[name], average[name]) for name in average)
    assert any(not torch.equal(finished[name], own[name]) for name in own)

    assert earlier
    (last / AVERAGE_FILE).unlink()  # killed after the Trainer's last file, before ours
    again = train_tiny(made_up_parquet, tmp_path / "interrupted", *options)
    assert_same_weights(again, run)


def load(pixel_values: torch.Tensor) -> DataLoader:
    return DataLoader(TrainingSet(255 * pixel_values[None], torch.zeros(len(pixel_values), dtype=torch.int64)))


@pytest.mark.parametrize("count", [40, 300], ids=["less than a batch", "two batches and a bit"])
def test_statistics_are_taken_with_nothing_dropped_and_of_equal_batches(count: int) -> None:
    """As in evaluation; a small last batch counted as much as a whole one."""
    dropout = nn.Dropout(0.5)
    model = nn.Sequential(dropout, nn.BatchNorm2d(1))
    values = torch.rand(count, 1, 4, 4)
    values[256:] = 9
    begin(0.5, model).on_epoch_end(ARGS, STATE, CONTROL, model=model, train_dataloader=load(values))
    counted = values[:256]
    assert model[1].running_mean.item() == pytest.approx(counted.mean().item(), abs=1e-5)
    assert model[1].running_var.item() == pytest.approx(counted.var().item(), rel=0.01)
    assert dropout.p == 0.5


def test_statistics_are_those_of_the_averaged_weights() -> None:
    """The average of weights 1 and 3 is 2, and so twice the images' mean is what batch normalisation must take off."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1))
    values = torch.rand(300, 1, 4, 4)
    averaging = begin(0.5, model)
    for value in (1.0, 3.0):
        nn.init.constant_(model[0].weight, value)
        averaging.on_step_end(ARGS, STATE, CONTROL, model=model)
    averaging.on_epoch_end(ARGS, STATE, CONTROL, model=model, train_dataloader=load(values))
    assert model[0].weight.item() == 2
    assert model[1].running_mean.item() == pytest.approx(2 * values.mean().item(), abs=0.02)
    averaging.on_evaluate(ARGS, STATE, CONTROL, model=model)
    assert (model[0].weight.item(), model[1].running_mean.item()) == (3, 0), "training goes on with its own"
