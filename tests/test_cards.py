import json
import shutil
from pathlib import Path

import pytest

from fer_models.zoo import CHECKPOINTS_DIR
from training import cards
from training.cards import find_cost, render_card


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHECKPOINTS_DIR / "baseline.report", tmp_path / "baseline.report"))


@pytest.mark.parametrize("rows", [None, [], [{"change": "blur", "level": 2.0, "accuracy": 0.125}]])
def test_card_tells_robustness_where_it_was_measured(checkpoint: Path, rows: list | None):
    results = json.loads((checkpoint / "results.json").read_text())
    results.pop("robustness", None)
    if rows is not None:
        results["robustness"] = {"split": "official_test", "rows": rows}
    (checkpoint / "results.json").write_text(json.dumps(results))
    card = render_card(checkpoint)
    assert ("### Robustness" in card) == (rows is not None)
    assert ("| blur | 2.0 | 12.5% |" in card) == bool(rows)


def test_card_tells_cost_where_it_was_measured(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cards, "COST", tmp_path / "cost.json")
    assert find_cost("baseline", "report") is None
    assert "### Cost" not in render_card(checkpoint)
    row = {"model": "baseline", "tag": "report", "multiply_adds": 14_600_000, "file_bytes": 1_559_428}
    row |= {"latency_ms": 1.25, "images_per_second": 1234.0}
    (tmp_path / "cost.json").write_text(json.dumps({"models": [row], "hardware": "a processor", "threads": 2}))
    assert find_cost("baseline", "tuned") is None
    card = render_card(checkpoint)
    for words in ("15 million multiply-adds", "1.6 MB", "1.2 ms", "1,234 faces a second", "a processor, 2 threads"):
        assert words in card
