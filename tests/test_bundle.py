import json
import os
import stat
from pathlib import Path

import pytest
import torch
import yaml
from tiny_runs import RECIPES_DIR, load_fer2013_once, load_few_per_split, train_tiny
from transformers import AutoModelForImageClassification, TrainingArguments

import fer_models
from fer_models import FerImageProcessor
from fer_models.zoo import CHECKPOINTS_DIR, list_models, list_tags
from training import bundle as bundle_module
from training import evaluate, train
from training.arguments import RecipeArguments, parse_recipe
from training.bundle import bundle
from training.data import decode
from training.memory import keep_freed_memory
from training.subsets import keep_agreed
from training.train import PLACE_FIELDS

CODE = ("configuration_fer.py", "image_processing_fer.py", "modeling_fer.py")
FILES = {
    *CODE,
    *("config.json", "model.safetensors", "preprocessor_config.json"),
    *("recipe.yaml", "history.json", "results.json"),
    *("curves.png", "confusion_matrix.png", "reliability.png"),
}
NAME = "batchnorm-dropout.trial"


@pytest.fixture(scope="module")
def run(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, measured on a few images. Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "load_fer2013", load_fer2013_once)
        patch.setattr(evaluate, "load_splits", load_few_per_split)
        run = train_tiny(made_up_parquet, tmp_path_factory.mktemp("bundle") / "run")
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
    for name in ("curves.png", "model.safetensors"):
        (old / name).write_bytes(b"old")
    assert {path.name for path in bundle(run, NAME, tmp_path).iterdir()} == FILES
    assert b"old" not in [(old / name).read_bytes() for name in ("curves.png", "model.safetensors")]
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
        ("baseline.report", "trained the network 'batchnorm-dropout', which cannot be bundled as 'baseline.report'"),
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


# --- the checkpoints that are bundled ---

BUNDLED = [f"{name}.{tag}" for name in list_models() for tag in list_tags(name)]
REPORT = [name for name in BUNDLED if name.endswith(".report")]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_checkpoint_holds_the_documented_files(name: str):
    assert {path.name for path in (CHECKPOINTS_DIR / name).iterdir()} >= FILES - set(CODE)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_code_is_the_package_s(name: str):
    files = list((CHECKPOINTS_DIR / name).glob("*.py"))
    assert len(files) == len(CODE), "its own configuration and network, and the preprocessing of all"
    for file in files:
        source = Path(fer_models.__file__).with_name(file.name)
        assert file.read_bytes() == source.read_bytes(), "bundle the run again"


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
    assert [row["epoch"] for row in history] == list(range(1, epochs + 1))
    assert epochs == 10 or not name.endswith(".report"), "the report's Table 2"


@pytest.mark.parametrize("name", REPORT)
def test_bundled_results_are_of_whole_splits(name: str):
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    sizes = [figures["n"] for figures in results["splits"].values()]
    assert sizes == [20_099, 2_151, 7_178, 3_589, 3_589, 1_990, 3_301]
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
    assert taken == pytest.approx(
        results["splits"]["validation"]["accuracy"], abs=1.5 / results["splits"]["validation"]["n"]
    ), "but for an image on the edge: the batch may be another"


@pytest.mark.slow
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_reproduce_their_answers(name: str, fer_data: Path):
    """To the last digit; on the smallest set of faces, so that the slow networks need some seconds only."""
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    model, image_processor = fer_models.load(*name.split("."))
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
