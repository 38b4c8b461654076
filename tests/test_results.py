from html import unescape
from pathlib import Path

import pytest
from made_up_results import make_history, make_results, write_checkpoint

from fer_models.demo.components.model import render_model
from fer_models.results import METRICS, Metric, group_by_tag, read_checkpoints, read_summary, shorten_commit
from fer_models.zoo import CHECKPOINTS_DIR
from training.publishing.model_card import render_card
from training.publishing.tables import render_classes


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    """What is not there is not measured yet, and what is damaged is named."""
    assert read_checkpoints(tmp_path) == []
    assert read_summary(tmp_path / "summary.json") == {}
    (tmp_path / "baseline.report").mkdir()
    write_checkpoint(tmp_path / "dense.tuned")
    full, bare = read_checkpoints(tmp_path)
    assert (bare.key, bare.results, bare.history) == ("baseline.report", {}, [])
    assert bare.get_split("official_test") is None
    assert (full.name, full.tag, full.results, full.history) == ("dense", "tuned", make_results(), make_history())
    (tmp_path / "summary.json").write_text('{"runs": {}}')
    assert read_summary(tmp_path / "summary.json") == {"runs": {}}
    (tmp_path / "summary.json").write_text('{"runs": ')
    with pytest.raises(ValueError, match=r"summary\.json is damaged"):
        read_summary(tmp_path / "summary.json")


def test_models_are_grouped_by_their_way_of_training() -> None:
    assert group_by_tag([]) == []
    keys = ["dense.zebra", "dense.tuned", "baseline.tuned", "stranger.report"]  # of which one is not in the zoo
    assert group_by_tag(keys) == [("tuned", ["baseline", "dense"]), ("report", []), ("zebra", ["dense"])]


def test_a_commit_that_was_changed_since_says_so() -> None:
    assert [shorten_commit(one) for one in ("unknown", "a" * 40 + "-dirty")] == ["unknown", "aaaaaaaaaa-dirty"]


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
    page = unescape(render_model(checkpoint, "en"))
    assert "Cohen's kappa" in table
    assert f"| {value} |" in table
    assert "| Cohen's kappa |" in card
    assert f"| {value} |" in card
    assert f"Cohen's kappa {value}" in page
