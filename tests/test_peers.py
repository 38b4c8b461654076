import sys
from pathlib import Path

import pytest
from conftest import make_class_png
from datasets import Dataset
from test_subsets import make_rows

from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.components.peers import render_peers
from fer_models.results import read_checkpoints, read_summary
from training.benchmarks.peers.measure import WARM_UP, Peer, _measure_one, ask, score
from training.data import iterate_grey

COLUMNS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "no_face")
# Answers every face with `happy`, after other words.
ANSWERER = """
import json, sys
n = len(sys.stdin.buffer.read()) // (48 * 48)
print("words of a library")
print(json.dumps({"answers": ["happy"] * n, "milliseconds": list(range(n)), "weights_bytes": 9, "version": "1",
                  "backend": "none"}))
"""


@pytest.fixture
def rows() -> Dataset:
    labels, votes = zip(
        ("fear", {"happy": 9, "sad": 1}),  # the one vote counts for nothing
        ("happy", {"sad": 6, "happy": 4}),
        ("happy", {"happy": 5, "sad": 5}),  # no majority
        ("happy", {"no_face": 10}),
        strict=True,
    )
    pictures = [make_class_png(FER_LABELS.index(label)) for label in labels]
    return make_rows(pictures, labels, [[one.get(column, 0) for column in COLUMNS] for one in votes])


def test_answers_count_by_label_and_by_what_most_people_saw(rows: Dataset) -> None:
    scores = score(["happy", "happy", "happy", "sad"], rows)
    assert (scores["official_test"]["n"], scores["official_test"]["accuracy"]) == (4, 0.5)
    people = scores["ferplus_test"]
    assert (people["n"], people["accuracy"], people["macro_recall"]) == (2, 0.5, 0.5)


def test_every_face_reaches_the_package_and_its_last_line_is_the_answer(rows: Dataset) -> None:
    faces = b"".join(iterate_grey(rows))
    assert len(faces) == len(rows) * 48 * 48
    assert ask([sys.executable, "-c", ANSWERER], faces)["answers"] == ["happy"] * len(rows)


def test_a_package_that_gives_no_answer_costs_the_others_nothing(
    rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command, words in (
        (["/none/such/python"], "make peers"),
        ([sys.executable, "-c", "raise SystemExit('no such model')"], "no such model"),
        ([sys.executable, "-c", ANSWERER.replace("happy", "joyful")], "joyful"),  # another label
    ):
        monkeypatch.setattr(Peer, "make_command", lambda *_, command=command: command)
        faces = b"".join(iterate_grey(rows))
        row = _measure_one(rows, faces, Path(), False, Peer("one", "PyPI", "its call", "unknown"))
        assert words in row["error"]
        assert "splits" not in row


def test_times_are_kept_where_they_mean_something(rows: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Peer, "make_command", lambda *_: [sys.executable, "-c", ANSWERER])
    faces = b"".join(iterate_grey(rows))[: 48 * 48] * (WARM_UP + 3)
    monkeypatch.setattr("training.benchmarks.peers.measure.score", lambda answers, rows: score(answers[:4], rows))
    for is_timed, latency_ms in ((True, WARM_UP + 1), (False, None)):
        row = _measure_one(rows, faces, Path(), is_timed, Peer("one", "PyPI", "its call", "unknown"))
        assert row["latency_ms"] == latency_ms


def test_the_page_has_those_that_gave_answers() -> None:
    summary = read_summary()
    answered = [row["package"] for row in summary["peers"]["rows"]]
    summary["peers"]["rows"].append(summary["peers"]["rows"][0] | {"package": "one-that-fails", "error": "It fails."})
    del summary["peers"]["rows"][-1]["splits"]
    assert render_peers({}, [], "en") == ""
    html = render_peers(summary, read_checkpoints(), "en")
    assert [name for name in (*answered, "transfer.ferplus") if name not in html] == []
    assert "one-that-fails" not in html
