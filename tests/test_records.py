import json
import re
import subprocess
from pathlib import Path

import pytest

from fer_models import zoo
from training import RESULTS_DIR, ROOT, SEEDS_DIR
from training.publishing import records
from training.publishing.records import describe_spread, load_runs


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "–"),
        ([0.545], "54.5%"),  # one run has no spread
        ([0.54, 0.56], "55.0 ± 1.4%"),  # of a sample, not of a population
        ([0.5, 0.5, 0.5], "50.0 ± 0.0%"),
    ],
)
def test_spread_in_words(values: list[float], words: str):
    assert describe_spread(values) == words


def test_runs_are_the_bundled_one_and_other_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path)
    monkeypatch.setattr(records, "SEEDS_DIR", tmp_path)
    assert load_runs("dense", "report") == []
    (tmp_path / "dense.report").mkdir()
    (tmp_path / "dense.report" / "results.json").write_text(json.dumps({"seed": 0}))
    (tmp_path / "dense.report.seed-1.json").write_text(json.dumps({"seed": 1}))
    (tmp_path / "dense.tuned.seed-1.json").write_text(json.dumps({"seed": 7}))
    assert [run["seed"] for run in load_runs("dense", "report")] == [0, 1]
    (tmp_path / "dense.report.seed-2.json").write_text(json.dumps({"seed": 0}))
    with pytest.raises(ValueError, match=r"dense.report have the same seed: \[0, 1, 0\]"):
        load_runs("dense", "report")


def test_make_seed_writes_its_figures_where_those_of_seeds_are_read() -> None:
    command = ["make", "--dry-run", "seed-dense.report", "SEED=7"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"--output {SEEDS_DIR.relative_to(ROOT)}/dense.report.seed-7.json\n" in said


# The blended views were made while their code, that of ade4fcb, was not committed yet (docs/log.md). No figure was.
VIEWS_COMMIT = "44a95af0d02d05f60b3fd567339adb1658e3bee6-dirty"


def test_every_measured_file_names_commits_that_hold_the_code_that_wrote_it() -> None:
    for path in (*RESULTS_DIR.rglob("*.json"), *zoo.CHECKPOINTS_DIR.glob("*/results.json")):
        commits = set(re.findall(r'"commit": "([^"]*)"', path.read_text())) - {VIEWS_COMMIT}
        assert commits, path
        assert [commit for commit in commits if not re.fullmatch("[0-9a-f]{40}", commit)] == [], path
