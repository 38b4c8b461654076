"""Whose a folder is, and what a run may delete in it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import exit_message
from tiny_runs import make_argv, train_tiny

from fer_models.zoo import CHECKPOINTS_DIR
from training import train
from training.runtime.runs import CODE, FILES, RECIPE, check_run_folder, delete_run, list_trial_settings


def look(folder: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else path.is_symlink()
        for path in folder.rglob("*")
    }


def put_file(folder: Path) -> None:
    folder.write_text("years")


def put_thesis(folder: Path) -> None:
    (folder / "checkpoint-1").mkdir(parents=True)
    (folder / "checkpoint-1" / "thesis.doc").write_text("years")


def put_model(folder: Path) -> None:
    """Of others, or of ours."""
    shutil.copytree(CHECKPOINTS_DIR / "baseline.report", folder)


def put_meal(folder: Path) -> None:
    put_thesis(folder)
    (folder / RECIPE).write_text("flour: 500 g")


@pytest.mark.parametrize("put", [put_file, put_thesis, put_meal, put_model])
def test_a_folder_of_others_is_refused_and_stays_as_it_is(put: Callable[[Path], None], tmp_path: Path) -> None:
    """`--resume false` deleted whatever lay there, and training deletes old folders named `checkpoint-`."""
    put(tmp_path / "run")
    before = look(tmp_path)
    for resume in ("true", "false"):
        message = exit_message(train.main, *make_argv(tmp_path / "none", tmp_path / "run", "--resume", resume))
        assert re.search(r"error: .*(is no|holds).* Choose another --output_dir", message)
        assert look(tmp_path) == before


def test_a_folder_with_nothing_of_anybody_is_taken(tmp_path: Path) -> None:
    check_run_folder(tmp_path)
    for name in (".DS_Store", f"{RECIPE}.part"):
        (tmp_path / name).touch()
        check_run_folder(tmp_path)
    check_run_folder(tmp_path / "new")
    delete_run(tmp_path / "new")


def test_starting_over_deletes_what_the_run_wrote_and_nothing_else(made_up_parquet: Path, tmp_path: Path) -> None:
    run = train_tiny(made_up_parquet, tmp_path / "run", "--num_train_epochs", "1")
    written = {path.name for path in run.iterdir()}
    known = {name for name in written if name in FILES or CODE.fullmatch(name)}
    assert written - known == {RECIPE, "checkpoint-3"}
    (away := tmp_path / "away").mkdir()
    (away / "thesis.doc").write_text("years")
    (run / "checkpoint-77").symlink_to(away)
    (run / "results.json").symlink_to(away / "thesis.doc")
    (run / "history.json.part").touch()
    (run / "checkpoint-best").mkdir()
    for name in ("notes.txt", "modeling.py"):
        (run / name).touch()
    for _ in range(2):
        delete_run(run)
        assert {path.name for path in run.iterdir()} == {
            RECIPE,
            "notes.txt",
            "checkpoint-best",
            "checkpoint-77",
            "modeling.py",
        }
    assert (away / "thesis.doc").read_text() == "years"
    check_run_folder(run)


def test_what_makes_a_trial() -> None:
    assert list_trial_settings({}) == []
    assert list_trial_settings({"samples_per_class": None, "max_steps": -1}) == []
    assert list_trial_settings({"samples_per_class": 50, "max_steps": 9}) == ["samples_per_class: 50", "max_steps: 9"]
