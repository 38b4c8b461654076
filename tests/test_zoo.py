import shutil
from pathlib import Path

import pytest
import torch

import fer_models
from fer_models import zoo
from fer_models.inference import load_models


@pytest.fixture
def copied_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint that a test may damage."""
    shutil.copytree(zoo.CHECKPOINTS_DIR / "baseline.report", tmp_path / "baseline.report")
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path)
    return tmp_path / "baseline.report"


def test_only_bundled_models_are_listed_in_the_order_of_the_report(copied_checkpoint: Path) -> None:
    assert fer_models.list_models() == ["baseline"]
    for name in ("transfer.tuned", "dense.report"):
        (copied_checkpoint.parent / name).mkdir()
    assert fer_models.list_models() == ["baseline", "dense", "transfer"]


def test_a_model_loads_ready_to_use_as_its_preferred_training_left_it() -> None:
    model, image_processor = fer_models.load("transfer")
    assert not model.training
    pixel_values = image_processor(torch.rand(3, 1, 48, 48), return_tensors="pt")["pixel_values"]
    best, _ = fer_models.load("transfer", tag=zoo.list_tags("transfer")[0])
    assert torch.equal(model(pixel_values).logits, best(pixel_values).logits)


def test_what_does_not_exist_is_named_with_what_does() -> None:
    for name, tag, words in (
        ("", None, "There is no model ''. Choose one of: baseline, dense"),
        ("baseline", "tuned2", "Choose one of: .*report"),
        ("batchnorm", "dropout.report", "Choose one of: .*report"),  # not the model whose name goes on
    ):
        with pytest.raises(ValueError, match=words):
            fer_models.load(name, tag)


def test_ways_of_training_are_listed_as_they_are_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path)
    assert (zoo.list_tags("dense"), zoo.get_default_tag("dense")) == ([], "ferplus")
    (tmp_path / "dense.notebook").mkdir()
    assert zoo.get_default_tag("dense") == "notebook", "though `TAGS` does not have it"
    (tmp_path / "dense.report").mkdir()
    assert (zoo.list_tags("dense"), zoo.get_default_tag("dense")) == (["report", "notebook"], "report")
    for tag in ("apple", "tuned", "ferplus"):
        (tmp_path / f"dense.{tag}").mkdir()
    assert zoo.list_tags("dense") == ["ferplus", "tuned", "report", "apple", "notebook"]


def test_missing_and_damaged_weights_say_how_to_get_them(copied_checkpoint: Path) -> None:
    weights = copied_checkpoint / "model.safetensors"
    for size in (100_000, 0):
        weights.write_bytes(weights.read_bytes()[:size])
        with pytest.raises(OSError, match=r"damaged or cut short.*make train-baseline\.report"):
            fer_models.load("baseline")
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"are missing.*make train-baseline\.report"):
        fer_models.load("baseline")


def test_other_damaged_files_are_named(copied_checkpoint: Path) -> None:
    """A configuration was called the weights, and results were a traceback, from which a Space does not recover."""
    for name, content, words in (
        ("results.json", "", r"results\.json is damaged"),
        ("results.json", "{}", r"results\.json is damaged"),
        ("config.json", '{"model_type"', "weights or its configuration"),
    ):
        (copied_checkpoint / name).write_text(content)
        with pytest.raises(OSError, match=rf"{words}.*make train-baseline\.report"):
            load_models(["baseline"])
