from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from training.benchmarks.app import make_photos, measure_load, pick_memory, summarize


def test_times_are_summed_up_in_milliseconds():
    summary = summarize([0.1, 0.3, 0.2])
    assert (summary["median_ms"], summary["max_ms"]) == (pytest.approx(200), pytest.approx(300))
    assert 200 <= summary["p95_ms"] <= 300


def test_memory_is_told_after_a_fifth_and_at_the_end():
    assert pick_memory([7.0]) == {"after_a_fifth_mb": 7, "at_the_end_mb": 7}
    assert pick_memory(list(range(1, 11))) == {"after_a_fifth_mb": 2, "at_the_end_mb": 10}


def make_client(photos: list[Path], swaps_at: int = 0, stops_at: int = 0, differs: bool = True) -> Any:
    """In the place of `Client`: it knows each photo's answer, its own or the same for all.

    Of all calls, counted from 1, one gets the next photo's answer, and one gets none.
    """
    answers = [photo.name if differs else "the same" for photo in photos]
    calls = count(1)  # of all visitors together

    def predict(photo: dict[str, Any], **_: Any) -> dict[str, Any]:
        call, index = next(calls), [photo.name for photo in photos].index(Path(photo["path"]).name)
        if call == stops_at:
            raise RuntimeError("too many")
        answer = answers[(index + (call == swaps_at)) % len(answers)]
        return {"models": [{"model": "dense", "probabilities": answer}]}

    return lambda *_, **__: SimpleNamespace(predict=predict)


def test_swapped_and_lost_answers_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    photos = make_photos(tmp_path)
    for swaps_at, stops_at, wrong, lost in (
        (0, 0, 0, 0),
        (5, 0, 1, 0),  # one gets another visitor's
        (0, 4, 0, 3),  # one gets none, and its visitor goes
    ):
        monkeypatch.setattr("training.benchmarks.app.Client", make_client(photos, swaps_at, stops_at))
        load = measure_load("http://nowhere", photos, 2, 6)
        assert (load["wrong"], load["lost"], load["requests"]) == (wrong, lost, 6)


def test_photos_that_cannot_be_told_apart_by_their_answers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for photos, differs in ((make_photos(tmp_path)[:1], True), (make_photos(tmp_path)[:2], False)):
        monkeypatch.setattr("training.benchmarks.app.Client", make_client(photos, differs=differs))
        with pytest.raises(ValueError, match="answers differ"):
            measure_load("http://nowhere", photos, 2, 6)
