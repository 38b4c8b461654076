"""One recipe on two processes: alone, as two machines that share no folder, and through an interruption."""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from browsing import find_free_port
from processes import Command
from safetensors.torch import load_file
from tiny_runs import assert_same_weights, load_weights, make_argv, read_json, train_tiny, unfinish
from torch import nn

from training.ema import AVERAGE_FILE
from training.runtime.distributed import OwnRandomness, count_own_images, share_batch, synchronize_batch_norm

STEPS_PER_EPOCH = 3  # 42 images in batches of 16, of which the last holds 10


def make_args(batch_size: int = 64, world_size: int = 1, n_gpu: int = 0, device: str = "cpu") -> SimpleNamespace:
    return SimpleNamespace(
        **{"per_device_train_batch_size": batch_size, "world_size": world_size, "n_gpu": n_gpu, "seed": 0},
        **{"device": torch.device(device), "should_save": True, "process_index": world_size - 1},
    )


# --- one process at a time ---


def test_batch_is_shared() -> None:
    for world_size, n_gpu, share in (
        (1, 0, 64),  # a CPU
        (4, 1, 16),
        (1, 2, 32),  # two GPUs without a launcher: torch's DataParallel gives each a batch
    ):
        args = make_args(64, world_size, n_gpu)
        share_batch(args)
        assert args.per_device_train_batch_size == share
    with pytest.raises(ValueError, match="64 cannot be divided among 3"):
        share_batch(make_args(64, world_size=3))


def test_repeated_images_do_not_count() -> None:
    for at_the_end, remainder, process, own, weight in (
        (False, 10, 0, 8, 1.0),  # a whole batch
        (True, 0, 1, 8, 1.0),  # the last one, whole
        (True, -1, 1, 8, 1.0),  # what would be left is dropped
        (True, 10, 0, 8, 1.6),  # 10 images: 8 here
        (True, 10, 1, 2, 0.4),  # and 2 there
        (True, 3, 1, 0, 0.0),
    ):
        state = SimpleNamespace(end_of_dataloader=at_the_end, sync_gradients=True, remainder=remainder)
        accelerator = SimpleNamespace(gradient_state=state, process_index=process, num_processes=2)
        assert count_own_images(accelerator, 8) == (own, pytest.approx(weight))
        state.sync_gradients = False  # accumulating: all but the last batch of a step are whole
        assert count_own_images(accelerator, 8) == (8, 1.0)


def test_batch_norm_is_synchronized_on_gpus_and_the_cpu_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def find_kinds(model: nn.Module) -> list[type]:
        return [type(module) for module in model.modules() if "BatchNorm" in type(module).__name__]

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))

    assert find_kinds(synchronize_batch_norm(make_model(), make_args())) == [nn.BatchNorm2d]
    plain = nn.Sequential(nn.Conv2d(1, 2, 3))
    assert synchronize_batch_norm(plain, make_args(world_size=2)) is plain
    assert capsys.readouterr().err == ""
    model = make_model()
    synchronized = synchronize_batch_norm(model, make_args(world_size=2, device="cuda"))
    assert find_kinds(synchronized) == [nn.SyncBatchNorm]
    assert synchronized.state_dict().keys() == model.state_dict().keys(), "else it could not be loaded again"
    assert find_kinds(synchronize_batch_norm(make_model(), make_args(world_size=2))) == [nn.BatchNorm2d]
    assert "share of the batch only" in capsys.readouterr().err


def test_each_process_draws_its_own_random_numbers() -> None:
    torch.manual_seed(0)
    alone = torch.rand(3)
    torch.manual_seed(0)
    OwnRandomness().on_train_begin(make_args(world_size=1), None, None)
    assert torch.equal(torch.rand(3), alone), "one process is left as it is"
    OwnRandomness().on_train_begin(make_args(world_size=2), None, None)
    assert not torch.equal(torch.rand(3), alone)


# --- two ---


def list_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# Adam makes steps of rounding noise where a gradient is none; without dropout, whose masks are each process's own.
SGD = ("--optim", "sgd", "--learning_rate", "0.05", "--config_overrides", '{"filters": [4, 3, 4, 3]}')


def launch(*commands: list[str], local_ranks: str = "01") -> list[Command]:
    """What `accelerate launch` starts: two processes, of one machine or, with the local ranks 0 and 0, of two."""
    variables = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_port()), "WORLD_SIZE": "2"}
    variables["LOCAL_WORLD_SIZE"] = str(len(set(local_ranks)))
    return [
        Command("training.train", argv, **variables, RANK=rank, LOCAL_RANK=local_rank)
        for argv, rank, local_rank in zip(commands, "01", local_ranks, strict=True)
    ]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_machines_train_what_one_process_does_and_one_writes(made_up_parquet: Path, tmp_path: Path) -> None:
    """Each has a folder of its own, so that whatever the second one writes is seen."""
    folders = [tmp_path / f"machine-{machine}" for machine in (0, 1)]
    argvs = [make_argv(made_up_parquet, folder, *SGD, model="dense") for folder in folders]
    outputs = [command.finish() for command in launch(*argvs, local_ranks="00")]
    assert len(re.findall("^epoch ", outputs[0], re.MULTILINE)) == 2
    assert outputs[1] == ""
    checkpoints = [f"checkpoint-{STEPS_PER_EPOCH * epoch}" for epoch in (1, 2)]
    assert list_files(folders[1]) == {f"{checkpoint}/rng_state_1.pth" for checkpoint in checkpoints}

    alone = train_tiny(made_up_parquet, tmp_path / "alone", *SGD, model="dense")
    assert {re.sub("rng_state_0", "rng_state", name) for name in list_files(folders[0])} == list_files(alone)
    weights = load_weights(folders[0])
    for name, value in load_weights(alone).items():
        torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-6)
    histories = [read_json(folder / "history.json") for folder in (alone, folders[0])]
    for one, two in zip(*histories, strict=True):
        assert two == pytest.approx(one, rel=1e-4)
    recipes = [(folder / "recipe.yaml").read_text() for folder in (alone, folders[0])]
    assert recipes[1].replace("machine-0", "alone") == recipes[0], "it says nothing of the processes"
    assert read_json(folders[0] / "run.json")["processes"] == 2


# With dropout, augmentation and averaged weights, so that all of it has to survive.
LONG = (
    *("--num_train_epochs", "3", "--flip_probability", "0.5", "--ema_decay", "0.9", "--early_stopping_patience", "3"),
    *("--load_best_model_at_end", "true", "--metric_for_best_model", "accuracy", "--save_total_limit", "3"),
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_interrupted_processes_go_on_as_if_nothing_had_happened(made_up_parquet: Path, tmp_path: Path) -> None:
    """In the second of three epochs, whose checkpoint the main process has not finished."""
    run, uninterrupted = tmp_path / "run", tmp_path / "uninterrupted"
    argv = make_argv(made_up_parquet, uninterrupted, *LONG)
    for command in launch(argv, argv):
        command.finish()

    first, second, third = unfinish(uninterrupted, run)
    shutil.rmtree(third)
    (second / "trainer_state.json").unlink()
    argv = make_argv(made_up_parquet, run, *LONG)
    out = "".join([command.finish() for command in launch(argv, argv)])
    assert re.findall("^Going on from (.*)[.]$", out, re.MULTILINE) == [str(first)]
    assert len(re.findall("^Trained: ", out, re.MULTILINE)) == 1
    assert re.findall("^epoch (./3)", out, re.MULTILINE) == ["2/3", "3/3"]
    assert_same_weights(run, uninterrupted)
    assert (run / "history.json").read_text() == (uninterrupted / "history.json").read_text()
    averages = [load_file(folder / third.name / AVERAGE_FILE) for folder in (run, uninterrupted)]
    assert all(torch.equal(value, averages[1][name]) for name, value in averages[0].items())
