import functools
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import exit_message
from safetensors.torch import load_file, save_file
from tiny_runs import load_fer2013_once, load_few_per_split, pass_for_whole, read_json, train_tiny
from transformers import AutoModelForImageClassification

import fer_models
from fer_models import FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from fer_models.hub import compute_fingerprint
from fer_models.memory import keep_freed_memory
from fer_models.zoo import CHECKPOINTS_DIR, list_models, list_tags
from training.data import FaceTensors, decode
from training.evaluation import evaluate
from training.evaluation.subsets import keep_agreed
from training.publishing import bundle as bundle_module
from training.publishing.bundle import bundle

FILES = {
    *("config.json", "model.safetensors", "preprocessor_config.json"),
    *("recipe.yaml", "history.json", "results.json"),
}
NAME = "batchnorm-dropout.trial"


@pytest.fixture(scope="module")
def run(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, measured on a few images. Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "load_splits", load_few_per_split)
        run = pass_for_whole(train_tiny(made_up_parquet, tmp_path_factory.mktemp("bundle") / "run"))
        evaluate.main([str(run)])
    return run


def read_all(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# --- bundling ---


def test_checkpoint_is_data_alone_that_everybody_may_read_and_gives_the_run_s_logits(run: Path, tmp_path: Path):
    """Folder and weights used to be their owner's alone: another user could not run the app."""
    umask = os.umask(0o022)
    try:
        target = bundle(run, NAME, tmp_path / "checkpoints")
    finally:
        os.umask(umask)
    assert target == tmp_path / "checkpoints" / NAME
    modes = {path.name: stat.filemode(path.stat().st_mode) for path in (target, *target.iterdir())}
    assert modes == {NAME: "drwxr-xr-x"} | dict.fromkeys(FILES, "-rw-r--r--")
    assert [path.name for path in target.parent.iterdir()] == [NAME], "nothing temporary is left"
    recipes = [yaml.safe_load((folder / "recipe.yaml").read_text()) for folder in (run, target)]
    assert {field for field in recipes[0] if field not in recipes[1]} >= {"data", "output_dir"}, "of this machine"
    assert recipes[1].items() <= recipes[0].items()
    for name in ("history.json", "results.json"):
        assert (target / name).read_bytes() == (run / name).read_bytes()
    assert "use_cache" not in read_json(target / "config.json"), "it is the Trainer's"
    faces = torch.rand(3, 1, 48, 48)
    logits = [AutoModelForImageClassification.from_pretrained(path)(faces).logits for path in (run, target)]
    assert torch.equal(*logits)


def test_failure_and_interruption_leave_the_old_checkpoint(run: Path, tmp_path: Path, monkeypatch):
    """While the new one had no name yet, the old one had none any more, and went with the temporary folder."""
    old = read_all(bundle(run, NAME, tmp_path))
    rename = Path.rename

    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def interrupt(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    for owner, method, fails in ((bundle_module.shutil, "copy", no_room), (Path, "rename", interrupt)):
        with monkeypatch.context() as patch:
            patch.setattr(owner, method, fails)
            with pytest.raises((OSError, KeyboardInterrupt)):
                bundle(run, NAME, tmp_path)
        assert read_all(tmp_path / NAME) == old
        assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_wrong_name_is_refused(run: Path, tmp_path: Path):
    for name, message in (
        ("", "There is no model ''"),
        ("batchnorm-dropout", "named <name>.<tag>, such as batchnorm-dropout.report; got 'batchnorm-dropout'"),
        ("resnet.report", "There is no model 'resnet'"),  # the zoo could not load it
        ("baseline.report", "trained the model 'batchnorm-dropout', which cannot be bundled as 'baseline.report'"),
    ):
        with pytest.raises(ValueError, match=message):
            bundle(run, name, tmp_path / "checkpoints")
        assert not (tmp_path / "checkpoints").exists()


def test_run_that_is_not_finished_calibrated_and_then_measured_is_refused(run: Path, tmp_path: Path):
    message = exit_message(bundle_module.main, tmp_path, "baseline.report")
    assert "lacks recipe.yaml, history.json, results.json: finish it" in message
    other = Path(shutil.copytree(run, tmp_path / "run"))
    for temperature, words in ((1.0, "is not calibrated"), (1.1, "evaluate on it again")):
        edit(other / "config.json", temperature=temperature)
        with pytest.raises(ValueError, match=words):
            bundle(other, NAME, tmp_path / "checkpoints", force=True)


# --- what is not replaced ---


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_trial_never_becomes_a_checkpoint(run: Path, tmp_path: Path):
    """One replaced the shipped weights, without a word."""
    trial = Path(shutil.copytree(run, tmp_path / "run"))
    with (trial / "recipe.yaml").open("a") as recipe:
        recipe.write("samples_per_class: 200\n")
    told = r"is a trial run \(samples_per_class: 200\), and is neither bundled nor pushed"
    with pytest.raises(ValueError, match=told):
        bundle(trial, NAME, tmp_path / "checkpoints", force=True)
    assert not (tmp_path / "checkpoints").exists()


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A bundled checkpoint as a run of the same weights, which were changed a little."""
    run = Path(shutil.copytree(CHECKPOINTS_DIR / "baseline.report", tmp_path / "run"))
    weights = load_file(run / "model.safetensors")
    weights["classifier.bias"] += 0.01
    save_file(weights, run / "model.safetensors", metadata={"format": "pt"})
    return run


def test_other_weights_are_replaced_by_force_only(changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    checkpoints = tmp_path / "checkpoints"
    for _ in range(2):  # the same weights take no force
        target = bundle(CHECKPOINTS_DIR / "baseline.report", "baseline.report", checkpoints)
    old, fingerprint = read_all(target), compute_fingerprint(target)
    results = read_json(changed / "results.json")
    accuracy = results["splits"]["official_test"]["accuracy"]
    results["splits"]["official_test"]["accuracy"] = 0.27
    edit(changed / "results.json", **results)
    with pytest.raises(ValueError, match=rf"holds the weights {fingerprint} \({100 * accuracy:.1f}% of .*add --force"):
        bundle(changed, "baseline.report", checkpoints)
    assert read_all(target) == old
    bundle(changed, "baseline.report", checkpoints, force=True)
    new = compute_fingerprint(target)
    assert new != fingerprint
    assert f"; the weights {new} (27.0% of PrivateTest right) would replace it" in capsys.readouterr().out
    assert [path.name for path in checkpoints.iterdir()] == ["baseline.report"]


def test_a_run_of_another_recipe_takes_force(changed: Path, tmp_path: Path):
    told = r"not trained as baseline.tuned.yaml says: .*num_train_epochs 10.* instead of .*add --force"
    with pytest.raises(ValueError, match=told):
        bundle(changed, "baseline.tuned", tmp_path / "checkpoints")
    assert bundle(changed, "baseline.tuned", tmp_path / "checkpoints", force=True).is_dir()


@pytest.mark.parametrize("put", ["file", "link", "notes"])
def test_what_no_bundle_wrote_stays(put: str, run: Path, tmp_path: Path):
    target, away = tmp_path / "checkpoints" / NAME, tmp_path / "away"
    target.parent.mkdir()
    away.mkdir()
    (away / "thesis.doc").write_text("years")
    if put == "file":
        target.write_text("years")
    elif put == "link":
        target.symlink_to(away)
    else:
        shutil.copytree(away, target)
    before = read_all(tmp_path / "checkpoints")
    with pytest.raises(ValueError, match=r"is no folder. Move it away|was not bundled \(thesis.doc\). Move that away"):
        bundle(run, NAME, target.parent, force=True)
    assert read_all(tmp_path / "checkpoints") == before
    assert (away / "thesis.doc").exists()


# --- the checkpoints that are bundled ---

BUNDLED = [f"{name}.{tag}" for name in list_models() for tag in list_tags(name)]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_checkpoint_was_trained_by_the_recipe_as_it_is(name: str):
    assert {path.name for path in (CHECKPOINTS_DIR / name).iterdir()} == FILES
    assert bundle_module.list_changes(CHECKPOINTS_DIR / name, name) == []


FEW = ("disgust", "fear")  # the classes with the fewest faces, so that a slow model needs some seconds only


@pytest.fixture(scope="module")
def decode_few(fer_data: Path) -> Callable[[str], FaceTensors]:
    """Gives the faces of these classes as an image processor makes them, which its JSON tells."""
    rows = keep_agreed(load_fer2013_once(fer_data, "official")["validation"])
    if not len(rows):
        pytest.skip(f"{fer_data} has no votes of FER+")
    few = rows.select([index for index, label in enumerate(rows["label"][:]) if FER_LABELS[label] in FEW])
    return functools.cache(lambda processor: decode(few, FerImageProcessor.from_dict(json.loads(processor))))


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_reproduce_their_answers(name: str, decode_few: Callable[[str], FaceTensors]):
    """Every one: a class is a row of the confusion matrix."""
    results = read_json(CHECKPOINTS_DIR / name / "results.json")
    model, image_processor = fer_models.load(*name.split("."))
    assert model.config.temperature == results["temperature"]
    model.to(memory_format=torch.channels_last)  # as it is served
    faces = decode_few(image_processor.to_json_string())
    keep_freed_memory()
    found = evaluate.measure(evaluate.predict_logits(model, faces), faces.labels, model.config.temperature)
    recorded = results["splits"]["official_validation_agreed"]["confusion_matrix"]
    for label in map(FER_LABELS.index, FEW):
        assert found["confusion_matrix"][label] == recorded[label]
