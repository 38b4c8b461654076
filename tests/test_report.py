import json
from pathlib import Path
from typing import Any

import made_up_results
import pytest

from fer_models import zoo
from training.publishing import records, tables
from training.publishing.people import render_balance, render_people
from training.publishing.readme import render_best, render_compared, render_install
from training.publishing.report import (
    PAGES,
    SECTIONS,
    SUMMARY,
    describe_labels,
    make_summary,
    render_labels,
    render_page,
    render_provenance,
    replace_section,
)
from training.publishing.tables import (
    render_app,
    render_calibration,
    render_quality,
    render_reproduction,
    render_runs,
)

TEXT = "Above.\n<!-- results:begin -->\nold\n<!-- results:end -->\nBelow.\n"


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the bundled checkpoints, and one in place of the results of other seeds."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path / "checkpoints")
    monkeypatch.setattr(records, "SEEDS_DIR", tmp_path / "results")
    return tmp_path / "checkpoints"


def write_results(directory: Path, results: dict[str, Any], weights: int = 0) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "results.json").write_text(json.dumps(results))
    if weights:
        (directory / "model.safetensors").write_bytes(b"0" * weights)


def make_results(test_accuracy: float, seed: int = 0) -> dict[str, Any]:
    """Of the report's protocol."""
    splits = {
        "train": {"n": 20099, "accuracy": 0.99},  # in evaluation mode: not what Keras prints
        "validation": {"n": 2151, "accuracy": 0.25},
        "report_test": {"n": 7178, "accuracy": test_accuracy},
    }
    trained_with = {"hardware": "2 cores, a processor", "commit": "0123456789abcdef"}
    return {"seed": seed, "last_epoch": {"train_accuracy": 0.5}, "splits": splits, "trained_with": trained_with}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- results:begin -->\nold\n",  # nothing says where the old text ends
        "<!-- results:end -->\nold\n<!-- results:begin -->\n",
        "<!-- other:begin -->\nold\n<!-- other:end -->\n",
    ],
    ids=["empty", "no end", "turned round", "another section"],
)
def test_missing_markers_are_an_error(text: str):
    with pytest.raises(ValueError, match="The markers of the section 'results' are missing"):
        replace_section(text, "results", "new")


def test_section_is_replaced_and_nothing_else():
    other, content = TEXT.replace("results", "other"), "two\nlines, \\1 \\g<0> $1"
    assert replace_section(other + TEXT, "results", content) == other + TEXT.replace("old", content)
    with pytest.raises(ValueError, match="Nothing renders the section 'results'"):
        render_page(TEXT)


def test_without_checkpoints_tables_have_no_rows(checkpoints: Path):
    assert [len(render().splitlines()) for render in (render_reproduction, render_quality, render_best)] == [2, 2, 4]
    assert render_provenance() == "No checkpoint is bundled yet."
    assert "Not measured yet." in SECTIONS["robustness"]()


def test_our_figures_stand_beside_the_report_s_with_where_they_come_from(checkpoints: Path):
    write_results(checkpoints / "dense.report", make_results(0.54))
    write_results(checkpoints / "baseline.report", make_results(0.50))
    write_results(checkpoints / "dense.tuned", make_results(0.65))  # another tag: another table
    write_results(checkpoints / "transfer.tuned", make_results(0.7))
    (checkpoints.parent / "results" / "dense.report.seed-1.json").write_text(json.dumps(make_results(0.56, seed=1)))
    assert render_reproduction().splitlines()[2:] == [
        "| `baseline` | 50.0% | 67.4% | 25.0% | 56.0% | 25.0% | 11.4% | 50.0% | 55.0% | 1-2 | 1 |",
        "| `dense` | 50.0 ± 0.0% | 55.2% | 25.0 ± 0.0% | 53.2% | 25.0 ± 0.0% | 2.0% | 55.0 ± 1.4% | 51.4% | 1-2 | 2 |",
    ]
    assert render_compared().splitlines()[2:5] == [
        "| `baseline` | 55.0% | 50.0% | – |",
        "| `dense` | 51.4% | 55.0 ± 1.4% | 65.0% |",
        "| `transfer` | – | – | 70.0% |",
    ]
    sentence = render_provenance()
    words = ("Seeds 0, 1:", "20,099 train", "2,151 validation", "7,178 test", "2 cores, a processor", "0123456789.")
    assert [word for word in words if word not in sentence] == []


def test_how_good_every_model_is_with_a_dash_for_what_was_not_measured(checkpoints: Path):
    write_results(checkpoints / "dense.report", made_up_results.make_results(0.5))
    write_results(checkpoints / "baseline.tuned", {"seed": 0, "splits": {}})
    write_results(checkpoints / "dense.ferplus", made_up_results.make_people_results(0.3, 0.8), weights=2_000_000)
    head, _, *rows = render_quality().splitlines()
    assert head.startswith(
        "| model | PrivateTest, no copies, n = 700 | PrivateTest, n = 700 | agrees with most people, n = 560 |"
    )
    assert rows == [
        "| `dense.ferplus` | 30.0% | 30.0% | 80.0% | 70.0% | 0.031 | 2.0 MB | – |",
        "| `baseline.tuned` | – | – | – | – | – | – | – |",
        "| `dense.report` | 50.0% | 50.0% | – | – | – | – | – |",
    ]


def test_the_time_is_that_of_just_such_a_model(checkpoints: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "RESULTS_DIR", checkpoints)
    row = {"model": "dense", "file_bytes": 2_000_100, "latency_ms": 3.21}
    (checkpoints / "cost.json").write_text(json.dumps({"models": [row]}))
    for size, words in ((2_000_000, "2.0 MB | 3.2 ms |"), (4_000_000, "4.0 MB | – |")):
        write_results(checkpoints / "dense.tuned", made_up_results.make_results(0.5), weights=size)
        assert render_quality().endswith(words)


def test_agreement_with_people_is_told_beside_one_annotator_s(checkpoints: Path):
    write_results(checkpoints / "dense.report", made_up_results.make_results(0.5))
    assert "| `dense.report` | – | – | – | – | – |" in render_people()
    assert "annotator is" not in render_people()
    assert render_balance() == "Not measured yet."
    write_results(checkpoints / "dense.ferplus", made_up_results.make_people_results(0.3, 0.75))
    # 0.75 of 560 are right of 600, when contempt counts.
    assert "| `dense.ferplus` | 75.0% (73.0–77.0) | 65.0% | 70.0% | 0.031 | 0.250 |" in render_people()
    assert render_people().endswith("One annotator is 0.375 from the nine others.")
    assert render_balance().splitlines()[2:6] == [
        "| 0 | 75.0%, 55.0% |",
        "| 0.5 | 70.0%, 60.0% |",
        "| 1 | 65.0%, 65.0% |",
        "| chosen | 0.35 |",
    ]


def test_models_are_calibrated_by_the_labels_that_they_learnt(checkpoints: Path):
    results = made_up_results.make_people_results()
    results["splits"]["official_test_without_copies"]["calibration"]["ece"] = 0.3
    results["splits"]["ferplus_test"]["calibration"]["ece"] = 0.02
    write_results(checkpoints / "dense.ferplus", results)
    assert "| `dense.ferplus` | 1.50 | 0.112 | 0.300 | 0.112 | 0.020 |" in render_calibration()
    assert "is missed by none." in render_calibration()


def test_all_ways_of_training_with_a_measured_run_are_listed(checkpoints: Path):
    write_results(checkpoints / "dense.tuned", {"seed": 0})
    for file in ("dense.small.seed-0.json", "dense.tuned.seed-1.json", "dense.report.seed-0.json"):
        (checkpoints.parent / "results" / file).write_text("{}")
    assert records.list_measured_tags("dense") == ["tuned", "report", "small"]


def make_run(seed: int, before: float, after: float, **trained_with: Any) -> dict[str, Any]:
    test = {"calibration_before": {"ece": before}, "calibration": {"ece": after}}
    trained = {"seconds": 120, "commit": "a" * 40, "hardware": "2 cores"} | trained_with
    return {
        "seed": seed,
        "temperature": 1.5,
        "splits": {"official_validation": test, "official_test_without_copies": test},
        "trained_with": trained,
        "measured_with": {"commit": "b" * 40, "hardware": "4 cores"},
    }


def test_misses_of_the_calibration_error_are_told(monkeypatch: pytest.MonkeyPatch):
    for errors, missed, worse in (
        ((0.1, 0.02), "none", "none"),
        ((0.1, 0.03), "`dense.report`", "none"),
        ((0.02, 0.04), "`dense.report`", "`dense.report`"),
    ):
        monkeypatch.setattr(tables, "list_bundled", lambda e=errors: [("dense", "report", [make_run(0, *e)])])
        text = render_calibration()
        assert f"is missed by {missed}." in text
        assert text.endswith(f"makes the error larger for {worse}.")


def test_every_run_is_listed_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch):
    narrow = {"widened_from": {"seconds": 600, "commit": "c" * 40}, "threads": 1}
    runs = {("dense", "tuned"): [make_run(0, 0, 0), make_run(1, 0, 0, **narrow)]}
    monkeypatch.setattr(tables, "load_runs", lambda name, tag: runs.get((name, tag), []))
    monkeypatch.setattr(tables, "list_measured_tags", lambda name: ["tuned"])
    assert render_runs().splitlines()[2:] == [
        "| `dense.tuned` | 0 | 2 | aaaaaaaaaa | 2 cores | – | bbbbbbbbbb | 4 cores |",
        "| `dense.tuned` | 1 | 10 + 2 | cccccccccc, aaaaaaaaaa | 2 cores | 1 | bbbbbbbbbb | 4 cores |",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_up_to_date(page: Path) -> None:
    """Their figures are the checkpoints', and so are the page's; otherwise run `make report`."""
    text = page.read_text(encoding="utf-8")
    assert render_page(text) == text


def test_the_summary_of_the_page_is_up_to_date():
    assert json.loads(SUMMARY.read_text()) == make_summary()


def test_every_table_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in SECTIONS if f"<!-- {name}:begin -->" not in text] == []


def test_each_target_is_answered_by_the_tag_that_learned_it(checkpoints: Path) -> None:
    write_results(checkpoints / "dense.tuned", made_up_results.make_results(0.5))
    write_results(checkpoints / "dense.ferplus", made_up_results.make_people_results(0.3, 0.8))
    (row,) = [line for line in render_best().splitlines() if line.startswith("| `")]
    assert row.startswith("| `dense` | 50.0% (")
    assert "| 80.0% (" in row


def test_the_cost_of_a_clone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    step = {"install_seconds": 90, "environment_bytes": 2_500_000_000}
    install = {"demo": step, "test": step, "test_seconds": 300, "pip_args": "--x", "versions": {"torch": "9.9"}}
    told = install | {"hardware": "2 cores", "commit": "0123456789abcdef"}
    monkeypatch.setattr("training.publishing.readme.load_measured", lambda name: told)
    assert "| `make demo` | 1.5 min | 2.5 GB | until Ctrl-C |" in render_install()
    assert "| 5 min |" in render_install()


def test_agreement_and_copies_are_counted(checkpoints: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "RESULTS_DIR", checkpoints)
    assert describe_labels() == {}
    assert render_labels() == "Not counted yet."
    labels = {"fear": {"n": 30, "agreed": 0.5}, "happy": {"n": 10, "agreed": 0.9}}
    (checkpoints / "votes.json").write_text(json.dumps({"n": 40, "labels": labels}))
    write_results(checkpoints / "baseline.report", make_results(0.5))
    assert describe_labels() == {"agreed": 0.6}
    splits = {"official_test": {"n": 400}, "official_test_without_copies": {"n": 360}}
    write_results(checkpoints / "dense.report", {"seed": 0, "splits": splits})
    assert describe_labels() == {"agreed": 0.6, "copies": 0.1}
    assert "10% of the images of PrivateTest" in render_labels()
    assert "60% of the images of PublicTest" in render_labels()


def test_the_page_is_described_by_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    assert render_app() == "Not measured yet."
    page_mb, memory_mb = (
        {"after_a_fifth_mb": 600, "at_the_end_mb": 620},
        {"after_a_fifth_mb": 700, "at_the_end_mb": 710},
    )
    load = {"visitors": 5, "requests": 50, "lost": 1, "wrong": 2, "p95_ms": 3210, "max_ms": 4321}
    refusals = {"flood": 300, "queued": 64, "refused": 236, "answers_afterwards": False}
    measured = {
        "ready_s": 4.56,
        "page": {"rounds": 20, "median_ms": 321.4, "max_ms": 654, **page_mb},
        "live": {"models": 6, "frames_per_second": 12.34},
        "load": load | {"answers_per_second": 17.3},
        "neighbours": {"processes": 2, "models": {"median_ms": 21.3, "p95_ms": 34.5}},
        "memory": {"comparisons": 1000, "models_median_ms": 23.4, **memory_mb},
        "refusals": refusals | {"oversized_upload": {"bytes": 110_000_000, "status": 413}},
        **{"date": "2001-02-03", "hardware": "a made-up machine", "commit": "0123456789abcdef"},
    }
    (tmp_path / "app.json").write_text(json.dumps(measured))
    text = render_app()
    words = (
        *("4.6 s", "321 ms (slowest of 20: 654 ms)", "23 ms", "6 models", "12.3 pictures"),
        "1 lost, 2 wrong, 17 answers a second, 95 % within 3.2 s",
        *("while 2 other processes are busy", "21 ms (95 % within 34 ms)"),
        *("1,000 comparisons", "710 MB (700 MB)", "20 visits", "620 MB (600 MB)"),
        *("64 queued, 236 refused, no answers", "110 MB", "413"),
        *("2001-02-03", "a made-up machine", "commit 0123456789."),
    )
    assert [word for word in words if word not in text] == []
