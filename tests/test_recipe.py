import dataclasses
from pathlib import Path
from typing import Any

import pytest
from conftest import REPO_ROOT

from fer_models import list_models
from training.recipe import RecipeArguments, parse_recipe

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


@pytest.mark.parametrize("name", list_models()[:4])
def test_report_recipe_is_tables_1_and_2(name: str) -> None:
    recipe, arguments = parse_recipe(REPO_ROOT / "training" / "recipes" / f"{name}.report.yaml", [])
    assert {key: getattr(arguments, key) for key in REPORT_SETTINGS} == REPORT_SETTINGS
    assert (recipe.model, recipe.protocol, recipe.config_overrides) == (name, "report", "{}")
    assert recipe.samples_per_class is None


def test_every_field_of_a_recipe_has_help() -> None:
    assert all(field.metadata["help"] for field in dataclasses.fields(RecipeArguments))


@pytest.mark.parametrize(
    ("text", "overrides", "words"),
    [
        pytest.param("", [], ["trial.yaml", "key: value"], id="empty file"),
        pytest.param("- model\n", [], ["trial.yaml", "key: value"], id="a list"),
        pytest.param("model: [baseline\n", [], ["trial.yaml"], id="no YAML"),
        pytest.param("protocol: report\n", [], ["model"], id="no model"),
        pytest.param("model: baseline\n", [], ["protocol"], id="no protocol"),
        pytest.param(SMALLEST_RECIPE + "epochs: 3\n", [], ["--epochs"], id="unknown key"),
        pytest.param(SMALLEST_RECIPE, ["--epochs", "3"], ["--epochs"], id="unknown option"),
        pytest.param(SMALLEST_RECIPE + "seed: many\n", [], ["seed", "many"], id="word for a number"),
        pytest.param(SMALLEST_RECIPE + "seed: 0.5\n", [], ["seed", "0.5"], id="half a seed"),
        pytest.param(SMALLEST_RECIPE + "resume: perhaps\n", [], ["resume"], id="word for a yes or no"),
        pytest.param(SMALLEST_RECIPE + "optim: magic\n", [], ["optim", "magic"], id="unknown optimizer"),
        pytest.param("model: huge\nprotocol: report\n", [], ["'huge'", "baseline"], id="unknown model"),
        pytest.param("model: baseline\nprotocol: mine\n", [], ["'mine'", "official"], id="unknown protocol"),
        pytest.param(SMALLEST_RECIPE, ["--samples_per_class", "0"], ["samples_per_class", "0"], id="no samples"),
        pytest.param(
            SMALLEST_RECIPE, ["--config_overrides", ""], ["config_overrides", "JSON"], id="overrides are empty text"
        ),
        pytest.param(SMALLEST_RECIPE, ["--config_overrides", "{pools: 3}"], ["JSON", "{pools: 3}"], id="no JSON"),
        pytest.param(SMALLEST_RECIPE, ["--config_overrides", "[3]"], ["JSON object", "[3]"], id="a JSON list"),
        pytest.param(
            SMALLEST_RECIPE + "config_overrides: {pools: 3}\n", [], ["FerCnnConfig", "pools"], id="unknown override"
        ),
        pytest.param(
            SMALLEST_RECIPE + "config_overrides: {num_pools: 9}\n", [], ["num_pools", "9"], id="override out of range"
        ),
        pytest.param(
            SMALLEST_RECIPE + "config_overrides: {num_pools: many}\n",
            [],
            ["num_pools", "many"],
            id="override of the wrong type",
        ),
    ],
)
def test_bad_recipe_is_refused(text: str, overrides: list[str], words: list[str], tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  the words are checked below
        parse_recipe(write_recipe(tmp_path, text), overrides)
    for word in words:
        assert word in str(error.value)


def test_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"The recipe .*none\.yaml cannot be read: No such file"):
        parse_recipe(tmp_path / "none.yaml", [])


def test_command_line_wins_over_the_recipe(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, SMALLEST_RECIPE + "seed: 3\nlearning_rate: 0.1\nchannels_last: true\n")
    recipe, arguments = parse_recipe(path, ["--seed", "5", "--protocol", "official", "--channels_last", "false"])
    assert (arguments.seed, recipe.protocol, recipe.channels_last) == (5, "official", False)
    assert arguments.learning_rate == 0.1


def test_shared_defaults_can_be_overridden_by_a_recipe(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, SMALLEST_RECIPE + "save_strategy: 'no'\n")
    assert parse_recipe(path, [])[1].save_strategy == "no"
    assert parse_recipe(write_recipe(tmp_path, SMALLEST_RECIPE), [])[1].save_strategy == "epoch"


def test_number_that_yaml_takes_for_text_is_a_number(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, SMALLEST_RECIPE + "learning_rate: 1e-3\n")  # YAML 1.1 wants 1.0e-3
    assert parse_recipe(path, [])[1].learning_rate == 1e-3


def test_overrides_reach_the_configuration(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, SMALLEST_RECIPE + "config_overrides: {num_pools: 3, dense_sizes: [8]}\n")
    config = parse_recipe(path, [])[0].make_config()
    assert (config.num_pools, config.dense_sizes, config.filters) == (3, [8], (32, 64, 128, 256))


@pytest.mark.parametrize(
    ("overrides", "output_dir"),
    [
        pytest.param([], "runs/trial/seed-42", id="the seed that transformers takes"),
        pytest.param(["--seed", "7"], "runs/trial/seed-7", id="each seed has a folder"),
        pytest.param(["--output_dir", "elsewhere"], "elsewhere", id="as one says"),
        pytest.param(["--samples_per_class", "50"], "runs/trial/trial-seed-42", id="a trial: few images"),
        pytest.param(["--max_steps", "9", "--seed", "7"], "runs/trial/trial-seed-7", id="a trial: few steps"),
        pytest.param(["--num_train_epochs", "9"], "runs/trial/trial-seed-42", id="a trial: fewer epochs"),
        pytest.param(["--num_train_epochs", "10"], "runs/trial/seed-42", id="as many epochs"),
        pytest.param(
            ["--samples_per_class", "5", "--output_dir", "elsewhere"], "elsewhere", id="a trial goes where one says"
        ),
    ],
)
def test_output_goes_to_a_folder_for_recipe_and_seed(overrides: list[str], output_dir: str, tmp_path: Path) -> None:
    arguments = parse_recipe(write_recipe(tmp_path, SMALLEST_RECIPE + "num_train_epochs: 10\n"), overrides)[1]
    assert Path(arguments.output_dir) == Path(output_dir)
