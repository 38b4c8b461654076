"""A list of runs, each of which waits for what it goes on from."""

from pathlib import Path

import pytest
from conftest import REPO_ROOT

from training import train_all
from training.recipe import RUNS_DIR, parse_recipe
from training.train_all import Job, make_job, read_jobs


@pytest.mark.parametrize("jobs", [str(REPO_ROOT / "training" / "train_all.yaml"), "batchnorm.tuned"])
def test_before_each_run_comes_what_it_needs(jobs: str) -> None:
    done: set[Path] = set()
    for job in read_jobs(jobs, "--dataloader_num_workers 0"):
        assert set(job.needs) <= done, job.name
        assert ("--dataloader_num_workers" in job.arguments) == ("training.train" in job.arguments)
        done.add(job.output)
    assert {RUNS_DIR / f"batchnorm.{part}" / "seed-0" / "run.json" for part in ("narrow", "augmented", "tuned")} <= done


def test_a_seed_goes_on_from_its_own_unless_told_otherwise() -> None:
    recipe = REPO_ROOT / "training" / "recipes" / "dense.second.yaml"
    for options, start in (
        ([], "dense.first/seed-0"),
        (["--seed", "1"], "dense.first/seed-1"),
        (["--seed=1"], "dense.first/seed-1"),
        (["--seed", "1", "--widened_from", "runs/other"], "other"),
    ):
        assert make_job(" ".join(["dense.second", *options])).needs[0] == RUNS_DIR / start / "run.json"
        assert parse_recipe(recipe, options)[0].widened_from == str(RUNS_DIR / start)


def test_an_interruption_leaves_no_run_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start trained them a second time, in the same folders."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    job = Job("long", ["-c", "import time; time.sleep(600)"], tmp_path / "run.json")
    monkeypatch.setattr(train_all.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_all.train_all([job], 1, tmp_path / "logs")
    assert job.process is not None
    assert job.process.poll() is not None
