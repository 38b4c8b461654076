"""What the page costs the machine that serves it: threads, turns, and nothing done twice."""

import base64
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import gradio
import pytest
import torch
from browsing import REPOSITORY
from conftest import make_face
from photos import load_portrait

from fer_models.__main__ import main as terminal
from fer_models.demo.handlers.compare import CompareHandlers, Request
from fer_models.demo.handlers.live import LiveHandlers
from fer_models.demo.handlers.many import ManyHandlers
from fer_models.demo.ui import build_demo
from fer_models.faces import FaceDetector
from fer_models.image_processing_fer import FerImageProcessor
from fer_models.inference import LoadedModel, classify, compare, find_faces, predict, predict_all

# What the app has set by the time that torch is loaded, which reads it then, and never again.
STOP_AT_TORCH = """
import os, sys

class Stop:
    def find_spec(name, *_):
        if name == "torch":
            sys.exit(f"{os.environ['OMP_NUM_THREADS']} and {os.environ['OPENCV_FOR_THREADS_NUM']}")

sys.meta_path.insert(0, Stop)
import app
"""


def test_the_app_computes_with_one_thread_a_visitor_however_many_cores_a_space_names() -> None:
    """`torch.set_num_threads` in the main thread would not do: convolutions of others still take all cores."""
    command = [sys.executable, "-c", STOP_AT_TORCH]
    environment = os.environ | {"OMP_NUM_THREADS": "4"}
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60)
    assert result.stderr == "1 and 1\n"


def test_gradio_does_not_sum_up_all_calls_after_each() -> None:
    import app  # noqa: F401  which tells gradio so

    queue = gradio.Blocks().queue()._queue
    queue.events_recorded = 3
    call = {"function": "compare", "status": "success", "process_time": 0.1}
    assert queue.compute_analytics_summary([call] * 3) == {"functions": {}}


def test_terminal_computes_with_one_thread() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        terminal(["compare", "--whole-image", "--models", "baseline", str(REPOSITORY / "docs" / "screenshot.png")])
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_all_answers_about_a_photo_take_turns_whatever_is_asked(models: list[LoadedModel]) -> None:
    demo = build_demo(models[:1], FaceDetector())
    computing = {"show", "explain", "break_it", "compare"}
    turns = set()
    for one in demo.fns.values():
        function = one.fn.args[0] if isinstance(one.fn, partial) else one.fn
        if getattr(function, "__name__", "") in computing and "tabs.compare" in function.__module__:
            turns.add((function.__name__, one.concurrency_id, one.concurrency_limit))
    assert {name for name, _, _ in turns} == computing
    assert {(id, limit) for _, id, limit in turns} == {("answers", 2)}


def test_whatever_computes_takes_turns(
    models: list[LoadedModel], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each kind of job was counted apart: two photos, two cameras and a long job computed at once."""
    path = tmp_path / "face.jpg"
    load_portrait().save(path)
    frame = f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}"
    comparing, many, live = (kind(models[:1], detector) for kind in (CompareHandlers, ManyHandlers, LiveHandlers))
    counting, busy, most = threading.Lock(), [0], [0]
    detect = FaceDetector.detect

    def count(self: FaceDetector, *arguments: Any, **options: Any) -> Any:
        with counting:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.05)
        found = detect(self, *arguments, **options)
        with counting:
            busy[0] -= 1
        return found

    monkeypatch.setattr(FaceDetector, "detect", count)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(comparing.compare_json, Request(str(path))) for _ in range(3)]
        jobs += [pool.submit(many.batch_json, [("face.jpg", path)]) for _ in range(2)]
        jobs += [pool.submit(live.look, {"session": str(i), "frame": frame}, str(i)) for i in range(2)]
        assert all(job.result(60) for job in jobs)
    assert most == [2]


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many faces were preprocessed at each call."""
    calls: list[int] = []
    preprocess = FerImageProcessor.preprocess

    def count(self: FerImageProcessor, images: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(len(images) if isinstance(images, list) else 1)
        return preprocess(self, images, *arguments, **options)

    monkeypatch.setattr(FerImageProcessor, "preprocess", count)
    return calls


def test_models_with_the_same_preprocessing_share_it_and_answer_as_alone(
    models: list[LoadedModel], prepared: list[int]
) -> None:
    face = make_face(120)
    alone = [predict(model, face).probabilities for model in models]
    prepared.clear()
    assert [ones[0].probabilities for ones in predict_all(models, [face])] == alone, "to the last digit"
    assert len(prepared) == len({model.preprocessing for model in models}) < len(models)


def test_a_face_is_preprocessed_once_for_the_models_and_once_for_its_hints(
    models: list[LoadedModel], detector: FaceDetector, prepared: list[int]
) -> None:
    assert predict_all(models, []) == [[] for _ in models]
    assert prepared == []
    compare(load_portrait(), models[:4], detector)
    classify(find_faces(load_portrait(), detector), models[:4])
    assert prepared == [1, 1] * 2
