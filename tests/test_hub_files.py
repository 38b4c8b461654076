"""The files that travel to the Hub: what they may import, and that a checkpoint folder works on its own."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import REPO_ROOT, make_color_image, make_face, make_tiny_config
from PIL import Image
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification, pipeline
from transformers.dynamic_module_utils import get_imports, get_relative_imports

from fer_models import FerCnnConfig, FerCnnForImageClassification, FerImageProcessor
from fer_models.__main__ import main
from fer_models.zoo import checkpoint_dir

PATTERNS = ("configuration_*.py", "modeling_*.py", "image_processing_*.py")
HUB_FILES = sorted(path for pattern in PATTERNS for path in (REPO_ROOT / "fer_models").glob(pattern))
ALLOWED_PACKAGES = {"torch", "transformers", "huggingface_hub", "PIL", "numpy"}

SIZE = {"height": 20, "width": 20}

# What a stranger runs: the folders are all there is of this project.
STRANGER = """
import json, sys

sys.modules["fer_models"] = None  # it may be installed beside the libraries; now it cannot be imported
try:
    import fer_models
except ImportError:
    pass
else:
    raise AssertionError("fer_models can be imported, so this proves nothing")

from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoModelForImageClassification, pipeline

photo, *folders = sys.argv[1:]
answers = []
for folder in folders:
    image_processor = AutoImageProcessor.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForImageClassification.from_pretrained(folder, trust_remote_code=True)
    base = AutoModel.from_pretrained(folder, trust_remote_code=True).eval()
    pixel_values = image_processor(Image.open(photo), return_tensors="pt")["pixel_values"]
    classify = pipeline("image-classification", model=folder, trust_remote_code=True)
    answers.append({
        "modules": [type(one).__module__ for one in (model, base)],
        "id2label": list(model.config.id2label.values()),
        "pixel_values": pixel_values.tolist(),
        "logits": model(pixel_values).logits.tolist(),
        "features": base(pixel_values).pooler_output.tolist(),
        "pipeline": classify(photo, top_k=7),
    })
json.dump(answers, open("answers.json", "w"))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model and its image processor, saved."""
    folder = tmp_path_factory.mktemp("hub") / "tiny-fer"
    torch.manual_seed(0)
    model = FerCnnForImageClassification(make_tiny_config(batch_norm=True, dense_sizes=[6]))
    model(torch.rand(8, 1, 20, 20))  # in training mode: running statistics of its own
    model.save_pretrained(folder)
    FerImageProcessor(size=SIZE).save_pretrained(folder)
    return folder


def predict(folder: Path, image: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """`pixel_values` and `logits` by this package's own classes."""
    model = FerCnnForImageClassification.from_pretrained(folder)
    pixel_values = FerImageProcessor.from_pretrained(folder)(image, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        return pixel_values, model(pixel_values).logits


def make_scores(logits: torch.Tensor, labels: list[str]) -> dict[str, float]:
    return dict(zip(labels, logits[0].softmax(-1).tolist(), strict=True))


def to_scores(answers: list[dict[str, Any]]) -> dict[str, float]:
    return {answer["label"]: answer["score"] for answer in answers}


# The code.


def test_there_are_hub_files() -> None:
    assert {"configuration_fer.py", "modeling_fer.py", "image_processing_fer.py"} <= {path.name for path in HUB_FILES}


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
def test_hub_file_imports_only_what_every_user_has(path: Path) -> None:
    packages, _ = find_imports(path)
    assert packages - set(sys.stdlib_module_names) - ALLOWED_PACKAGES == set()


@pytest.mark.parametrize("path", HUB_FILES, ids=lambda path: path.name)
def test_hub_file_never_imports_sideways(path: Path) -> None:
    _, siblings = find_imports(path)
    if path.name.startswith("modeling_"):
        siblings = {name for name in siblings if not name.startswith("configuration_")}
    assert siblings <= {f"{path.name.partition('_')[0]}_fer_base"}, "but what all models share"


@pytest.mark.parametrize("path", HUB_FILES, ids=lambda path: path.name)
def test_scanner_of_transformers_sees_the_true_imports(path: Path) -> None:
    """The scanner is a regular expression: a line of a docstring that looks like an import breaks saving."""
    packages, siblings = find_imports(path)
    assert set(get_relative_imports(path)) == siblings
    assert set(get_imports(path)) == packages


def test_checkpoint_folder_holds_weights_facts_and_code(checkpoint: Path) -> None:
    assert {path.name for path in checkpoint.iterdir()} == {
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "configuration_fer.py",
        "configuration_fer_base.py",
        "modeling_fer.py",
        "modeling_fer_base.py",
        "image_processing_fer.py",
    }
    config = json.loads((checkpoint / "config.json").read_text())
    assert config["auto_map"] == {
        "AutoConfig": "configuration_fer.FerCnnConfig",
        "AutoModel": "modeling_fer.FerCnnModel",
        "AutoModelForImageClassification": "modeling_fer.FerCnnForImageClassification",
    }
    preprocessor = json.loads((checkpoint / "preprocessor_config.json").read_text())
    assert preprocessor["auto_map"] == {"AutoImageProcessor": "image_processing_fer.FerImageProcessor"}


# The folder, in a process that has nothing else of this project.


@pytest.mark.slow
def test_a_stranger_gets_from_a_folder_what_the_package_gives(checkpoint: Path, tmp_path: Path) -> None:
    """Of a checkpoint that was saved, and of exported ones; tensors, logits, features and the pipeline."""
    make_face(100).save(tmp_path / "face.png")
    folders = [checkpoint, tmp_path / "baseline", tmp_path / "transfer"]
    for folder in folders[1:]:
        main(["export", f"{folder.name}.tuned", str(folder)])
    result = subprocess.run(
        [sys.executable, "-I", "-c", STRANGER, "face.png", *map(str, folders)],
        cwd=tmp_path,
        env=os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules")},
        stdin=subprocess.DEVNULL,  # nobody is there to be asked for trust
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    for folder, answer in zip(folders, json.loads((tmp_path / "answers.json").read_text()), strict=True):
        assert all(module.startswith("transformers_modules.") for module in answer["modules"])
        model = AutoModelForImageClassification.from_pretrained(folder)
        image_processor = AutoImageProcessor.from_pretrained(folder)
        pixel_values = image_processor(Image.open(tmp_path / "face.png"), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            logits = model(pixel_values).logits
            features = model.classifier(torch.tensor(answer["features"])) / model.config.temperature
        assert np.array_equal(answer["pixel_values"], pixel_values.tolist())
        torch.testing.assert_close(torch.tensor(answer["logits"]), logits, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(features, logits, rtol=1e-4, atol=1e-5)
        assert to_scores(answer["pipeline"]) == pytest.approx(make_scores(logits, answer["id2label"]), rel=1e-3)


def test_export_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(SystemExit, match="is not an empty folder"):
        main(["export", "baseline.report", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


# The folder, beside `import fer_models`.


@pytest.mark.parametrize("trust", [None, True], ids=["plain", "trust_remote_code"])
def test_bundled_folder_loads_by_itself(trust: bool | None) -> None:
    """It names code that does not lie in it; the package's is registered."""
    model = AutoModelForImageClassification.from_pretrained(checkpoint_dir("baseline"), trust_remote_code=trust)
    assert type(model) is FerCnnForImageClassification
    image_processor = AutoImageProcessor.from_pretrained(checkpoint_dir("baseline"), trust_remote_code=trust)
    assert type(image_processor) is FerImageProcessor


def test_auto_classes_need_no_trust_once_the_package_is_imported(checkpoint: Path) -> None:
    assert type(AutoConfig.from_pretrained(checkpoint)) is FerCnnConfig
    image_processor = AutoImageProcessor.from_pretrained(checkpoint)
    assert type(image_processor) is FerImageProcessor
    model = AutoModelForImageClassification.from_pretrained(checkpoint)
    assert type(model) is FerCnnForImageClassification
    pixel_values, logits = predict(checkpoint, make_face())
    assert torch.equal(image_processor(make_face(), return_tensors="pt")["pixel_values"], pixel_values)
    assert torch.equal(model(pixel_values).logits, logits)


def test_auto_model_makes_an_untrained_model_from_a_configuration() -> None:
    model = AutoModelForImageClassification.from_config(make_tiny_config())
    assert type(model) is FerCnnForImageClassification


@pytest.mark.parametrize("count", [1, 3], ids=["one picture", "a list of pictures"])
def test_pipeline_takes_a_model_and_its_image_processor(checkpoint: Path, count: int) -> None:
    model = FerCnnForImageClassification.from_pretrained(checkpoint)
    classify = pipeline(
        "image-classification", model=model, image_processor=FerImageProcessor.from_pretrained(checkpoint)
    )
    images = [make_color_image(30, 40, seed) for seed in range(count)]
    for image, answers in zip(images, classify(images, top_k=7), strict=True):
        _, logits = predict(checkpoint, image)
        assert to_scores(answers) == pytest.approx(make_scores(logits, list(model.config.id2label.values())), rel=1e-4)
        assert [answer["score"] for answer in answers] == sorted((a["score"] for a in answers), reverse=True)


def test_model_that_was_loaded_can_be_saved_again(checkpoint: Path, tmp_path: Path) -> None:
    AutoModelForImageClassification.from_pretrained(checkpoint).save_pretrained(tmp_path)
    AutoImageProcessor.from_pretrained(checkpoint).save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in checkpoint.iterdir()}
    assert torch.equal(predict(tmp_path, make_face())[1], predict(checkpoint, make_face())[1])
