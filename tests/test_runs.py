"""Whose a folder is, and what a run may delete in it."""

import re
import shutil
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


@pytest.mark.parametrize("kind", ["file", "thesis", "meal", "bundled checkpoint"])
def test_a_folder_of_others_is_refused_and_stays_as_it_is(kind: str, tmp_path: Path) -> None:
    """`--resume false` deleted whatever lay there, and training deletes old folders named `checkpoint-`."""
    folder = tmp_path / "run"
    if kind == "file":
        folder.write_text("years")
    elif kind == "bundled checkpoint":
        shutil.copytree(CHECKPOINTS_DIR / "baseline.report", folder)
    else:
        (folder / "checkpoint-1").mkdir(parents=True)
        (folder / "checkpoint-1" / "thesis.doc").write_text("years")
        if kind == "meal":
            (folder / RECIPE).write_text("flour: 500 g")
    before = look(tmp_path)
    for resume in ("true", "false"):
        message = exit_message(train.main, *make_argv(tmp_path / "none", folder, "--resume", resume))
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
    others = {"notes.txt", "checkpoint-best", "checkpoint-77", "modeling.py"}
    for _ in range(2):
        delete_run(run)
        assert {path.name for path in run.iterdir()} == {RECIPE, *others}
    assert (away / "thesis.doc").read_text() == "years"
    check_run_folder(run)


def test_what_makes_a_trial() -> None:
    assert list_trial_settings({}) == []
    assert list_trial_settings({"samples_per_class": None, "max_steps": -1, "trial": False}) == []
    assert list_trial_settings({"samples_per_class": 50, "max_steps": 9}) == ["samples_per_class: 50", "max_steps: 9"]
    assert list_trial_settings({"trial": True}) == ["trial: True"]
