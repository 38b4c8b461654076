"""The files that travel to the Hub: what they may import, and that a stranger without this package needs no more."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import REPO_ROOT, make_face, make_tiny_config
from hub_server import HubServer
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification
from transformers.dynamic_module_utils import get_imports, get_relative_imports

from fer_models import FerCnnForImageClassification, FerImageProcessor
from fer_models.__main__ import main
from fer_models.hub import make_fixed_revision
from fer_models.zoo import checkpoint_dir
from training.publishing import push

PATTERNS = ("configuration_*.py", "modeling_*.py", "image_processing_*.py")
HUB_FILES = sorted(path for pattern in PATTERNS for path in (REPO_ROOT / "fer_models").glob(pattern))
ALLOWED_PACKAGES = {"torch", "transformers", "huggingface_hub", "PIL", "numpy"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model and its image processor, saved."""
    folder = tmp_path_factory.mktemp("hub") / "tiny-fer"
    torch.manual_seed(0)
    model = FerCnnForImageClassification(make_tiny_config(batch_norm=True, dense_sizes=[6]))
    model(torch.rand(8, 1, 20, 20))  # in training mode: running statistics of its own
    model.save_pretrained(folder)
    FerImageProcessor(size={"height": 20, "width": 20}).save_pretrained(folder)
    return folder


# The code.


def find_imports(path: Path) -> tuple[set[str], set[str]]:
    """Names of the packages and of the siblings that a file imports."""
    packages, siblings = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            siblings.add("." * (node.level - 1) + (node.module or ""))
        elif isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").partition(".")[0])
    return packages, siblings


@pytest.mark.parametrize("path", HUB_FILES, ids=lambda path: path.name)
def test_hub_file_imports_what_every_user_has_and_never_sideways(path: Path) -> None:
    """And the scanner of transformers, a regular expression, sees no other import in a line of a docstring."""
    packages, siblings = find_imports(path)
    assert packages - set(sys.stdlib_module_names) - ALLOWED_PACKAGES == set()
    assert set(get_relative_imports(path)) == siblings
    assert set(get_imports(path)) == packages
    if path.name.startswith("modeling_"):
        siblings = {name for name in siblings if not name.startswith("configuration_")}
    assert siblings <= {f"{path.name.partition('_')[0]}_fer_base"}, "but what all models share"


def test_checkpoint_folder_holds_weights_facts_and_code(checkpoint: Path) -> None:
    code = {"configuration_fer.py", "configuration_fer_base.py", "image_processing_fer.py", "modeling_fer.py",
            "modeling_fer_base.py"}  # fmt: skip
    assert code <= {path.name for path in HUB_FILES}
    facts = {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert {path.name for path in checkpoint.iterdir()} == facts | code
    assert json.loads((checkpoint / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "configuration_fer.FerCnnConfig",
        "AutoModel": "modeling_fer.FerCnnModel",
        "AutoModelForImageClassification": "modeling_fer.FerCnnForImageClassification",
    }
    preprocessor = json.loads((checkpoint / "preprocessor_config.json").read_text())
    assert preprocessor["auto_map"] == {"AutoImageProcessor": "image_processing_fer.FerImageProcessor"}


# A process that has nothing else of this project.


@pytest.mark.slow
def test_a_stranger_gets_from_a_folder_and_from_the_hub_what_the_package_gives(
    checkpoint: Path, tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a checkpoint that was saved, an exported and a pushed one."""
    make_face(100).save(tmp_path / "face.png")
    shutil.copy(Path(__file__).with_name("hub_probe.py"), tmp_path)
    main(["export", "transfer", str(tmp_path / "transfer")])
    monkeypatch.setattr(push, "export_onnx", lambda directory: b"onnx of " + directory.name.encode())
    monkeypatch.setattr(push, "draw_checkpoint", lambda directory: {})
    push.main(["--namespace", "alice", "--models", "baseline"])
    pushed = checkpoint_dir("baseline", "report")
    places = [f"{checkpoint}@main", "./transfer@main", f"alice/fer-baseline@{make_fixed_revision(pushed)}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHON"))}
    result = subprocess.run(
        [sys.executable, "hub_probe.py", "face.png", *places],
        cwd=tmp_path,
        env=kept | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_TELEMETRY": "1"},
        stdin=subprocess.DEVNULL,  # nobody is there to be asked for trust
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    for folder, answer in zip([checkpoint, tmp_path / "transfer", pushed], json.loads(result.stdout), strict=True):
        model = AutoModelForImageClassification.from_pretrained(folder)
        image_processor = AutoImageProcessor.from_pretrained(folder)
        assert answer["class"] == f"transformers_modules.{type(model).__name__}"
        with torch.no_grad():
            logits = model(**image_processor(Image.open(tmp_path / "face.png"), return_tensors="pt")).logits[0]
            from_features = model.calibrate(model.classifier(torch.tensor([answer["features"]])))[0]
        torch.testing.assert_close(torch.tensor(answer["logits"]), logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(from_features, logits, rtol=1e-4, atol=1e-5)
        scores = dict(zip(model.config.id2label.values(), logits.softmax(-1).tolist(), strict=True))
        for answers in answer["batch"]:
            assert {one["label"]: one["score"] for one in answers} == pytest.approx(scores, rel=1e-3)


def test_export_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(SystemExit, match="is not an empty folder"):
        main(["export", "baseline.report", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


# Beside `import fer_models`.


@pytest.mark.parametrize("trust", [None, True], ids=["plain", "trust_remote_code"])
def test_bundled_folder_loads_by_itself(trust: bool | None) -> None:
    """It names code that does not lie in it; the package's is registered."""
    model = AutoModelForImageClassification.from_pretrained(checkpoint_dir("baseline"), trust_remote_code=trust)
    assert type(model) is FerCnnForImageClassification
    image_processor = AutoImageProcessor.from_pretrained(checkpoint_dir("baseline"), trust_remote_code=trust)
    assert type(image_processor) is FerImageProcessor


def test_model_that_was_loaded_can_be_saved_again(checkpoint: Path, tmp_path: Path) -> None:
    for auto_class in (AutoModelForImageClassification, AutoImageProcessor):
        auto_class.from_pretrained(checkpoint).save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in checkpoint.iterdir()}
