"""A stranger without this package: fresh processes that load from the loopback Hub, and the command line `hf`."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import connect
from hub_server import HubServer
from photos import load_portrait
from PIL import Image

from fer_models import load
from fer_models.hub import make_fixed_revision
from fer_models.zoo import checkpoint_dir
from training.publishing import push
from training.publishing.push import collect_files

pytestmark = pytest.mark.slow

REPO_ID = "alice/fer-baseline"
FIXED = make_fixed_revision(checkpoint_dir("baseline", "report"))


@dataclass
class Stranger:
    """An empty folder, an empty cache, and the address of the Hub, on which `baseline` was pushed; no token."""

    home: Path
    hub: HubServer

    def run(self, *command: str, **env: str) -> str:
        settings = {"HF_ENDPOINT": self.hub.endpoint, "HF_HOME": str(self.home / "cache"), "HF_HUB_OFFLINE": "0"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHON"))}
        quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "OMP_NUM_THREADS": "1"}
        result = subprocess.run(
            command, cwd=self.home, env=kept | quiet | settings | env, capture_output=True, text=True, timeout=280
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def probe(self, revision: str, **env: str) -> dict[str, Any]:
        return json.loads(self.run(sys.executable, "hub_probe.py", REPO_ID, revision, "face.png", **env))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    home = tmp_path_factory.mktemp("stranger")
    shutil.copy(Path(__file__).with_name("hub_probe.py"), home)
    load_portrait().crop((170, 115, 390, 335)).save(home / "face.png")
    with HubServer() as server, pytest.MonkeyPatch.context() as patch:
        connect(server, home / "pusher", patch)
        patch.setattr(push, "export_onnx", lambda directory: b"onnx of " + directory.name.encode())  # takes seconds
        push.main(["--namespace", "alice", "--models", "baseline"])
        yield Stranger(home, server)


@pytest.fixture(scope="module")
def first(stranger: Stranger) -> dict[str, Any]:
    """What the fixed revision answers in a process whose cache was empty."""
    return stranger.probe(FIXED)


def test_stranger_gets_the_model_with_its_code(stranger: Stranger, first: dict[str, Any]) -> None:
    model, image_processor = load("baseline", "report")
    with torch.inference_mode():
        pixels = image_processor(Image.open(stranger.home / "face.png"), return_tensors="pt")
        expected = model(**pixels).logits[0]
    assert first["class"] == "transformers_modules.FerCnnForImageClassification"
    assert first["image_processor"] == "FerImageProcessor"
    assert torch.allclose(torch.tensor(first["logits"]), expected, atol=1e-6)
    best = model.config.id2label[expected.argmax().item()]
    assert first["file"][0]["label"] == best
    assert len(first["file"]) == 3
    assert [answers[0]["label"] for answers in first["list"]] == [best, best]
    assert [len(answers) for answers in first["batch"]] == [7] * 5
    probabilities = {answer["label"]: answer["score"] for answer in first["batch"][0]}
    assert probabilities[best] == pytest.approx(expected.softmax(-1).max().item(), abs=1e-5)


def test_cache_is_enough_without_a_network(stranger: Stranger, first: dict[str, Any]) -> None:
    assert stranger.probe(FIXED, HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9") == first


def test_hf_downloads_the_whole_repository(stranger: Stranger) -> None:
    download = ("-m", "huggingface_hub.cli.hf", "download", REPO_ID, "--revision", "report", "--local-dir", "copy")
    stranger.run(sys.executable, *download)
    copy = stranger.home / "copy"
    local = {path.relative_to(copy).as_posix(): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    local = {name: content for name, content in local.items() if not name.startswith(".cache/")}
    here = collect_files(checkpoint_dir("baseline", "report"), REPO_ID)
    local.pop(".gitattributes")
    assert local == here
