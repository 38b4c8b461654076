"""Factories and fixtures that the tests share. Nothing here needs the network, or touches the user's caches."""

# ruff: noqa: E402  the environment must be set before a library reads it

import os
import tempfile

_CACHE = tempfile.TemporaryDirectory(prefix="fer-tests-")
os.environ |= {
    "OMP_NUM_THREADS": "1",  # files of tests run side by side
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": _CACHE.name,
    "HF_DATASETS_CACHE": f"{_CACHE.name}/datasets",
    "HF_MODULES_CACHE": f"{_CACHE.name}/modules",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_XET_TELEMETRY_ENABLED": "0",
    "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms",
}

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import BROWSER, run_main, serve_app
from hub_server import HubServer
from photos import make_no_face, make_two_faces
from PIL import Image, ImageDraw
from transformers import ResNetConfig

from fer_models import FerCnnConfig, FerTransferConfig
from fer_models.configuration_fer import FER_LABELS
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel, load_models

REPO_ROOT = Path(__file__).parents[1]

# FER2013's images per class, from its description; in label order. Not imported: the code is checked against them.
TRUE_COUNTS = {
    "train": (3995, 436, 4097, 7215, 4965, 4830, 3171),
    "validation": (467, 56, 496, 895, 607, 653, 415),
    "test": (491, 55, 528, 879, 626, 594, 416),
}


def make_tiny_config(**overrides: Any) -> FerCnnConfig:
    """A model of two blocks for images of 20x20 pixels."""
    return FerCnnConfig(**{"image_size": 20, "filters": [4, 8], "num_pools": 2, **overrides})


# A stem and two stages, the second of two blocks.
TINY_TRANSFER: dict[str, Any] = {
    "stem_channels": 4,
    "stages": [[1, 4, 1, 1, 3], [2, 6, 2, 2, 5]],
    "head_channels": 8,
}


def make_tiny_transfer_config(**overrides: Any) -> FerTransferConfig:
    """The same of the other kind."""
    small = {"image_size": 20, "upsampled_size": 40, "dropout": 0.0, "id2label": dict(enumerate(FER_LABELS))}
    return FerTransferConfig(**small | TINY_TRANSFER | overrides)


def make_tiny_backbone_config(**overrides: Any) -> FerTransferConfig:
    """The same with a backbone of transformers, which sees colours."""
    backbone = ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1], layer_type="basic").to_dict()
    colour = {"pixel_mean": [0.5, 0.4, 0.3], "pixel_std": [0.2] * 3}
    return make_tiny_transfer_config(backbone_config=backbone, **colour, **overrides)


def make_grey_array(height: int = 48, width: int = 48, seed: int = 0) -> np.ndarray:
    """Noise of every grey, `(height, width)`, uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def make_color_image(height: int = 48, width: int = 48, seed: int = 0) -> Image.Image:
    """Noise of every colour, mode RGB."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def make_face(size: int = 48, seed: int = 0) -> Image.Image:
    """A drawn face, mode L, lopsided so that no rotation or mirror image equals it; each seed has its own noise."""
    image = Image.new("L", (size, size), 90)
    draw = ImageDraw.Draw(image)
    unit = size / 48
    draw.ellipse([6 * unit, 2 * unit, 42 * unit, 46 * unit], fill=200)
    draw.ellipse([13 * unit, 16 * unit, 19 * unit, 21 * unit], fill=30)
    draw.ellipse([30 * unit, 15 * unit, 34 * unit, 19 * unit], fill=60)
    draw.arc([16 * unit, 26 * unit, 36 * unit, 40 * unit], 20, 140, fill=20, width=max(1, round(2 * unit)))
    noise = np.random.default_rng(seed).integers(-15, 16, (size, size))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def encode_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def make_class_png(label: int) -> bytes:
    """A 48x48 picture of one grey that tells its class: 30 times the label."""
    return encode_png(Image.new("L", (48, 48), 30 * label))


def make_rows(counts: dict[str, Sequence[int]]) -> dict[str, list[tuple[bytes, int]]]:
    """Made-up rows `(png, label)` by split, in a mixed order.

    No two have the same bytes, so that a row can be followed through a split: decoders ignore what follows a PNG.
    """
    rng = np.random.default_rng(0)
    pngs = [make_class_png(label) for label in range(len(FER_LABELS))]
    rows = {}
    for split, class_counts in counts.items():
        labels = rng.permutation(np.repeat(np.arange(len(class_counts)), class_counts)).tolist()
        rows[split] = [(pngs[label] + f"{split} {row}".encode(), label) for row, label in enumerate(labels)]
    return rows


def write_parquet(folder: Path, rows: dict[str, list[tuple[bytes, int]]], names: Sequence[str] = FER_LABELS) -> Path:
    """Write made-up rows as a parquet folder whose labels are numbered in the order of `names`."""
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as ImageFeature

    folder.mkdir(parents=True, exist_ok=True)
    for split, pairs in rows.items():
        Dataset.from_dict(
            {
                "image": [{"bytes": png, "path": None} for png, _ in pairs],
                "label": [label for _, label in pairs],
            },
            features=Features({"image": ImageFeature(), "label": ClassLabel(names=list(names))}),
        ).to_parquet(folder / f"{split}.parquet")
    return folder


def exit_message(main: Callable[[list[str]], None], *argv: object) -> str:
    """The sentence with which a command gives up; any other exception fails the test."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in argv])
    assert isinstance(caught.value.code, str), "a sentence is printed, and the exit status is 1"
    return caught.value.code


@pytest.fixture(scope="session")
def made_up_rows() -> dict[str, list[tuple[bytes, int]]]:
    return make_rows(TRUE_COUNTS)


@pytest.fixture(scope="session")
def made_up_parquet(tmp_path_factory: pytest.TempPathFactory, made_up_rows: dict[str, Any]) -> Path:
    """35,887 made-up rows with FER2013's counts: who has no face of FER2013 can prove the protocols with them."""
    return write_parquet(tmp_path_factory.mktemp("made-up") / "fer2013", made_up_rows)


@pytest.fixture(scope="session")
def fer_data() -> Path:
    """The real FER2013; the test is skipped where it is missing."""
    from training.data import DATA_VARIABLE, find_data

    path = REPO_ROOT / find_data()
    if not path.exists():
        pytest.skip(f"FER2013 is not at {path}; set {DATA_VARIABLE} to run this test")
    return path


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cut the network, as on a machine that believes to be online; gives the connections that were tried."""
    import socket

    import datasets.config
    import huggingface_hub.constants

    tried: list[str] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        tried.append(repr(arguments[1:] or arguments))
        raise OSError("The network is cut in this test.")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    return tried


@pytest.fixture(scope="session")
def models() -> list[LoadedModel]:
    """The models of the zoo, trained in their default ways. Tests leave them as they are."""
    return load_models()


@pytest.fixture(scope="session")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `two.png`, of two faces, `sky.png`, of none, and `text.png`, which is no picture."""
    folder = tmp_path_factory.mktemp("samples")
    make_two_faces().save(folder / "two.png")
    make_no_face().save(folder / "sky.png")
    (folder / "text.png").write_text("no picture")
    return folder


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the app, started once for all tests that look at its page."""
    with serve_app(tmp_path_factory.mktemp("uploads")) as url:
        yield url


@pytest.fixture(scope="session")
def client(app_url: str) -> Any:
    """A program that asks the app."""
    from gradio_client import Client

    return Client(app_url, verbose=False)


@pytest.fixture(scope="session")
def running(models: list[LoadedModel]) -> Iterator[Any]:
    """The page as `app.py` starts it, in this process, so that a test can look into it."""
    with run_main(models) as demo:
        yield demo


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Close the browser before a file that opens no page: `asyncio.run` and other Playwrights fail beside ours."""
    if not hasattr(getattr(nextitem, "module", None), "needs_chromium"):
        BROWSER.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits; gives the seconds that they would have waited."""
    import time

    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def connect(server: HubServer, cache: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the client of this process talk to a Hub on loopback, as alice, with an empty cache."""
    import huggingface_hub.constants as constants

    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "ENDPOINT", server.endpoint)
    address = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
    patch.setattr("transformers.utils.hub._hf_api", None)  # made anew, for this address
    patch.setenv("HF_TOKEN", "hf_alice")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, waits: list[float]) -> Iterator[HubServer]:
    """A Hub on loopback, to which the client of this process talks."""
    with HubServer() as server:
        connect(server, tmp_path / "hub-cache", monkeypatch)
        yield server
