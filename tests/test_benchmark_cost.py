import json
from pathlib import Path

import pytest
from test_modeling import PARAMETER_COUNTS

from fer_models.inference import load_models
from training.benchmarks import cost as cost_module
from training.publishing.architecture import count_multiply_adds


def test_multiply_adds_are_those_of_the_report_s_baseline():
    """Its Table 3 by hand: output pixels x filters x 9 x channels in, and the dense layer."""
    by_hand = 46**2 * 32 * 9 + 21**2 * 64 * 9 * 32 + 8**2 * 128 * 9 * 64 + 2**2 * 256 * 9 * 128 + 256 * 7
    assert count_multiply_adds(load_models(["baseline"])[0].model) == by_hand


def test_cost_of_every_model_is_written_with_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cost_module, "BATCH_SIZE", 2)
    cost_module.main(["--rounds", "1", "--output", str(tmp_path / "cost.json")])
    cost = json.loads((tmp_path / "cost.json").read_text())
    assert [row["parameters"] for row in cost["models"][:4]] == list(PARAMETER_COUNTS.values())
    assert cost["models"][0]["latency_ratio"] == cost["models"][0]["throughput_ratio"] == 1
    assert all(row["latency_ms"] > 0 and row["images_per_second"] > 0 for row in cost["models"])
    assert cost["commit"]
    assert "baseline" in capsys.readouterr().out
