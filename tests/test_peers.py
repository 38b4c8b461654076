import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import make_class_png
from datasets import Dataset, Features, Sequence, Value
from datasets import Image as ImageFeature
from made_up_results import make_checkpoint, make_summary

from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.components.peers import render_peers
from training.benchmarks.peers import table
from training.benchmarks.peers.measure import WARM_UP, Peer, _measure_one, ask, encode_faces, score
from training.publishing import records

COLUMNS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "no_face")
# Answers every face with `happy`, after other words.
ANSWERER = """
import json, sys
n = len(sys.stdin.buffer.read()) // (48 * 48)
print("words of a library")
print(json.dumps({"answers": ["happy"] * n, "milliseconds": list(range(n)), "weights_bytes": 9, "version": "1",
                  "backend": "none"}))
"""


def make_rows(faces: list[tuple[str, dict[str, int]]]) -> Dataset:
    cells = {
        "image": [{"bytes": make_class_png(FER_LABELS.index(label)), "path": None} for label, _ in faces],
        "label": [FER_LABELS.index(label) for label, _ in faces],
        "file_name": [f"{index}.png" for index in range(len(faces))],
        "ferplus_votes": [[votes.get(column, 0) for column in COLUMNS] for _, votes in faces],
    }
    features = {
        "image": ImageFeature(),
        "label": Value("int64"),
        "file_name": Value("string"),
        "ferplus_votes": Sequence(Value("int64")),
    }
    return Dataset.from_dict(cells, Features(features))


@pytest.fixture
def rows() -> Dataset:
    return make_rows(
        [
            ("fear", {"happy": 9, "sad": 1}),  # the one vote counts for nothing
            ("happy", {"sad": 6, "happy": 4}),
            ("happy", {"happy": 5, "sad": 5}),  # no majority
            ("happy", {"no_face": 10}),
        ]
    )


def test_answers_count_by_label_and_by_what_most_people_saw(rows: Dataset) -> None:
    scores = score(["happy", "happy", "happy", "sad"], rows)
    assert (scores["official_test"]["n"], scores["official_test"]["accuracy"]) == (4, 0.5)
    people = scores["ferplus_test"]
    assert (people["n"], people["accuracy"], people["macro_recall"]) == (2, 0.5, 0.5)


def test_every_face_reaches_the_package_and_its_last_line_is_the_answer(rows: Dataset) -> None:
    faces = encode_faces(rows)
    assert len(faces) == len(rows) * 48 * 48
    assert ask([sys.executable, "-c", ANSWERER], faces)["answers"] == ["happy"] * len(rows)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/none/such/python"], "make peers"),
        ([sys.executable, "-c", "raise SystemExit('no such model')"], "no such model"),
        ([sys.executable, "-c", ANSWERER.replace("happy", "joyful")], "joyful"),
    ],
    ids=["not installed", "fails", "other labels"],
)
def test_a_package_that_gives_no_answer_costs_the_others_nothing(
    command: list[str], words: str, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Peer, "make_command", lambda *_: command)
    row = _measure_one(rows, encode_faces(rows), Path(), False, Peer("one", "PyPI", "its call", "unknown"))
    assert words in row["error"]
    assert "splits" not in row


def test_times_are_kept_where_they_mean_something(rows: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Peer, "make_command", lambda *_: [sys.executable, "-c", ANSWERER])
    faces = encode_faces(rows)[: 48 * 48] * (WARM_UP + 3)
    monkeypatch.setattr("training.benchmarks.peers.measure.score", lambda answers, rows: score(answers[:4], rows))
    for is_timed, latency_ms in ((True, WARM_UP + 1), (False, None)):
        row = _measure_one(rows, faces, Path(), is_timed, Peer("one", "PyPI", "its call", "unknown"))
        assert row["latency_ms"] == latency_ms


def make_peers() -> dict[str, Any]:
    split = {"n": 3000, "accuracy": 0.654, "accuracy_interval_95": [0.6, 0.7], "macro_recall": 0.543}
    known = {"registry": "PyPI", "asked": "a call", "trained_on": "nobody knows"}
    answered = {"version": "1.2", "backend": "none", "weights_bytes": 1_500_000, "latency_ms": None}
    splits = {"official_test": split, "ferplus_test": split | {"n": 2000}}
    rows = [
        {"package": "one", **known, **answered, "splits": splits},
        {"package": "two", **known, "error": "It fails."},
    ]
    return {"rows": rows, "hardware": "a made-up machine", "commit": "0123456789abcdef"}


def test_the_table_sets_ours_beside_them_and_a_missing_figure_is_a_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    assert table.render_peers() == "Not measured yet."
    (tmp_path / "peers.json").write_text(json.dumps(make_peers()))
    split = {"n": 3000, "accuracy": 0.7, "accuracy_interval_95": [0.69, 0.71]}
    monkeypatch.setattr(table, "checkpoint_dir", lambda *_: tmp_path)
    monkeypatch.setattr(
        table,
        "list_bundled",
        lambda: [("dense", "tuned", [{"splits": {"official_test": split}}]), ("dense", "report", [])],
    )
    text = table.render_peers()
    assert "| `one` 1.2 | 1.50 MB | 65.4% (60.0–70.0) | 65.4% (60.0–70.0) | 54.3% | – |" in text
    assert "| ours, `dense.tuned` | – | 70.0% (69.0–71.0) | – | – | – |" in text
    assert "`two` gave no answer: It fails." in text
    assert "dense.report" not in text


def test_the_page_has_them_once_they_are_measured() -> None:
    summary = make_summary()
    assert render_peers(summary, [], "en") == ""
    summary["peers"] = make_peers()
    html = render_peers(summary, [make_checkpoint("baseline.tuned")], "en")
    for words in ("one", "baseline.tuned", "a made-up machine"):
        assert words in html
    assert "two" not in html
