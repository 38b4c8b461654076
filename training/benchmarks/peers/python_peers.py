"""Answers of a PyPI package to faces: `python python_peers.py PACKAGE < faces`, in an environment that has the package.

In: 48x48 grey bytes a face. Out: one line of JSON, as `measure.ask` describes it. It imports nothing of this project,
which is not installed where the packages are.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

Answer = Callable[[np.ndarray], str]  # of a face, `(48, 48)`, uint8
SIDE = 48


def load_fer() -> tuple[Answer, Path, str]:
    """The default, a TFLite file. The face is the whole picture, so none of the 10 pixels around it are asked for."""
    import fer
    from fer.fer import FER

    detector = FER(offsets=(0, 0))

    def answer(face: np.ndarray) -> str:
        found = detector.detect_emotions(np.stack([face] * 3, -1), face_rectangles=[(0, 0, SIDE, SIDE)])
        scores = found[0]["emotions"]
        return max(scores, key=scores.__getitem__)

    return answer, Path(fer.__file__).parent / "data" / "emotion_model_quantized.tflite", "TensorFlow Lite"


def load_pyemotion() -> tuple[Answer, Path, str]:
    """`_predict` is the package's step behind its detector."""
    import torch

    torch.set_num_threads(1)
    load = torch.load
    torch.load = lambda *a, **k: load(*a, **{**k, "weights_only": True})  # it would unpickle whatever the file holds
    import PyEmotion
    from PyEmotion.main import DetectFace

    detector = DetectFace(device="cpu")
    answer = torch.inference_mode()(lambda face: detector._predict(face).lower())
    return answer, Path(PyEmotion.__file__).parent / "model" / "main_model.pkl", f"torch {torch.__version__}"


PACKAGES = {"fer": load_fer, "PyEmotion": load_pyemotion}


def main() -> None:
    package = sys.argv[1]
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    answer, weights, backend = PACKAGES[package]()
    answers, milliseconds = [], []
    for face in np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, SIDE, SIDE):
        start = time.perf_counter()
        answers.append(answer(face))
        milliseconds.append(1000 * (time.perf_counter() - start))
    result = {"answers": answers, "milliseconds": milliseconds, "weights_bytes": weights.stat().st_size}
    print(f"\n{json.dumps(result | {'version': version(package), 'backend': backend})}")


if __name__ == "__main__":
    main()
