import ctypes
import json
import re
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
import yaml
from conftest import exit_message
from processes import Command
from tiny_runs import (
    NUM_EPOCHS,
    SAMPLES_PER_CLASS,
    assert_same_weights,
    load_fer2013_once,
    load_weights,
    make_argv,
    read_json,
    train_tiny,
    unfinish,
)
from transformers import AutoModelForImageClassification, Trainer, TrainerControl, TrainerState, TrainingArguments

from fer_models import FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from fer_models.memory import keep_freed_memory
from training import train
from training.data import decode, keep_first_per_class
from training.evaluation import evaluate
from training.runtime.runs import find_resumable_checkpoint


@pytest.fixture(autouse=True)
def load_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    monkeypatch.setattr(evaluate, "load_fer2013", load_fer2013_once)


@pytest.fixture(scope="module")
def finished(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing interrupted. Tests leave it as it is."""
    return train_tiny(made_up_parquet, tmp_path_factory.mktemp("finished") / "run")


# --- a finished run ---


def test_finished_run_holds_the_model_its_recipe_its_history_and_where_it_comes_from(finished: Path):
    names = {path.name for path in finished.iterdir()}
    assert names >= {
        *("config.json", "model.safetensors", "preprocessor_config.json"),
        *("configuration_fer.py", "modeling_fer.py", "image_processing_fer.py"),
        *("recipe.yaml", "history.json", "run.json", "checkpoint-3", "checkpoint-6"),
    }
    assert not [name for name in names if name.endswith(".part")]
    history = read_json(finished / "history.json")
    assert [(row["epoch"], row["learning_rate"]) for row in history] == [(1, 1e-3), (2, 1e-3)]
    assert all(row["train_loss"] > 0 and row["validation_loss"] > 0 for row in history)
    recipe = yaml.safe_load((finished / "recipe.yaml").read_text())
    assert (recipe["model"], recipe["num_train_epochs"]) == ("batchnorm-dropout", NUM_EPOCHS)
    assert recipe["seed"] == 0, "also where it is the default"
    run = read_json(finished / "run.json")
    per_split = SAMPLES_PER_CLASS * len(FER_LABELS)
    assert run["images"] == {"train": per_split, "validation": per_split, "test": per_split}
    assert run["resumed"] is False
    assert run["versions"]["torch"] == torch.__version__
    assert run["commit"]
    assert run["hardware"]


def test_accuracies_are_those_of_the_epoch_and_of_the_saved_model(
    made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In training of what the model answered while it learnt: with dropout, and before each step."""
    right: dict[int, list[bool]] = {1: [], 2: []}
    compute_loss = train.FerTrainer.compute_loss

    def compute_and_note(trainer, model, inputs, return_outputs=False, num_items_in_batch=None):
        loss, outputs = compute_loss(trainer, model, inputs, True, num_items_in_batch)
        if model.training:
            right[int(trainer.state.epoch) + 1] += (outputs.logits.argmax(-1) == inputs["labels"]).tolist()
        return (loss, outputs) if return_outputs else loss

    monkeypatch.setattr(train.FerTrainer, "compute_loss", compute_and_note)
    run = train_tiny(made_up_parquet, tmp_path / "run")
    history = read_json(run / "history.json")
    assert [row["train_accuracy"] for row in history] == [sum(answers) / 42 for answers in right.values()]
    assert history[0]["train_accuracy"] != history[1]["train_accuracy"], "else one could stand for the other"
    model = AutoModelForImageClassification.from_pretrained(run)
    rows = keep_first_per_class(load_fer2013_once(made_up_parquet, "report")["validation"], SAMPLES_PER_CLASS)
    faces = decode(rows, FerImageProcessor.from_pretrained(run))
    accuracy = (evaluate.predict_logits(model, faces).argmax(-1) == faces.labels).double().mean().item()
    assert history[-1]["validation_accuracy"] == accuracy


# --- the same again ---


def test_same_seed_gives_the_same_weights_and_one_line_an_epoch(
    finished: Path, made_up_parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    """The Trainer's progress bar used to print its own log lines between ours."""
    train.main(make_argv(made_up_parquet, tmp_path / "run"))
    assert_same_weights(finished, tmp_path / "run")
    assert read_json(tmp_path / "run" / "history.json") == read_json(finished / "history.json")
    first, second, last = capsys.readouterr().out.splitlines()
    assert re.match(r"epoch 1/2  train: loss \d\.\d{4}, accuracy \d\.\d{4}  validation: loss \d\.\d{4}, ", first)
    assert second.startswith("epoch 2/2 ")
    assert second.endswith(" 0 min left")
    assert last == f"Trained: {tmp_path / 'run'}"


def test_a_measurement_within_the_first_epoch_has_no_line_yet(capsys: pytest.CaptureFixture[str]):
    """With `--eval_strategy steps` training ended there."""
    args, control = TrainingArguments(num_train_epochs=2, use_cpu=True), TrainerControl()
    state = TrainerState(epoch=0.4, log_history=[{"epoch": 0.4, "eval_loss": 2.0, "eval_accuracy": 0.1}])
    line = train.EpochLine()
    line.on_evaluate(args, state, control)
    assert capsys.readouterr().out == ""
    state.epoch = 1.0
    state.log_history += [{"epoch": 1.0, "loss": 1.8, "accuracy": 0.2, "learning_rate": 0.1}]
    state.log_history += [{"epoch": 1.0, "eval_loss": 1.7, "eval_accuracy": 0.3}]
    line.on_evaluate(args, state, control)
    assert capsys.readouterr().out.startswith("epoch 1/2 ")


def test_keep_freed_memory_does_nothing_without_glibc(monkeypatch: pytest.MonkeyPatch):
    def no_library(name: None) -> None:
        raise OSError("no such library")

    for library in (no_library, lambda name: object()):  # musl has a library, but no mallopt
        monkeypatch.setattr(ctypes, "CDLL", library)
        keep_freed_memory()


# --- interruptions ---


@pytest.mark.slow
def test_killed_run_goes_on_as_if_nothing_had_happened(
    made_up_parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    """Weights, running statistics and history are equal to the last bit."""
    long = ("--num_train_epochs", "6")
    argv = make_argv(made_up_parquet, tmp_path / "run", *long)
    command = Command("training.train", argv)
    # The second checkpoint has been begun, so the first is whole; the second may be cut short.
    while command.is_running and len(list((tmp_path / "run").glob("checkpoint-*"))) < 2:
        time.sleep(0.005)
    command.send_signal(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL, command.err
    assert not (tmp_path / "run" / "run.json").exists()

    train.main(argv)
    out = capsys.readouterr().out
    first_step = int(re.search(r"Going on from .*/checkpoint-(\d+)\.", out)[1])
    steps_per_epoch = 3
    trained = re.findall(r"^epoch (\S+) ", out, re.MULTILINE)
    assert trained == [f"{epoch}/6" for epoch in range(first_step // steps_per_epoch + 1, 7)]
    assert read_json(tmp_path / "run" / "run.json")["resumed"] is True

    uninterrupted = train_tiny(made_up_parquet, tmp_path / "uninterrupted", *long)
    assert_same_weights(tmp_path / "run", uninterrupted)
    history = read_json(tmp_path / "run" / "history.json")
    assert history == read_json(uninterrupted / "history.json")
    assert len(history) == 6


def test_ctrl_c_and_a_full_disk_under_a_text_file_are_said(made_up_parquet: Path, tmp_path: Path, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    argv = make_argv(made_up_parquet, tmp_path / "run")
    monkeypatch.setattr(train.EpochLine, "on_epoch_end", interrupt)
    message = exit_message(train.main, *argv)
    assert message == "Interrupted. Start again with the same command to go on from the newest checkpoint."
    monkeypatch.setattr(train, "write_text", no_room)
    message = exit_message(train.main, *argv)
    assert message.startswith("error: [Errno 28] No space left on device. What was finished is kept")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.safetensors", cut),  # killed while it was written
        ("model.safetensors", Path.unlink),  # killed before
        ("optimizer.pt", cut),
        ("trainer_state.json", cut),  # killed before the last file was whole
    ],
)
def test_damaged_checkpoint_is_passed_over(file, damage, finished: Path, tmp_path: Path, capsys):
    older, newest = unfinish(finished, tmp_path / "run")
    damage(newest / file)
    assert find_resumable_checkpoint(tmp_path / "run") == str(older)
    assert f"Passing over {newest}, which is incomplete: " in capsys.readouterr().err


def test_newest_checkpoint_is_that_of_the_highest_number(finished: Path, tmp_path: Path):
    """As text, `checkpoint-3` comes after `checkpoint-10`."""
    assert find_resumable_checkpoint(tmp_path / "nothing") is None
    older, newest = unfinish(finished, tmp_path / "run")
    newest = newest.rename(tmp_path / "run" / "checkpoint-10")
    shutil.copytree(newest, tmp_path / "run" / "checkpoint-best")  # somebody's copy
    assert find_resumable_checkpoint(tmp_path / "run") == str(newest)
    for checkpoint in (older, newest):
        cut(checkpoint / "model.safetensors")
    assert find_resumable_checkpoint(tmp_path / "run") is None


def test_run_killed_after_its_last_checkpoint_is_finished_in_another_place(
    finished: Path, made_up_parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    """Moved with its data, and watched otherwise. It used to tell the seconds since its last start alone."""
    _, newest = unfinish(finished, tmp_path / "moved")
    (tmp_path / "data").symlink_to(made_up_parquet)
    state = read_json(newest / "trainer_state.json")
    counted = state["stateful_callbacks"]["Stopwatch"]["attributes"]
    assert 0 < counted["seconds_before"] <= read_json(finished / "run.json")["seconds"] + 0.1
    counted["seconds_before"] = 1000.0
    (newest / "trainer_state.json").write_text(json.dumps(state))
    train_tiny(tmp_path / "data", tmp_path / "moved", "--disable_tqdm", "true")
    assert "epoch " not in capsys.readouterr().out
    assert_same_weights(finished, tmp_path / "moved")
    assert read_json(tmp_path / "moved" / "history.json") == read_json(finished / "history.json")
    run = read_json(tmp_path / "moved" / "run.json")
    assert run["resumed"] is True
    assert 1000 <= run["seconds"] < 1200


@pytest.mark.parametrize(
    ("file", "largest_file"),
    [
        ("model.safetensors", 60_000),  # safetensors' own error, which is no OSError
        ("optimizer.pt", 120_000),  # torch's, which is a RuntimeError
    ],
)
def test_full_disk_is_said_and_the_older_checkpoint_stays(
    file: str, largest_file: int, finished: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second checkpoint cannot be written, since the system lets no file grow beyond `largest_file` bytes."""
    first, second = unfinish(finished, tmp_path / "run")
    assert (second / file).stat().st_size > largest_file
    shutil.rmtree(second)
    argv = make_argv(made_up_parquet, tmp_path / "run")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    save = Trainer._save_checkpoint

    def save_on_a_full_disk(*args):
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, limits[1]))
        save(*args)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_checkpoint", save_on_a_full_disk)
        try:
            message = exit_message(train.main, *argv)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message.startswith(f"error: {tmp_path / 'run'} cannot be written to; is the disk full? (")
    assert message.endswith("What was finished is kept; make room or mend the path, then start again.")
    assert not (second / file).exists() or (second / file).stat().st_size <= largest_file
    assert find_resumable_checkpoint(tmp_path / "run") == str(first)


# --- refusals ---


def test_other_settings_in_the_same_folder_are_refused(finished: Path, made_up_parquet: Path, tmp_path: Path):
    unfinish(finished, tmp_path / "run")
    for overrides, changes in (
        (("--num_train_epochs", "3"), ["num_train_epochs: 2.0 -> the default"]),  # recipe.yaml lacks defaults
        (("--weight_decay", "0.1"), ["weight_decay: the default -> 0.1"]),
        (("--seed", "1", "--lr_scheduler_type", "linear"), ["seed: 0 -> 1", "lr_scheduler_type: "]),  # each is named
    ):
        message = exit_message(train.main, *make_argv(made_up_parquet, tmp_path / "run", *overrides))
        assert f"{tmp_path / 'run'} holds a run with other settings" in message
        assert [change for change in changes if change not in message] == []
        assert message.count(" -> ") == len(changes), "nothing else is named"
        assert message.endswith("Choose another --output_dir, or --resume false to start it over.")


def test_resume_false_starts_over_with_any_settings(finished: Path, made_up_parquet: Path, tmp_path: Path):
    older, _ = unfinish(finished, tmp_path / "run")
    before = load_weights(older)
    other = ("--seed", "1", "--num_train_epochs", "1")
    train_tiny(made_up_parquet, tmp_path / "run", *other, "--resume", "false")
    assert len(list((tmp_path / "run").glob("checkpoint-*"))) == 1
    assert len(read_json(tmp_path / "run" / "history.json")) == 1
    assert read_json(tmp_path / "run" / "run.json")["resumed"] is False
    assert not torch.equal(load_weights(tmp_path / "run")["classifier.weight"], before["classifier.weight"])


def test_finished_run_is_not_trained_again(finished: Path, made_up_parquet: Path, capsys: pytest.CaptureFixture):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    train.main(make_argv(made_up_parquet, finished))
    assert capsys.readouterr().out.startswith(f"{finished} is already trained. Use --resume false to train it again.\n")
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_wrong_arguments_get_a_sentence(made_up_parquet: Path, tmp_path: Path):
    # The order of the logits is the data's; another would train on wrong names.
    turned = json.dumps({"id2label": dict(enumerate(reversed(FER_LABELS)))})
    for option, value, words in (
        ("--data", "/nothing/here", "'/nothing/here'"),
        ("--sede", "1", "--sede"),  # a misspelt option would be ignored
        ("--config_overrides", turned, "The model's labels {0: 'surprise'"),
    ):
        message = exit_message(train.main, *make_argv(made_up_parquet, tmp_path / "run", option, value))
        assert message.startswith("error: ")
        assert words in message
        assert not (tmp_path / "run").exists(), "nothing is left behind that a later run would trip over"
