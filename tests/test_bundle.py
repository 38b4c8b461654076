import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tiny_runs import RECIPES_DIR, load_fer2013_once, load_few_per_split, pass_for_whole, train_tiny
from transformers import AutoModelForImageClassification, TrainingArguments

import fer_models
from fer_models import FerImageProcessor
from fer_models.hub import compute_fingerprint
from fer_models.memory import keep_freed_memory
from fer_models.zoo import CHECKPOINTS_DIR, list_models, list_tags
from training import train
from training.data import decode
from training.evaluation import evaluate
from training.evaluation.subsets import keep_agreed
from training.publishing import bundle as bundle_module
from training.publishing.bundle import bundle
from training.recipe import RecipeArguments, parse_recipe
from training.runtime.runs import PLACE_FIELDS

FILES = {
    *("config.json", "model.safetensors", "preprocessor_config.json"),
    *("recipe.yaml", "history.json", "results.json"),
}
NAME = "batchnorm-dropout.trial"


@pytest.fixture(scope="module")
def run(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, measured on a few images. Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "load_fer2013", load_fer2013_once)
        patch.setattr(evaluate, "load_splits", load_few_per_split)
        run = pass_for_whole(train_tiny(made_up_parquet, tmp_path_factory.mktemp("bundle") / "run"))
        evaluate.main([str(run)])
    return run


def read_all(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# --- bundling ---


def test_checkpoint_holds_the_documented_files(run: Path, tmp_path: Path):
    target = bundle(run, NAME, tmp_path / "checkpoints")
    assert target == tmp_path / "checkpoints" / NAME
    assert {path.name for path in target.iterdir()} == FILES
    assert [path.name for path in target.parent.iterdir()] == [NAME], "nothing temporary is left"
    for name in ("recipe.yaml", "history.json", "results.json"):
        assert (target / name).read_bytes() == (run / name).read_bytes()


def test_checkpoint_gives_the_run_s_logits(run: Path, tmp_path: Path):
    target = bundle(run, NAME, tmp_path)
    faces = torch.rand(3, 1, 48, 48)
    logits = [AutoModelForImageClassification.from_pretrained(path)(faces).logits for path in (run, target)]
    assert torch.equal(*logits)


def test_checkpoint_holds_nothing_of_the_trainer(run: Path, tmp_path: Path):
    assert "use_cache" in json.loads((run / "config.json").read_text()), "else there is nothing to remove any more"
    assert "use_cache" not in json.loads((bundle(run, NAME, tmp_path) / "config.json").read_text())


def test_checkpoint_can_be_read_by_everybody(run: Path, tmp_path: Path):
    """Its folder used to be its owner's alone, and so were the weights: another user could not run the app."""
    umask = os.umask(0o022)
    try:
        target = bundle(run, NAME, tmp_path)
    finally:
        os.umask(umask)
    assert stat.filemode(target.stat().st_mode) == "drwxr-xr-x"
    assert {path.name: stat.filemode(path.stat().st_mode) for path in target.iterdir()} == dict.fromkeys(
        FILES, "-rw-r--r--"
    )


def test_new_checkpoint_replaces_the_old_one(run: Path, tmp_path: Path):
    old = bundle(run, NAME, tmp_path)
    for name in ("history.json", "model.safetensors"):
        (old / name).write_bytes(b"old")
    assert {path.name for path in bundle(run, NAME, tmp_path, force=True).iterdir()} == FILES
    assert b"old" not in [(old / name).read_bytes() for name in ("history.json", "model.safetensors")]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (FerImageProcessor, "save_pretrained"),  # after the weights
        (bundle_module.shutil, "copy"),  # at the first record
    ],
)
def test_failure_leaves_the_old_checkpoint(owner, method, run: Path, tmp_path: Path, monkeypatch):
    old = read_all(bundle(run, NAME, tmp_path))

    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(owner, method, no_room)
    with pytest.raises(OSError, match="No space left"):
        bundle(run, NAME, tmp_path)
    assert read_all(tmp_path / NAME) == old
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_interruption_leaves_the_old_checkpoint(run: Path, tmp_path: Path, monkeypatch):
    """While the new one had no name yet, the old one had none any more, and went with the temporary folder."""
    old = read_all(bundle(run, NAME, tmp_path))
    rename = Path.rename

    def interrupt(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        bundle(run, NAME, tmp_path)
    assert read_all(tmp_path / NAME) == old


@pytest.mark.parametrize("missing", ["recipe.yaml", "history.json", "results.json"])
def test_unfinished_run_is_refused(missing: str, run: Path, tmp_path: Path):
    copy = tmp_path / "run"
    copy.mkdir()
    for name, content in read_all(run).items():
        if "/" not in name and name != missing:
            (copy / name).write_bytes(content)
    with pytest.raises(FileNotFoundError, match=f"run lacks {missing}: finish it"):
        bundle(copy, NAME, tmp_path / "checkpoints")
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "There is no model ''"),
        ("batchnorm-dropout", "named <name>.<tag>, such as batchnorm-dropout.report; got 'batchnorm-dropout'"),
        ("batchnorm-dropout.", "named <name>.<tag>"),
        (".report", "There is no model ''"),
        ("resnet.report", "There is no model 'resnet'"),  # the zoo could not load it
        ("baseline.report", "trained the model 'batchnorm-dropout', which cannot be bundled as 'baseline.report'"),
    ],
)
def test_wrong_name_is_refused(name: str, message: str, run: Path, tmp_path: Path):
    with pytest.raises(ValueError, match=message):
        bundle(run, name, tmp_path / "checkpoints")
    assert not (tmp_path / "checkpoints").exists()


def test_wrong_arguments_get_a_sentence(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"error: .* lacks recipe.yaml, history.json, results.json: finish it"):
        bundle_module.main([str(tmp_path), "baseline.report"])
    with pytest.raises(SystemExit, match="error: There is no model 'resnet'"):
        bundle_module.main([str(tmp_path), "resnet.report"])


# --- what is not replaced ---


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def copy_checkpoint(name: str, target: Path) -> Path:
    """A bundled checkpoint as a run of the same weights, which were changed a little."""
    shutil.copytree(CHECKPOINTS_DIR / name, target)
    (target / "model.safetensors").chmod(0o600)
    weights = load_file(target / "model.safetensors")
    weights["classifier.bias"] += 0.01
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})
    return target


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_trial_never_becomes_a_checkpoint(force: list[str], tmp_path: Path, monkeypatch):
    """One replaced the shipped weights, without a word."""
    run = copy_checkpoint("baseline.report", tmp_path / "run")
    (run / "recipe.yaml").write_text((run / "recipe.yaml").read_text() + "samples_per_class: 200\n")
    monkeypatch.setattr(bundle_module.bundle, "__defaults__", (tmp_path / "checkpoints", False))
    with pytest.raises(
        SystemExit, match=r"is a trial run \(samples_per_class: 200\), and is neither bundled nor pushed"
    ):
        bundle_module.main([str(run), "baseline.report", *force])
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"temperature": 1.0}, "is not calibrated"), ({"temperature": 1.1}, "evaluate on it again")],
    ids=["not calibrated", "measured before"],
)
def test_a_run_that_is_not_calibrated_and_then_measured_is_refused(changes, sentence, run: Path, tmp_path: Path):
    other = Path(shutil.copytree(run, tmp_path / "run"))
    edit(other / "config.json", **changes)
    with pytest.raises(ValueError, match=sentence):
        bundle(other, NAME, tmp_path / "checkpoints", force=True)


def test_other_weights_are_replaced_by_force_only(tmp_path: Path, capsys: pytest.CaptureFixture):
    checkpoints = tmp_path / "checkpoints"
    target = Path(shutil.copytree(CHECKPOINTS_DIR / "baseline.report", checkpoints / "baseline.report"))
    old, fingerprint = read_all(target), compute_fingerprint(target)
    run = copy_checkpoint("baseline.report", tmp_path / "run")
    results = json.loads((run / "results.json").read_text())
    accuracy = results["splits"]["official_test"]["accuracy"]
    results["splits"]["official_test"]["accuracy"] = 0.27
    edit(run / "results.json", **results)
    with pytest.raises(ValueError, match=rf"holds the weights {fingerprint} \({100 * accuracy:.1f}% of .*add --force"):
        bundle(run, "baseline.report", checkpoints)
    assert read_all(target) == old
    assert [path.name for path in checkpoints.iterdir()] == ["baseline.report"]
    bundle(run, "baseline.report", checkpoints, force=True)
    new = compute_fingerprint(target)
    assert new != fingerprint
    assert f"; the weights {new} (27.0% of PrivateTest right) would replace it" in capsys.readouterr().out


def test_the_same_weights_take_no_force(tmp_path: Path):
    checkpoints = tmp_path / "checkpoints"
    for _ in range(2):
        bundle(CHECKPOINTS_DIR / "baseline.report", "baseline.report", checkpoints)


def test_a_run_of_another_recipe_takes_force(tmp_path: Path):
    run = copy_checkpoint("baseline.report", tmp_path / "run")
    with pytest.raises(
        ValueError, match=r"not trained as baseline.tuned.yaml says: .*num_train_epochs 10.* instead of .*add --force"
    ):
        bundle(run, "baseline.tuned", tmp_path / "checkpoints")
    assert bundle(run, "baseline.tuned", tmp_path / "checkpoints", force=True).is_dir()


@pytest.mark.parametrize("put", ["file", "link", "notes"])
def test_what_no_bundle_wrote_stays(put: str, run: Path, tmp_path: Path):
    target = tmp_path / "checkpoints" / NAME
    target.parent.mkdir()
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "thesis.doc").write_text("years")
    if put == "file":
        target.write_text("years")
    elif put == "link":
        target.symlink_to(tmp_path / "away")
    else:
        shutil.copytree(tmp_path / "away", target)
    before = read_all(tmp_path / "checkpoints")
    with pytest.raises(ValueError, match=r"is no folder. Move it away|was not bundled \(thesis.doc\). Move that away"):
        bundle(run, NAME, target.parent, force=True)
    assert read_all(tmp_path / "checkpoints") == before
    assert (tmp_path / "away" / "thesis.doc").exists()


# --- the checkpoints that are bundled ---

BUNDLED = [f"{name}.{tag}" for name in list_models() for tag in list_tags(name)]
REPORT = [name for name in BUNDLED if name.endswith(".report")]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_checkpoint_holds_the_documented_files(name: str):
    assert {path.name for path in (CHECKPOINTS_DIR / name).iterdir()} == FILES


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_checkpoint_was_trained_by_the_recipe_as_it_is(name: str):
    """Every field that the recipe names, and every one of our own whether it is named or not."""
    recipe, args = parse_recipe(RECIPES_DIR / f"{name}.yaml", [])
    named = yaml.safe_load((RECIPES_DIR / f"{name}.yaml").read_text()).keys()
    fields = (named | vars(recipe).keys()) - PLACE_FIELDS
    bundled = yaml.safe_load((CHECKPOINTS_DIR / name / "recipe.yaml").read_text())
    defaults = vars(RecipeArguments(model=recipe.model, protocol=recipe.protocol))
    defaults |= TrainingArguments(output_dir=args.output_dir).to_dict()
    expected = vars(recipe) | args.to_dict()
    assert {field: bundled.get(field, defaults[field]) for field in fields} == {
        field: expected[field] for field in fields
    }


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_history_has_every_epoch(name: str):
    epochs = yaml.safe_load((RECIPES_DIR / f"{name}.yaml").read_text())["num_train_epochs"]
    history = json.loads((CHECKPOINTS_DIR / name / "history.json").read_text())
    if epochs:
        assert [row["epoch"] for row in history] == list(range(1, epochs + 1))
    else:  # as the one that it goes on from
        assert history
    assert epochs == 10 or not name.endswith(".report"), "the report's Table 2"


@pytest.mark.parametrize("name", REPORT)
def test_bundled_results_are_of_whole_splits(name: str):
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    sizes = [figures["n"] for figures in results["splits"].values()]
    assert sizes == [20_099, 2_151, 7_178, 3_589, 3_589, 1_990, 3_301, 3_186, 3_136]
    assert results["trained_with"]["images"] == {"train": 20_099, "validation": 2_151, "test": 7_178}
    assert not results["trained_with"]["commit"].endswith("-dirty"), "trained by code that was never committed"


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_validation_accuracy_is_that_of_the_epoch_that_the_recipe_takes(name: str):
    """The last one, or the best on validation where the recipe says so."""
    recipe = yaml.safe_load((CHECKPOINTS_DIR / name / "recipe.yaml").read_text())
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    history = json.loads((CHECKPOINTS_DIR / name / "history.json").read_text())
    accuracies = [row["validation_accuracy"] for row in history]
    taken = max(accuracies) if recipe.get("load_best_model_at_end") else accuracies[-1]
    measured, n = results["splits"]["validation"]["accuracy"], results["splits"]["validation"]["n"]
    if recipe.get("target") == "votes":  # chosen by people, and balanced afterwards
        if not recipe["num_train_epochs"]:
            pytest.skip("the history is that of a model with two heads, by its labels")
        measured, n = results["balance"]["rows"][0]["accuracy"], results["splits"]["ferplus_validation"]["n"]
    # But for a few images on the edge: the batch may be another, and a run may have had 16 bits.
    assert taken == pytest.approx(measured, abs=(1.5 if "bf16" not in recipe else 25) / n)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_reproduce_their_answers(name: str, fer_data: Path):
    """To the last digit; on the smallest set of faces, so that the slow models need some seconds only."""
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    model, image_processor = fer_models.load(*name.split("."))
    model.to(memory_format=torch.channels_last)  # as it is served
    rows = keep_agreed(load_fer2013_once(fer_data, "official")["validation"])
    if not len(rows):
        pytest.skip(f"{fer_data} has no votes of FER+")
    faces = decode(rows, image_processor)
    keep_freed_memory()
    figures = evaluate.measure(evaluate.predict_logits(model, faces), faces.labels, model.config.temperature)
    recorded = results["splits"]["official_validation_agreed"]
    assert figures["confusion_matrix"] == recorded["confusion_matrix"]
    assert figures["accuracy"] == recorded["accuracy"]
    # Sums of floating-point numbers depend on the processor from the seventh digit on.
    assert figures["calibration"]["ece"] == pytest.approx(recorded["calibration"]["ece"], abs=1e-5)
