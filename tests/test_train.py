import ctypes
import json
import re
import resource
import signal
import time
from pathlib import Path

import pytest
import tiny_runs
import torch
import yaml
from conftest import exit_message
from processes import Command
from tiny_runs import (
    assert_same_weights,
    load_fer2013_once,
    load_few_per_split,
    load_weights,
    make_argv,
    train_tiny,
    unfinish,
)
from transformers import AutoModelForImageClassification, Trainer

from fer_models import FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from fer_models.memory import keep_freed_memory
from training import train
from training.data import decode, keep_first_per_class
from training.evaluation import evaluate
from training.runtime.callbacks import make_history
from training.runtime.runs import find_resumable_checkpoint

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def load_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    monkeypatch.setattr(evaluate, "load_fer2013", load_fer2013_once)


@pytest.fixture(scope="module")
def finished(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing interrupted. Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "load_fer2013", load_fer2013_once)
        return train_tiny(made_up_parquet, tmp_path_factory.mktemp("finished") / "run")


def read_json(path: Path):
    return json.loads(path.read_text())


def list_trained_epochs(out: str) -> list[str]:
    return re.findall(r"^epoch (\S+) ", out, re.MULTILINE)


# --- a finished run ---


def test_finished_run_holds_the_documented_files(finished: Path):
    names = {path.name for path in finished.iterdir()}
    assert names >= {
        *("config.json", "model.safetensors", "preprocessor_config.json"),
        *("configuration_fer.py", "modeling_fer.py", "image_processing_fer.py"),
        *("recipe.yaml", "history.json", "run.json"),
    }
    assert len([name for name in names if name.startswith("checkpoint-")]) == 2
    assert not [name for name in names if name.endswith(".part")]


def test_history_has_one_row_an_epoch(finished: Path):
    history = read_json(finished / "history.json")
    assert [row["epoch"] for row in history] == [1, 2]
    for row in history:
        assert row.keys() == {
            *("epoch", "learning_rate"),
            *("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
        }
        assert row["learning_rate"] == 1e-3
        assert row["train_loss"] > 0
        assert row["validation_loss"] > 0
        assert 0 <= row["train_accuracy"] <= 1
        assert 0 <= row["validation_accuracy"] <= 1


def test_run_json_says_where_the_run_comes_from(finished: Path):
    run = read_json(finished / "run.json")
    per_split = tiny_runs.SAMPLES_PER_CLASS * len(FER_LABELS)
    assert run["images"] == {"train": per_split, "validation": per_split, "test": per_split}
    assert run["resumed"] is False
    assert run["versions"]["torch"] == torch.__version__
    assert run["commit"]
    assert run["hardware"]


def test_recipe_yaml_holds_what_was_overridden(finished: Path):
    recipe = yaml.safe_load((finished / "recipe.yaml").read_text())
    assert recipe["model"] == "batchnorm-dropout"
    assert recipe["num_train_epochs"] == tiny_runs.NUM_EPOCHS
    assert recipe["adam_epsilon"] == 1e-7
    assert recipe["seed"] == 0, "also where it is the default"


def test_validation_accuracy_is_the_saved_models(finished: Path, made_up_parquet: Path):
    model = AutoModelForImageClassification.from_pretrained(finished)
    rows = keep_first_per_class(load_fer2013_once(made_up_parquet, "report")["validation"], tiny_runs.SAMPLES_PER_CLASS)
    faces = decode(rows, FerImageProcessor.from_pretrained(finished))
    accuracy = (evaluate.predict_logits(model, faces).argmax(-1) == faces.labels).double().mean().item()
    assert read_json(finished / "history.json")[-1]["validation_accuracy"] == accuracy


def test_training_accuracy_is_that_of_every_image_of_its_own_epoch(made_up_parquet: Path, tmp_path: Path):
    """With a learning rate of 0 the model stays what it is, so that its accuracy can be computed again."""
    frozen = ("--learning_rate", "0", "--config_overrides", '{"filters": [8, 8, 8, 8]}')
    run = train_tiny(made_up_parquet, tmp_path / "run", *frozen, model="baseline")
    model = AutoModelForImageClassification.from_pretrained(run)
    rows = keep_first_per_class(load_fer2013_once(made_up_parquet, "report")["train"], tiny_runs.SAMPLES_PER_CLASS)
    faces = decode(rows, FerImageProcessor.from_pretrained(run))
    assert len(faces) % 16, "the last batch is smaller, so that a mean over batches would be another number"
    accuracy = (evaluate.predict_logits(model, faces).argmax(-1) == faces.labels).double().mean().item()
    assert 0 < accuracy < 1
    assert [row["train_accuracy"] for row in read_json(run / "history.json")] == [accuracy, accuracy]


def test_training_accuracy_is_of_what_the_model_answered_while_it_learnt(
    made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With dropout, and before each step; nothing of the epoch before, nothing of the evaluation."""
    right: dict[int, list[bool]] = {}
    compute_loss = train.FerTrainer.compute_loss

    def compute_and_note(trainer, model, inputs, return_outputs=False, num_items_in_batch=None):
        loss, outputs = compute_loss(trainer, model, inputs, True, num_items_in_batch)
        if model.training:
            answers = outputs.logits.argmax(-1) == inputs["labels"]
            right.setdefault(int(trainer.state.epoch) + 1, []).extend(answers.tolist())
        return (loss, outputs) if return_outputs else loss

    monkeypatch.setattr(train.FerTrainer, "compute_loss", compute_and_note)
    history = read_json(train_tiny(made_up_parquet, tmp_path / "run") / "history.json")
    assert [len(answers) for answers in right.values()] == [tiny_runs.SAMPLES_PER_CLASS * len(FER_LABELS)] * 2
    accuracies = {epoch: sum(answers) / len(answers) for epoch, answers in right.items()}
    assert accuracies[1] != accuracies[2], "else one could stand for the other"
    assert {row["epoch"]: row["train_accuracy"] for row in history} == accuracies


def test_progress_is_one_line_an_epoch(made_up_parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    """The Trainer's progress bar used to print its own log lines between them."""
    train.main(make_argv(made_up_parquet, tmp_path / "run"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert re.match(r"epoch 1/2  train: loss \d\.\d{4}, accuracy \d\.\d{4}  validation: loss \d\.\d{4}, ", lines[0])
    assert lines[1].startswith("epoch 2/2 ")
    assert lines[1].endswith(" 0 min left")
    assert lines[2] == f"Trained: {tmp_path / 'run'}"


@pytest.mark.parametrize(
    ("log", "history"),
    [
        ([], []),  # interrupted before the first epoch ended
        (  # evaluated before anything was trained: belongs to no epoch
            [{"epoch": 0.0, "eval_loss": 2.0, "eval_accuracy": 0.1}],
            [],
        ),
        (  # the Trainer's own summary at the end is no epoch
            [
                {"epoch": 1.0, "loss": 1.9, "accuracy": 0.2, "learning_rate": 1e-3, "step": 3},
                {"epoch": 1.0, "eval_loss": 1.8, "eval_accuracy": 0.3, "eval_runtime": 1.0},
                {"epoch": 1.0, "train_loss": 1.9, "train_runtime": 2.0},
            ],
            [
                {
                    **{"epoch": 1, "learning_rate": 1e-3, "train_loss": 1.9, "train_accuracy": 0.2},
                    **{"validation_loss": 1.8, "validation_accuracy": 0.3},
                }
            ],
        ),
    ],
    ids=["empty", "untrained", "summary"],
)
def test_make_history_keeps_epochs_only(log, history):
    assert make_history(log) == history


# --- the same again ---


def test_same_seed_gives_the_same_weights(finished: Path, made_up_parquet: Path, tmp_path: Path):
    again = train_tiny(made_up_parquet, tmp_path / "run")
    assert_same_weights(finished, again)
    assert read_json(again / "history.json") == read_json(finished / "history.json")


def test_another_seed_gives_other_weights(finished: Path, made_up_parquet: Path, tmp_path: Path):
    other = load_weights(train_tiny(made_up_parquet, tmp_path / "run", "--seed", "1"))
    assert not torch.equal(other["classifier.weight"], load_weights(finished)["classifier.weight"])


def test_channels_last_changes_the_memory_order_only(made_up_parquet: Path, tmp_path: Path, monkeypatch):
    """Sums are in another order, so equal within rounding, but with Adam, which makes steps of noise, and dropout."""
    orders = []

    def note_order(*_: object, model: torch.nn.Module, **__: object) -> None:
        orders.append(model.blocks[1].conv.weight.is_contiguous(memory_format=torch.channels_last))

    monkeypatch.setattr(train.EpochLine, "on_train_begin", note_order)
    sgd = ("--optim", "sgd", "--learning_rate", "0.01")
    weights = [
        load_weights(train_tiny(made_up_parquet, tmp_path / order, *sgd, "--channels_last", order, model="batchnorm"))
        for order in ("true", "false")
    ]
    assert orders == [True, False]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-2, atol=1e-4)


def test_keep_freed_memory_does_nothing_without_glibc(monkeypatch: pytest.MonkeyPatch):
    def no_library(name: None) -> None:
        raise OSError("no such library")

    for library in (no_library, lambda name: object()):  # musl has a library, but no mallopt
        monkeypatch.setattr(ctypes, "CDLL", library)
        keep_freed_memory()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_keep_freed_memory_reuses_a_freed_block():
    def count_page_faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        assert torch.ones(25_000_000).sum() == 25_000_000
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    keep_freed_memory()
    # The best of a few: a small block that lands in the hole makes it too small for the next large one.
    fewest = min(count_page_faults() for _ in range(5))
    assert fewest < 5_000, "100 MB anew would be about 25,000 pages of 4 KiB"


# --- interruptions ---


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interruption", "exit_code", "words"),
    [
        (signal.SIGKILL, -signal.SIGKILL, ""),  # nothing can be said any more
        (signal.SIGINT, 1, "Interrupted. Start again with the same command to go on from the last finished epoch."),
    ],
    ids=["kill", "ctrl-c"],
)
def test_interrupted_run_goes_on_as_if_nothing_had_happened(
    interruption: int,
    exit_code: int,
    words: str,
    made_up_parquet: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """Weights, running statistics and history are equal to the last bit; then the run is measured."""
    long = ("--num_train_epochs", "20")
    argv = make_argv(made_up_parquet, tmp_path / "run", *long)
    command = Command("training.train", argv)
    # The second checkpoint has been begun, so the first is whole; the second may be cut short.
    while command.is_running and len(list((tmp_path / "run").glob("checkpoint-*"))) < 2:
        time.sleep(0.005)
    command.send_signal(interruption)
    assert command.wait() == exit_code, command.err
    assert words in command.err
    assert "Traceback" not in command.err
    assert not (tmp_path / "run" / "run.json").exists()

    train.main(argv)
    out = capsys.readouterr().out
    first_step = int(re.search(r"Going on from .*/checkpoint-(\d+)\.", out)[1])
    steps_per_epoch = 3
    assert list_trained_epochs(out) == [f"{epoch}/20" for epoch in range(first_step // steps_per_epoch + 1, 21)]
    assert read_json(tmp_path / "run" / "run.json")["resumed"] is True

    uninterrupted = train_tiny(made_up_parquet, tmp_path / "uninterrupted", *long)
    assert_same_weights(tmp_path / "run", uninterrupted)
    history = read_json(tmp_path / "run" / "history.json")
    assert history == read_json(uninterrupted / "history.json")
    assert len(history) == 20

    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    evaluate.main([str(tmp_path / "run")])
    splits = read_json(tmp_path / "run" / "results.json")["splits"]
    assert {split: figures["n"] for split, figures in splits.items()} == dict.fromkeys(splits, 5 * len(FER_LABELS))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("model.safetensors", empty),  # the disk was full before its first byte
        ("model.safetensors", cut),  # killed while it was written
        ("model.safetensors", Path.unlink),  # killed before
        ("optimizer.pt", cut),
        ("optimizer.pt", Path.unlink),
        ("trainer_state.json", cut),
        ("trainer_state.json", empty),
        ("trainer_state.json", Path.unlink),  # killed before the last file
    ],
)
def test_damaged_checkpoint_is_passed_over(file, damage, finished: Path, tmp_path: Path, capsys):
    older, newest = unfinish(finished, tmp_path / "run")
    damage(newest / file)
    assert find_resumable_checkpoint(tmp_path / "run") == str(older)
    assert f"Passing over {newest}, which is incomplete: " in capsys.readouterr().err


def test_run_goes_on_from_the_checkpoint_before(finished: Path, made_up_parquet: Path, tmp_path: Path, capsys):
    cut(unfinish(finished, tmp_path / "run")[1] / "optimizer.pt")
    train_tiny(made_up_parquet, tmp_path / "run")
    assert list_trained_epochs(capsys.readouterr().out) == ["2/2"]
    assert_same_weights(finished, tmp_path / "run")
    assert read_json(tmp_path / "run" / "history.json") == read_json(finished / "history.json")


def test_time_is_counted_over_interruptions(finished: Path, made_up_parquet: Path, tmp_path: Path):
    """A resumed run told the seconds since its last start as those of its training."""
    _, newest = unfinish(finished, tmp_path / "run")
    state = read_json(newest / "trainer_state.json")
    counted = state["stateful_callbacks"]["Stopwatch"]["attributes"]
    assert 0 < counted["seconds_before"] <= read_json(finished / "run.json")["seconds"] + 0.1
    counted["seconds_before"] = 1000.0
    (newest / "trainer_state.json").write_text(json.dumps(state))
    train_tiny(made_up_parquet, tmp_path / "run")
    run = read_json(tmp_path / "run" / "run.json")
    assert run["resumed"] is True
    assert 1000 <= run["seconds"] < 1200


def test_run_with_no_whole_checkpoint_starts_from_the_beginning(finished: Path, made_up_parquet: Path, tmp_path: Path):
    for checkpoint in unfinish(finished, tmp_path / "run"):
        cut(checkpoint / "model.safetensors")
    assert find_resumable_checkpoint(tmp_path / "run") is None
    train_tiny(made_up_parquet, tmp_path / "run")
    assert_same_weights(finished, tmp_path / "run")
    assert read_json(tmp_path / "run" / "run.json")["resumed"] is False


def test_checkpoints_are_ordered_by_number(finished: Path, tmp_path: Path):
    """As text, `checkpoint-3` comes after `checkpoint-10`."""
    older, newest = unfinish(finished, tmp_path / "run")
    older.rename(tmp_path / "run" / "checkpoint-3")
    newest = newest.rename(tmp_path / "run" / "checkpoint-10")
    assert find_resumable_checkpoint(tmp_path / "run") == str(newest)


def test_no_folder_has_no_checkpoint(tmp_path: Path):
    assert find_resumable_checkpoint(tmp_path / "nothing") is None


def test_run_killed_after_its_last_checkpoint_is_finished(
    finished: Path, made_up_parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture
):
    unfinish(finished, tmp_path / "run")
    train_tiny(made_up_parquet, tmp_path / "run")
    assert list_trained_epochs(capsys.readouterr().out) == []
    assert_same_weights(finished, tmp_path / "run")
    assert read_json(tmp_path / "run" / "history.json") == read_json(finished / "history.json")


@pytest.mark.parametrize(
    ("file", "largest_file"),
    [
        ("model.safetensors", 60_000),  # safetensors' own error, which is no OSError
        ("optimizer.pt", 120_000),  # torch's, which is a RuntimeError
    ],
)
def test_full_disk_is_said_and_the_older_checkpoint_stays(
    file: str, largest_file: int, made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The second checkpoint cannot be written, since the system lets no file grow beyond `largest_file` bytes."""
    wide = ("--config_overrides", '{"filters": [4, 3, 4, 3], "dense_sizes": [128, 128]}')
    complete = train_tiny(made_up_parquet, tmp_path / "complete", *wide)
    assert (complete / "model.safetensors").stat().st_size > 60_000
    argv = make_argv(made_up_parquet, tmp_path / "run", *wide)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    save = Trainer._save_checkpoint

    def save_on_a_full_disk(trainer, *args):
        if trainer.state.epoch > 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, limits[1]))
        save(trainer, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_checkpoint", save_on_a_full_disk)
        try:
            message = exit_message(train.main, *argv)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message.startswith(f"error: {tmp_path / 'run'} cannot be written to; is the disk full? (")
    assert message.endswith("What was finished is kept; make room or mend the path, then start again.")
    first, second = sorted((tmp_path / "run").glob("checkpoint-*"))
    assert not (second / file).exists() or (second / file).stat().st_size <= largest_file
    assert find_resumable_checkpoint(tmp_path / "run") == str(first)
    train.main(argv)
    assert_same_weights(complete, tmp_path / "run")


def test_full_disk_under_a_text_file_is_said(made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train, "write_text", no_room)
    message = exit_message(train.main, *make_argv(made_up_parquet, tmp_path / "run"))
    assert message.startswith("error: [Errno 28] No space left on device. What was finished is kept")


# --- refusals ---


@pytest.mark.parametrize(
    ("overrides", "changes"),
    [
        (("--seed", "1"), ["seed: 0 -> 1"]),
        (("--learning_rate", "0.01"), ["learning_rate: 0.001 -> 0.01"]),
        (("--num_train_epochs", "4"), ["num_train_epochs: 2.0 -> 4.0"]),  # other schedules depend on it
        (("--num_train_epochs", "3"), ["num_train_epochs: 2.0 -> the default"]),  # recipe.yaml lacks defaults
        (("--samples_per_class", "7"), ["samples_per_class: 6 -> 7"]),  # other data
        (("--weight_decay", "0.1"), ["weight_decay: the default -> 0.1"]),
        (("--channels_last", "false"), ["channels_last: True -> the default"]),
        (("--seed", "1", "--lr_scheduler_type", "linear"), ["seed: 0 -> 1", "lr_scheduler_type: "]),  # each is named
    ],
)
def test_other_settings_in_the_same_folder_are_refused(
    overrides, changes, finished: Path, made_up_parquet: Path, tmp_path: Path
):
    unfinish(finished, tmp_path / "run")
    message = exit_message(train.main, *make_argv(made_up_parquet, tmp_path / "run", *overrides))
    assert f"{tmp_path / 'run'} holds a run with other settings" in message
    assert [change for change in changes if change not in message] == []
    assert message.count(" -> ") == len(changes), "nothing else is named"
    assert message.endswith("Choose another --output_dir, or --resume false to start it over.")


def test_place_may_change(finished: Path, made_up_parquet: Path, tmp_path: Path):
    """A run that is moved, with its data, to another machine and watched otherwise goes on."""
    unfinish(finished, tmp_path / "moved")
    (tmp_path / "data").symlink_to(made_up_parquet)
    train_tiny(tmp_path / "data", tmp_path / "moved", "--disable_tqdm", "true")
    assert_same_weights(finished, tmp_path / "moved")


def test_resume_false_starts_over_with_any_settings(finished: Path, made_up_parquet: Path, tmp_path: Path):
    unfinish(finished, tmp_path / "run")
    (tmp_path / "run" / "results.json").touch()
    (tmp_path / "run" / "notes.txt").touch()
    other = ("--seed", "1", "--num_train_epochs", "1")
    train_tiny(made_up_parquet, tmp_path / "run", *other, "--resume", "false")
    assert not (tmp_path / "run" / "results.json").exists()
    assert (tmp_path / "run" / "notes.txt").exists(), "no run wrote it"
    assert len(list((tmp_path / "run").glob("checkpoint-*"))) == 1
    assert len(read_json(tmp_path / "run" / "history.json")) == 1
    assert read_json(tmp_path / "run" / "run.json")["resumed"] is False
    assert_same_weights(tmp_path / "run", train_tiny(made_up_parquet, tmp_path / "new", *other))


def test_finished_run_is_not_trained_again(finished: Path, made_up_parquet: Path, capsys: pytest.CaptureFixture):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    train.main(make_argv(made_up_parquet, finished))
    assert capsys.readouterr().out.startswith(f"{finished} is already trained. Use --resume false to train it again.\n")
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


RECIPE = str(tiny_runs.RECIPES_DIR / "baseline.report.yaml")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nothing.yaml"], ["nothing.yaml"]),
        ([RECIPE, "--data", "/nothing/here"], ["'/nothing/here'"]),
        ([RECIPE, "--data", str(ROOT / "training")], [str(ROOT / "training"), "holds no FER2013"]),
        ([RECIPE, "--sede", "1"], ["--sede"]),  # a misspelt option would be ignored
        ([RECIPE, "--model", "resnet"], ["'resnet'", "baseline, dense"]),
        ([RECIPE, "--num_train_epochs", "ten"], ["num_train_epochs", "'ten'"]),
        ([RECIPE, "--config_overrides", "{"], ["config_overrides is not JSON"]),
        ([RECIPE, "--config_overrides", '{"filters": "4"}'], ["config_overrides", "'filters'", "'4'"]),
        ([RECIPE, "--config_overrides", '{"filters": []}'], ["config_overrides", "filters must hold at least one"]),
        (  # the order of the logits is the data's; another would train on wrong names
            [RECIPE, "--config_overrides", json.dumps({"id2label": dict(enumerate(reversed(FER_LABELS)))})],
            ["The model's labels", "surprise", "are not the data's"],
        ),
    ],
)
def test_wrong_arguments_get_a_sentence(argv: list[str], words: list[str], tmp_path: Path):
    message = exit_message(train.main, *argv, "--output_dir", str(tmp_path / "run"))
    assert message.startswith("error: ")
    assert [word for word in words if word not in message] == []
    assert not (tmp_path / "run").exists(), "nothing is left behind that a later run would trip over"
