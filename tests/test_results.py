import json
from html import unescape
from pathlib import Path

import pytest
from made_up_results import make_history, make_results, write_checkpoint

from fer_models.demo.handlers.models import show_model
from fer_models.results import METRICS, Metric, group_by_tag, read_checkpoints, read_summary, shorten_commit
from fer_models.zoo import CHECKPOINTS_DIR, list_models, list_tags
from training.publishing.model_card import render_card
from training.publishing.tables import render_classes


def test_nothing_on_the_disk_is_nothing_measured(tmp_path: Path) -> None:
    assert read_checkpoints(tmp_path) == []
    assert read_summary(tmp_path / "summary.json") == {}
    (tmp_path / "baseline.report").mkdir()
    (checkpoint,) = read_checkpoints(tmp_path)
    assert (checkpoint.key, checkpoint.results, checkpoint.history) == ("baseline.report", {}, [])
    assert checkpoint.get_split("official_test") is None


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "dense.tuned")
    (checkpoint,) = read_checkpoints(tmp_path)
    assert (checkpoint.name, checkpoint.tag) == ("dense", "tuned")
    assert checkpoint.results == make_results()
    assert checkpoint.history == make_history()
    (tmp_path / "summary.json").write_text(json.dumps({"runs": {}}))
    assert read_summary(tmp_path / "summary.json") == {"runs": {}}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"runs": ')
    with pytest.raises(ValueError, match=r"summary\.json is damaged"):
        read_summary(tmp_path / "summary.json")


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        ([], []),
        (["dense.tuned", "dense.report"], [("tuned", ["dense"]), ("report", ["dense"])]),
        (["dense.report", "baseline.report"], [("report", ["baseline", "dense"])]),  # the order of the zoo
        (
            ["dense.zebra", "dense.apple", "dense.tuned"],
            [("tuned", ["dense"]), ("apple", ["dense"]), ("zebra", ["dense"])],
        ),
        (["stranger.report"], [("report", [])]),  # not in the zoo
    ],
)
def test_models_are_grouped_by_their_way_of_training(keys: list[str], groups: list[tuple[str, list[str]]]) -> None:
    assert group_by_tag(keys) == groups


def test_every_bundled_model_is_read_with_its_figures() -> None:
    checkpoints = read_checkpoints()
    assert {one.key for one in checkpoints} == {f"{name}.{tag}" for name in list_models() for tag in list_tags(name)}
    for checkpoint in checkpoints:
        assert checkpoint.history, checkpoint.key
        assert checkpoint.get_split("official_test"), checkpoint.key


@pytest.mark.parametrize(
    ("commit", "short"),
    [("unknown", "unknown"), ("0123456789abcdef", "0123456789"), ("a" * 40 + "-dirty", "aaaaaaaaaa-dirty")],
)
def test_a_commit_that_was_changed_since_says_so(commit: str, short: str) -> None:
    assert shorten_commit(commit) == short


def test_a_metric_that_is_added_in_one_place_is_shown_everywhere_without_measuring_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cohens_kappa(matrix: list[list[int]]) -> float:
        n = sum(map(sum, matrix))
        by_chance = sum(sum(row) * sum(column) for row, column in zip(matrix, zip(*matrix, strict=True), strict=True))
        observed, expected = sum(matrix[i][i] for i in range(len(matrix))) / n, by_chance / n**2
        return (observed - expected) / (1 - expected)

    monkeypatch.setitem(METRICS, "kappa", Metric("Cohen's kappa", cohens_kappa, is_share=False))
    checkpoint = next(one for one in read_checkpoints() if one.key == "baseline.tuned")
    split = checkpoint.get_split("official_test_without_copies")
    assert split
    value = f"{cohens_kappa(split['confusion_matrix']):.2f}"
    table, card = render_classes(), render_card(CHECKPOINTS_DIR / checkpoint.key)
    page = unescape(show_model([checkpoint], checkpoint.key, "en"))
    assert "Cohen's kappa" in table
    assert f"| {value} |" in table
    assert "| Cohen's kappa |" in card
    assert f"| {value} |" in card
    assert f"Cohen's kappa {value}" in page
