import json
from pathlib import Path
from typing import Any

import made_up_results
import pytest

from fer_models import zoo
from training.publishing import records, tables
from training.publishing.people import render_people
from training.publishing.readme import render_best
from training.publishing.report import (
    PAGES,
    SECTIONS,
    SUMMARY,
    describe_labels,
    make_summary,
    render_page,
    render_provenance,
    replace_section,
)
from training.publishing.tables import (
    render_calibration,
    render_quality,
)

TEXT = "Above.\n<!-- results:begin -->\nold\n<!-- results:end -->\nBelow.\n"


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the bundled checkpoints, and of all that was measured."""
    for owner, name in ((zoo, "CHECKPOINTS_DIR"), (records, "SEEDS_DIR"), (records, "RESULTS_DIR")):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(owner, name, tmp_path / name)
    return tmp_path / "CHECKPOINTS_DIR"


def write_results(directory: Path, results: dict[str, Any], weights: int | None = None) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "results.json").write_text(json.dumps(results))
    if weights is not None:
        (directory / "model.safetensors").write_bytes(b"0" * weights)


def test_missing_markers_are_an_error():
    for text in (
        "",
        "<!-- results:begin -->\nold\n",  # nothing says where the old text ends
        "<!-- results:end -->\nold\n<!-- results:begin -->\n",
        TEXT.replace("results", "other"),
    ):
        with pytest.raises(ValueError, match="The markers of the section 'results' are missing"):
            replace_section(text, "results", "new")


def test_section_is_replaced_and_nothing_else():
    other, content = TEXT.replace("results", "other"), "two\nlines, \\1 \\g<0> $1"
    assert replace_section(other + TEXT, "results", content) == other + TEXT.replace("old", content)
    with pytest.raises(ValueError, match="Nothing renders the section 'results'"):
        render_page(TEXT)


def test_what_was_not_measured_yet_is_said(checkpoints: Path):
    assert describe_labels() == {}
    assert render_provenance() == "No checkpoint is bundled yet."
    empty = {name: render() for name, render in SECTIONS.items() if name != "pin"}  # which is of a model
    assert all(empty.values())
    for name in ("robustness", "app", "balance", "peers", "statistics", "flip", "cost"):
        assert empty[name] == "Not measured yet.", name


def test_a_dash_stands_for_what_was_not_measured(checkpoints: Path):
    write_results(checkpoints / "dense.report", made_up_results.make_results(0.5))
    write_results(checkpoints / "baseline.tuned", {"seed": 0, "splits": {}})
    assert render_quality().splitlines()[2:] == [
        "| `baseline.tuned` | – | – | – | – | – | – | – |",
        "| `dense.report` | 50.0% | 50.0% | – | – | – | – | – |",
    ]
    assert "| `dense.report` | – | – | – | – | – |" in render_people()


def test_the_time_is_that_of_just_such_a_model(checkpoints: Path):
    row = {"model": "dense", "file_bytes": 2_000_100, "latency_ms": 3.21}
    (records.RESULTS_DIR / "cost.json").write_text(json.dumps({"models": [row]}))
    for size, words in ((2_000_000, "2.0 MB | 3.2 ms |"), (4_000_000, "4.0 MB | – |")):
        write_results(checkpoints / "dense.tuned", made_up_results.make_results(0.5), weights=size)
        assert render_quality().endswith(words)


def test_all_ways_of_training_with_a_measured_run_are_listed(checkpoints: Path):
    write_results(checkpoints / "dense.tuned", {"seed": 0})
    for file in ("dense.small.seed-0.json", "dense.tuned.seed-1.json", "dense.report.seed-0.json"):
        (records.SEEDS_DIR / file).write_text("{}")
    assert records.list_measured_tags("dense") == ["tuned", "report", "small"]


def test_misses_of_the_calibration_error_are_told(checkpoints: Path):
    for before, after, missed, worse in (
        (0.1, 0.02, "none", "none"),
        (0.1, 0.03, "`dense.report`", "none"),
        (0.02, 0.04, "`dense.report`", "`dense.report`"),
    ):
        results = made_up_results.make_results()
        for figures in results["splits"].values():
            figures["calibration_before"]["ece"], figures["calibration"]["ece"] = before, after
        write_results(checkpoints / "dense.report", results)
        text = render_calibration()
        assert f"is missed by {missed}." in text
        assert text.endswith(f"makes the error larger for {worse}.")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_up_to_date(page: Path) -> None:
    """Their figures are the checkpoints'; otherwise run `make report`."""
    text = page.read_text(encoding="utf-8")
    assert render_page(text) == text


def test_every_table_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in SECTIONS if f"<!-- {name}:begin -->" not in text] == []


def test_the_summary_of_the_page_is_up_to_date():
    assert json.loads(SUMMARY.read_text()) == make_summary()


def test_each_target_is_answered_by_the_tag_that_learned_it(checkpoints: Path) -> None:
    write_results(checkpoints / "dense.tuned", made_up_results.make_results(0.5))
    write_results(checkpoints / "dense.ferplus", made_up_results.make_people_results(0.3, 0.8))
    (row,) = [line for line in render_best().splitlines() if line.startswith("| `")]
    assert row.startswith("| `dense` | 50.0% (")
    assert "| 80.0% (" in row


def test_every_run_is_listed_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch):
    trained = {"seconds": 120, "commit": "a" * 40, "hardware": "2 cores", "threads": 1}
    trained["widened_from"] = {"seconds": 600, "commit": "c" * 40, "hardware": "2 cores", "threads": 1}
    trained["widened_from"]["widened_from"] = {"seconds": 60, "commit": "d" * 40, "hardware": "1 x GPU"}
    run = {"seed": 1, "trained_with": trained, "measured_with": {"commit": "b" * 40, "hardware": "4 cores"}}
    monkeypatch.setattr(tables, "load_runs", lambda name, tag: [run] if name == "dense" else [])
    monkeypatch.setattr(tables, "list_measured_tags", lambda name: ["tuned"])
    assert tables.render_runs().splitlines()[2:] == [
        "| `dense.tuned` | 1 | 1 + 10 + 2 | dddddddddd, cccccccccc, aaaaaaaaaa | 1 x GPU; 2 cores | –, 1 | bbbbbbbbbb "
        "| 4 cores |"
    ]
