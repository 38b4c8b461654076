from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import REPO_ROOT
from transformers import training_args

from training import recipe as recipe_module
from training.recipe import parse_recipe

RECIPES = sorted((REPO_ROOT / "training" / "recipes").glob("*.yaml"))
SMALLEST_RECIPE = "model: baseline\nprotocol: report\n"


def write_recipe(folder: Path, text: str) -> Path:
    path = folder / "trial.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_of_the_project_is_valid(path: Path) -> None:
    recipe, arguments = parse_recipe(path, [])
    assert path.stem.partition(".")[0] == recipe.model
    assert path.stem.partition(".")[2]  # a tag
    assert arguments.seed >= 0


# Tables 1 and 2 of the report; where they are silent, the defaults of Keras, with which it trained.
REPORT_SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 64,
    "gradient_accumulation_steps": 1,
    "num_train_epochs": 10,
    "max_steps": -1,
    "optim": "adamw_torch",  # Adam, since weight_decay is 0
    "learning_rate": 1e-3,
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-7,
    "weight_decay": 0.0,
    "max_grad_norm": 0.0,  # no clipping
    "lr_scheduler_type": "constant",
    "warmup_steps": 0,
    "label_smoothing_factor": 0.0,
    "load_best_model_at_end": False,  # the last epoch counts
    "dataloader_drop_last": False,
}


@pytest.mark.parametrize("name", ["baseline", "dense", "batchnorm", "batchnorm-dropout"])
def test_report_recipe_is_tables_1_and_2(name: str) -> None:
    recipe, arguments = parse_recipe(REPO_ROOT / "training" / "recipes" / f"{name}.report.yaml", [])
    assert {key: getattr(arguments, key) for key in REPORT_SETTINGS} == REPORT_SETTINGS
    assert (recipe.model, recipe.protocol, recipe.config_overrides) == (name, "report", "{}")
    assert recipe.samples_per_class is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["trial.yaml", "key: value"]),
        ("- model\n", ["trial.yaml", "key: value"]),  # a list
        ("model: [baseline\n", ["trial.yaml"]),  # no YAML
        ("protocol: report\n", ["model"]),
        ("model: baseline\n", ["protocol"]),
        ("model: huge\nprotocol: report\n", ["'huge'", "baseline"]),
        ("model: baseline\nprotocol: mine\n", ["'mine'", "official"]),
        (SMALLEST_RECIPE + "epochs: 3\n", ["--epochs"]),  # an unknown key
        (SMALLEST_RECIPE + "seed: many\n", ["seed", "many"]),
        (SMALLEST_RECIPE + "seed: 0.5\n", ["seed", "0.5"]),
        (SMALLEST_RECIPE + "resume: perhaps\n", ["resume"]),
        (SMALLEST_RECIPE + "optim: magic\n", ["optim", "magic"]),
        (SMALLEST_RECIPE + "samples_per_class: 0\n", ["samples_per_class", "0"]),
        (SMALLEST_RECIPE + "early_stopping_patience: 3\n", ["load_best_model_at_end"]),
        (SMALLEST_RECIPE + "target: heads\nlogit_adjustment: 0.5\n", ["two heads", "logit_adjustment"]),
        (SMALLEST_RECIPE + "config_overrides: ''\n", ["config_overrides", "JSON"]),
        (SMALLEST_RECIPE + "config_overrides: '[3]'\n", ["JSON object", "[3]"]),
        (SMALLEST_RECIPE + "config_overrides: {pools: 3}\n", ["FerCnnConfig", "pools"]),
        (SMALLEST_RECIPE + "config_overrides: {num_pools: 9}\n", ["num_pools", "9"]),  # out of range
        (SMALLEST_RECIPE + "config_overrides: {filters: []}\n", ["filters must hold at least one"]),
        (SMALLEST_RECIPE + "config_overrides: {num_pools: many}\n", ["num_pools", "many"]),
    ],
)
def test_bad_recipe_is_refused(text: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  the words are checked below
        parse_recipe(write_recipe(tmp_path, text), [])
    assert [word for word in words if word not in str(error.value)] == []


def test_command_line_wins_over_the_recipe_and_the_recipe_over_the_defaults(tmp_path: Path) -> None:
    own = "seed: 3\nlearning_rate: 1e-3\nchannels_last: true\n"  # YAML 1.1 takes 1e-3 for text
    overrides = "save_strategy: 'no'\nconfig_overrides: {num_pools: 3, dense_sizes: [8]}\n"
    path = write_recipe(tmp_path, SMALLEST_RECIPE + own + overrides)
    recipe, arguments = parse_recipe(path, ["--seed", "5", "--protocol", "official", "--channels_last", "false"])
    assert (arguments.seed, recipe.protocol, recipe.channels_last) == (5, "official", False)
    assert (arguments.learning_rate, arguments.save_strategy) == (1e-3, "no")
    config = recipe.make_config()
    assert (config.num_pools, config.dense_sizes, config.filters) == (3, [8], (32, 64, 128, 256))
    assert parse_recipe(write_recipe(tmp_path, SMALLEST_RECIPE), [])[1].save_strategy == "epoch"
    with pytest.raises(ValueError, match=r"The recipe .*none\.yaml cannot be read: No such file"):
        parse_recipe(tmp_path / "none.yaml", [])
    with pytest.raises(ValueError, match="--epochs"):
        parse_recipe(path, ["--epochs", "3"])


def test_a_gpu_that_can_trains_in_bf16_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was set when the Trainer's precision was chosen already: recorded, but never used."""
    monkeypatch.setattr(training_args, "is_torch_bf16_gpu_available", lambda: True)
    gpu = SimpleNamespace(is_available=lambda: True, is_bf16_supported=lambda: True)
    monkeypatch.setattr(recipe_module, "torch", SimpleNamespace(cuda=gpu))
    path = write_recipe(tmp_path, SMALLEST_RECIPE + "use_cpu: false\n")
    for overrides, precision in (
        ([], "bf16"),
        (["--bf16", "false"], "no"),
        (["--fp16", "true"], "fp16"),
        (["--use_cpu", "true"], "no"),
        (["--use_cpu", "true", "--bf16", "true"], "bf16"),
    ):
        arguments = parse_recipe(path, overrides)[1]
        assert (arguments.mixed_precision, arguments.bf16) == (precision, precision == "bf16"), overrides


def test_output_goes_to_a_folder_for_recipe_and_seed_and_a_trial_to_its_own(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, SMALLEST_RECIPE + "num_train_epochs: 10\n")
    for overrides, output_dir in (
        ([], "runs/trial/seed-42"),  # the seed that transformers takes
        (["--seed", "7", "--num_train_epochs", "10"], "runs/trial/seed-7"),
        (["--samples_per_class", "50"], "runs/trial/trial-seed-42"),
        (["--max_steps", "9", "--seed", "7"], "runs/trial/trial-seed-7"),
        (["--num_train_epochs", "9"], "runs/trial/trial-seed-42"),
        (["--trial", "true"], "runs/trial/trial-seed-42"),
        (["--samples_per_class", "5", "--output_dir", "elsewhere"], "elsewhere"),
    ):
        assert Path(parse_recipe(path, overrides)[1].output_dir) == Path(output_dir)
