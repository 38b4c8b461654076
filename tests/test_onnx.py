"""ONNX files: the same answers as torch's, and the snippet of the card."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from photos import load_portrait

from fer_models import load
from fer_models.__main__ import main
from fer_models.configuration_fer import FER_LABELS
from fer_models.hub import make_fixed_revision
from fer_models.onnx_export import ONNX_FILE, export_onnx, round_weights
from fer_models.zoo import checkpoint_dir
from training.publishing.model_card import render_card

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported() -> bytes:
    return export_onnx(checkpoint_dir("batchnorm"))


def run(content: bytes, faces: torch.Tensor) -> np.ndarray:
    return onnxruntime.InferenceSession(content).run(["logits"], {"pixel_values": faces.numpy()})[0]


def test_logits_are_torch_s_for_any_number_of_faces(exported: bytes) -> None:
    model, _ = load("batchnorm")
    for count in (1, 50):
        faces = torch.rand(count, 1, 48, 48, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            expected = model(faces).logits.numpy()
        logits = run(exported, faces)
        assert np.abs(logits - expected).max() < 1e-4
        assert (logits.argmax(1) == expected.argmax(1)).all()
    rounded = torch.from_numpy(run(round_weights(exported), faces)).softmax(1)
    assert (rounded - torch.from_numpy(expected).softmax(1)).abs().max() < 1e-3


def test_metadata_name_labels_and_weights(exported: bytes) -> None:
    metadata = onnxruntime.InferenceSession(exported).get_modelmeta().custom_metadata_map
    assert json.loads(metadata.pop("labels")) == list(FER_LABELS)
    directory = checkpoint_dir("batchnorm")
    assert metadata == {"model": "batchnorm", "tag": "ferplus", "revision": make_fixed_revision(directory)}
    assert b"site-packages" not in exported, "torch notes where each operation comes from"


def test_the_card_s_snippet_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", "batchnorm", str(tmp_path / "folder"), "--onnx"])
    load_portrait().crop((170, 115, 390, 335)).save(tmp_path / "face.png")
    monkeypatch.chdir(tmp_path)
    asked: list[Any] = []
    monkeypatch.setattr(
        "huggingface_hub.hf_hub_download", lambda *a, **k: asked.append(a) or tmp_path / "folder" / a[1]
    )
    card = render_card(checkpoint_dir("batchnorm"))
    (code,) = re.findall(r"```python\n(import numpy, onnxruntime\n.*?)```", card, re.S)
    capsys.readouterr()
    exec(compile(code, "snippet", "exec"), {})
    assert asked[0][1] == ONNX_FILE
    model, image_processor = load("batchnorm")
    with torch.inference_mode():
        expected = model(**image_processor(str(tmp_path / "face.png"), return_tensors="pt")).logits[0]
    printed = [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", capsys.readouterr().out)]
    assert printed == pytest.approx(expected.tolist(), abs=1e-4)
