import json
import re
from pathlib import Path

import pytest
import yaml

from fer_models import list_models, zoo
from training import report
from training.report import PUBLISHED, README, render_provenance, render_readme, render_report_table, replace_section

TEXT = "Above.\n<!-- results:begin -->\nold\n<!-- results:end -->\nBelow.\n"


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the bundled checkpoints."""
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path)
    monkeypatch.setattr(report, "CHECKPOINTS_DIR", tmp_path)
    return tmp_path


def write_checkpoint(directory: Path, test_accuracy: float, seed: int = 0) -> None:
    directory.mkdir()
    splits = {
        "train": {"n": 20099, "accuracy": 0.99},  # in evaluation mode: not what Keras prints
        "validation": {"n": 2151, "accuracy": 0.25},
        "report_test": {"n": 7178, "accuracy": test_accuracy},
    }
    trained_with = {"hardware": "2 cores, a processor", "commit": "0123456789abcdef"}
    results = {"seed": seed, "splits": splits, "trained_with": trained_with}
    (directory / "results.json").write_text(json.dumps(results))
    (directory / "history.json").write_text(json.dumps([{"train_accuracy": 0.1}, {"train_accuracy": 0.5}]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no markers\n",
        "<!-- results:begin -->\nold\n",  # nothing says where the old text ends
        "old\n<!-- results:end -->\n",
        "<!-- results:end -->\nold\n<!-- results:begin -->\n",
        "<!-- other:begin -->\nold\n<!-- other:end -->\n",
    ],
    ids=["empty", "no markers", "no end", "no begin", "turned round", "another section"],
)
def test_missing_markers_are_an_error(text: str):
    with pytest.raises(ValueError, match="The markers of the section 'results' are missing"):
        replace_section(text, "results", "new")


@pytest.mark.parametrize("content", ["new", "two\nlines", r"\1 \g<0> $1"], ids=["line", "lines", "no backreference"])
def test_section_is_replaced_and_nothing_else(content: str):
    expected = f"Above.\n<!-- results:begin -->\n{content}\n<!-- results:end -->\nBelow.\n"
    assert replace_section(TEXT, "results", content) == expected
    assert replace_section(expected, "results", content) == expected


def test_only_the_named_section_is_replaced():
    other = TEXT.replace("results", "other")
    assert replace_section(other + TEXT, "results", "new") == other + TEXT.replace("old", "new")


def test_table_without_checkpoints_has_no_rows(checkpoints: Path):
    assert len(render_report_table().splitlines()) == 2
    assert render_provenance() == "No checkpoint is bundled yet."


def test_table_sets_our_figures_beside_the_report_s(checkpoints: Path):
    write_checkpoint(checkpoints / "dense.report", test_accuracy=0.54)
    write_checkpoint(checkpoints / "baseline.report", test_accuracy=0.50)
    write_checkpoint(checkpoints / "batchnorm.tuned", test_accuracy=0.7)  # another way of training: another table
    assert render_report_table().splitlines()[2:] == [
        "| `baseline` | 50.0% | 67.4% | 25.0% | 56.0% | 50.0% | 55.0% | -5.0 points |",
        "| `dense` | 50.0% | 55.2% | 25.0% | 53.2% | 54.0% | 51.4% | +2.6 points |",
    ]
    columns = {line.count("|") for line in render_report_table().splitlines()}
    assert len(columns) == 1


def test_provenance_names_seeds_images_hardware_and_commit(checkpoints: Path):
    write_checkpoint(checkpoints / "baseline.report", 0.5, seed=0)
    write_checkpoint(checkpoints / "dense.report", 0.5, seed=1)
    sentence = render_provenance()
    words = ("seed 0, 1.", "20,099 train", "2,151 validation", "7,178 test", "2 cores, a processor", "0123456789.")
    assert [word for word in words if word not in sentence] == []


def test_published_figures_cover_every_model():
    published = yaml.safe_load(PUBLISHED.read_text())
    assert list(published) == list_models()
    for figures in published.values():
        assert figures.keys() == {"report_train", "report_validation", "report_test", "revision_test"}
        assert all(0 < share < 1 for share in figures.values())


def test_readme_is_up_to_date():
    """Its figures are the checkpoints'; otherwise run `make report`."""
    text = README.read_text(encoding="utf-8")
    assert render_readme(text) == text
    assert re.search(r"<!-- results:begin -->\n\| network", text)
