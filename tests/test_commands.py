"""What all commands promise to a shell: names of options, help, sentences, exit status, and a silent end."""

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from browsing import REPOSITORY
from photos import portrait_path

from fer_models import __main__ as terminal
from fer_models.commands import split_list
from training import ablation, train, train_all, views
from training.data import DATA_VARIABLE, DEFAULT_DATA, find_data
from training.evaluation import calibrate, evaluate
from training.publishing import push, static_page
from training.recipe import RecipeArguments

RECIPE = "training/recipes/baseline.report.yaml"
# `python_peers` runs in the environment of the packages that it asks, and is called by `measure` alone.
TRAINING = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for path in (REPOSITORY / "training").rglob("*.py")
    if "\ndef main(" in path.read_text(encoding="utf-8") and path.stem != "python_peers"
)
# `hub_probe` runs where this package is not installed, and is called by `prove_hub` alone.
TESTS = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if "\ndef main(" in path.read_text(encoding="utf-8") and path.stem != "hub_probe"
)
COMMANDS: dict[str, tuple[str, list[str]]] = {
    **{name: (name, []) for name in TRAINING},
    **{name: (name, []) for name in TESTS},
    **{f"fer_models {name}": ("fer_models.__main__", [name]) for name in ("compare", "export", "list")},
}
LISTS = {"models": "NAME,NAME", "seeds": "N,N", "python": "PATH,PATH", "packages": "NAME,NAME"}


def get_main(command: str) -> Callable[[list[str]], None]:
    module, words = COMMANDS[command]
    main = importlib.import_module(module).main
    return lambda argv: main([*words, *argv])


def leave(main: Callable[[list[str]], None], *argv: str) -> Any:
    """The exit status of a command, or the sentence for the terminal, for which a shell is told 1."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in argv])
    return caught.value.code


def read_options(text: str) -> dict[str, tuple[str, str]]:
    """Of a help, the options with their metavar and what is said of them."""
    own = text.partition("Every field ")[0]
    found = re.findall(r"^  (?:-h, )?--([\w-]+)(?: ([A-Z][\w,/]*|\{.*?\}))?((?:(?!\n  -|\n\n).)*)", own, re.M | re.S)
    return {name: (metavar, " ".join(said.split())) for name, metavar, said in found}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_option_is_and_what_it_is_otherwise(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main = get_main(command)
    assert leave(main, "--help") == 0
    options = read_options(capsys.readouterr().out)
    for name, (metavar, said) in options.items():
        assert len(said) > 5, name
        without = ("namespace", "space", "static-space", "split", "token")  # of which only the last has a default
        if metavar and name not in without:
            assert "default" in said, f"--{name} says no default"
        assert metavar in (LISTS.get(name, metavar), "PATH")


def test_fields_of_a_recipe_or_of_views_are_not_abbreviated_either() -> None:
    assert "--learning_rat" in leave(train.main, RECIPE, "--learning_rat", "1")
    assert "--coun" in leave(views.main, "training/views.yaml", "--coun", "1")


def test_help_of_training_lists_the_fields_of_a_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(train.main, "--help") == 0
    said = capsys.readouterr().out
    names = [one.name for one in fields(RecipeArguments)] + ["seed", "learning_rate", "output_dir"]
    assert [name for name in names if f"\n  --{name}" not in said] == []
    assert said.count("--help") == 1
    assert re.search(r"--rotation_degrees.*?in degrees\. \(default:\s+0\.0\)", said, re.DOTALL)


def test_a_list_is_one_word_so_that_it_does_not_take_the_photo(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.main(["compare", "--models", "baseline", str(portrait_path())])
    assert "1 of 1" in capsys.readouterr().out
    assert leave(terminal.main, "compare", "photo.jpg", "--models", " , ") == 2
    assert "--models: expected names" in capsys.readouterr().err
    assert split_list(" a, b,a,") == ["a", "b"]


@pytest.mark.parametrize(
    ("main", "argv", "status", "words"),
    [
        (terminal.main, ["compare", "--json", "FOLDER"], 1, "is a folder: name a photo in it"),
        (terminal.main, ["compare", "none.jpg"], 1, "no file none.jpg"),
        (terminal.main, ["compare", __file__], 1, "not a picture"),
        (terminal.main, ["compare", "PORTRAIT", "--tag", "wrong"], 1, "Choose one of"),
        (terminal.main, ["compare", "PORTRAIT", "--face", "7"], 1, "no face 7"),
        (terminal.main, [], 2, "required: command"),
        (terminal.main, ["compare", "a.jpg", "--jso"], 2, "unrecognized arguments: --jso"),
        (terminal.main, ["compare", "a.jpg", "--face", "-1"], 2, "at least 0"),
        (terminal.main, ["compare", "a.jpg", "--face", "1", "--whole-image"], 2, "not allowed with"),
        (train.main, ["none.yaml"], 1, "The recipe none.yaml cannot be read"),
        (calibrate.main, ["none"], 1, "No such file or directory: 'none/"),
        (evaluate.main, ["none"], 1, "Is none a finished run?"),
        (ablation.main, [RECIPE], 1, "names no techniques"),
        (ablation.main, ["Makefile"], 1, "names no techniques"),
        (ablation.main, ["training/ablations/dense.yaml", "--seeds", "0,x"], 2, "at least 0, got 'x'"),
        (views.main, ["none.yaml"], 1, "No such file or directory"),
        (views.main, ["training/train_all.yaml"], 1, "holds no settings"),
        (train_all.main, ["none.yaml"], 1, "No such file or directory"),
        (train_all.main, [RECIPE], 1, "lists no recipes"),
        (train_all.main, ["training/train_all.yaml", "--at-once", "0"], 2, "at least 1"),
        (train_all.main, ["training/train_all.yaml", "--before"], 2, "not for a list"),
        (train_all.main, ["dense.tuned", "--options", "--max_steps 3"], 1, "nothing goes on from one"),
        (static_page.main, ["--port", "70000"], 2, "at most 65535, got '70000'"),
        (push.main, ["--space", ""], 2, "name a --namespace"),
        (push.main, ["--space", "alice/page", "--models", "baseline"], 2, "--models goes with --namespace alone"),
        (push.main, ["--namespace", "alice", "--output", "FOLDER", "--dry-run"], 2, "leave out --dry-run"),
        (push.main, ["--space", "alice/page", "--output", "FOLDER"], 2, "leave out --dry-run, --space"),
    ],
)
def test_exit_status_is_1_for_what_went_wrong_and_2_for_wrong_words(
    main: Any, argv: list[str], status: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"FOLDER": str(tmp_path), "PORTRAIT": str(portrait_path())}
    code = leave(main, *(places.get(word, word) for word in argv))
    said = code if isinstance(code, str) else capsys.readouterr().err
    assert (code if isinstance(code, int) else 1) == status
    assert words in said
    assert "What was finished is kept" not in said, "nothing was begun"
    assert "Traceback" not in said


def test_a_closed_pipe_or_no_output_at_all_ends_a_command_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`head` closes its pipe when it has enough, and where the shell was told `>&-`, Python has no output."""
    for main, argv in ((terminal.main, ["list"]), (train.main, ["--help"])):  # the latter is more than a pipe holds
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, "w") as closed:
            monkeypatch.setattr(sys, "stdout", closed)
            assert leave(main, *argv) in (0, 1)  # argparse takes a help that nobody reads for told
    monkeypatch.setattr(sys, "stdout", None)
    terminal.main(["list"])
    assert capsys.readouterr().err == ""


# --- where FER2013 lies ---


def test_one_variable_says_where_the_data_lie(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, place in (("", DEFAULT_DATA), ("/data/fer", "/data/fer")):
        monkeypatch.setenv(DATA_VARIABLE, value)
        assert find_data() == place
        assert RecipeArguments(model="baseline", protocol="report").data == place
        assert views.parse_views(Path("training/views.yaml"), []).data == place
        assert leave(get_main("training.evaluation.flip_tta"), "--help") == 0
        assert f"(default: {place})" in " ".join(capsys.readouterr().out.split())


def test_missing_data_name_the_option_and_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "/nowhere")
    for command, argv in (
        ("training.data", ["--data", "/nowhere"]),
        ("training.train", [RECIPE, "--output_dir", tmp_path / "run"]),
        *((f"training.evaluation.{name}", []) for name in ("ferplus_votes", "batch_norm", "flip_tta")),
    ):
        assert leave(get_main(command), *argv) == (
            "error: There is no file or folder '/nowhere'. Name where FER2013 lies with --data, or set FER_DATA."
        )


def test_a_photo_is_refused_as_data_without_asking_the_hub(connections: list[str]) -> None:
    assert "is no FER2013" in leave(get_main("training.data"), "--data", portrait_path())
    assert connections == []


@pytest.mark.parametrize("module", [calibrate, evaluate])
def test_a_finished_run_is_measured_on_the_data_of_the_option_the_variable_or_the_recipe(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(module, module.__name__.rpartition(".")[2], lambda _, source, *__: asked.append(source) or 1.0)
    monkeypatch.setattr(evaluate, "write_json", lambda *_: None)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    module.main([str(tmp_path)])
    monkeypatch.setenv(DATA_VARIABLE, "/variable")
    module.main([str(tmp_path)])
    module.main([str(tmp_path), "--data", "/option"])
    assert asked == [None, "/variable", "/option"]


def test_make_hands_the_variable_on() -> None:
    rule = "say: ; @echo $$FER_DATA"
    command = ["make", "--silent", f"--eval={rule}", "say", "FER_DATA=/data/fer2013"]
    kept = {name: value for name, value in os.environ.items() if name not in (DATA_VARIABLE, "MAKEFLAGS")}
    result = subprocess.run(command, cwd=REPOSITORY, env=kept, capture_output=True, text=True)
    assert result.stdout == "/data/fer2013\n", result.stderr
