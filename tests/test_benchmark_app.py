import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from browsing import needs_chromium
from PIL import Image

from training.benchmark_app import main, make_photos, measure_load, pick_memory, summarize


@pytest.mark.parametrize(
    ("seconds", "median_ms", "max_ms"), [([0.5], 500, 500), ([0.1, 0.3, 0.2], 200, 300)], ids=["one", "three"]
)
def test_times_are_summed_up_in_milliseconds(seconds: list[float], median_ms: float, max_ms: float):
    summary = summarize(seconds)
    assert summary["median_ms"] == pytest.approx(median_ms)
    assert summary["max_ms"] == pytest.approx(max_ms)
    assert median_ms <= summary["p95_ms"] + 1e-6


@pytest.mark.parametrize(
    ("memory", "after_a_fifth", "at_the_end"), [([7.0], 7, 7), ([1.0, 2.0, 3.0], 1, 3), (list(range(1, 11)), 2, 10)]
)
def test_memory_is_told_after_a_fifth_and_at_the_end(memory: list[float], after_a_fifth: float, at_the_end: float):
    assert pick_memory(memory) == {"after_a_fifth_mb": after_a_fifth, "at_the_end_mb": at_the_end}


def test_the_photos_have_the_size_that_the_figures_are_for(tmp_path: Path):
    assert [Image.open(photo).size for photo in make_photos(tmp_path)] == [(640, 480)] * 2


class Answering:
    """In the place of the client: it knows each photo's answer, and gives after some calls another one's, or none."""

    calls: ClassVar = 0
    swaps_at: ClassVar = 0  # the call that gets another photo's answer; 0 for none
    stops_at: ClassVar = 0  # the call that gets none
    differs: ClassVar = True

    def __init__(self, *_: Any, **__: Any):
        pass

    def predict(self, photo: dict[str, Any], **_: Any) -> dict[str, Any]:
        Answering.calls += 1
        name = Path(photo["path"]).name
        if Answering.calls == Answering.stops_at:
            raise RuntimeError("too many")
        if Answering.calls == Answering.swaps_at:
            name = "another"
        return {"models": [{"model": "dense", "probabilities": name if Answering.differs else "the same"}]}


@pytest.mark.parametrize(("swaps_at", "stops_at", "wrong", "lost"), [(0, 0, 0, 0), (5, 0, 1, 0), (0, 4, 0, 3)])
def test_swapped_and_lost_answers_are_counted(
    swaps_at: int, stops_at: int, wrong: int, lost: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.benchmark_app.Client", Answering)
    Answering.calls, Answering.swaps_at, Answering.stops_at, Answering.differs = 0, swaps_at, stops_at, True
    load = measure_load("http://nowhere", make_photos(tmp_path), 2, 6)
    assert (load["wrong"], load["lost"], load["requests"]) == (wrong, lost, 6)


def test_photos_with_the_same_answer_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("training.benchmark_app.Client", Answering)
    Answering.calls, Answering.swaps_at, Answering.stops_at, Answering.differs = 0, 0, 0, False
    with pytest.raises(ValueError, match="must differ"):
        measure_load("http://nowhere", make_photos(tmp_path), 2, 6)


@pytest.mark.slow
@pytest.mark.browser
@needs_chromium
def test_every_step_is_measured(tmp_path: Path):
    few = [
        "--rounds",
        "1",
        "--live_seconds",
        "2",
        "--comparisons",
        "5",
        "--visitors",
        "2",
        "--requests",
        "2",
        "--flood",
        "100",
    ]
    main([*few, "--output", str(tmp_path / "app.json")])
    results = json.loads((tmp_path / "app.json").read_text())
    assert results["page"]["median_ms"] > 0
    assert results["live"]["frames_per_second"] > 0
    assert (results["load"]["lost"], results["load"]["wrong"]) == (0, 0)
    assert results["memory"]["at_the_end_mb"] > 100
    assert results["refusals"]["oversized_upload"]["status"] == 413
    assert results["refusals"]["queued"] + results["refusals"]["refused"] == 100
    assert results["refusals"]["refused"] > 0, "the queue holds fewer"
    assert results["refusals"]["answers_afterwards"]
