import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import make_tiny_config
from hub_server import HubServer
from huggingface_hub import ModelCard
from made_up_results import make_people_results

from fer_models import FerCnnForImageClassification
from fer_models.hub import make_fixed_revision
from fer_models.results import METRICS
from fer_models.zoo import CHECKPOINTS_DIR, ZOO, get_entry
from training.publishing import records
from training.publishing.architecture import describe_architecture
from training.publishing.model_card import (
    find_base_model,
    find_tag,
    list_parts,
    list_teachers,
    render_card,
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHECKPOINTS_DIR / "baseline.report", tmp_path / "baseline.report"))


def change_results(checkpoint: Path, change: Callable[[dict[str, Any]], object]) -> None:
    results = json.loads((checkpoint / "results.json").read_text())
    change(results)
    (checkpoint / "results.json").write_text(json.dumps(results))


def append_to_recipe(checkpoint: Path, text: str) -> None:
    with (checkpoint / "recipe.yaml").open("a") as recipe:
        recipe.write(text)


def read_words(card: str) -> str:
    """Without line breaks."""
    return " ".join(card.split())


def test_card_tells_robustness_and_cost_where_they_were_measured(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    change_results(checkpoint, lambda results: results.pop("robustness", None))
    card = render_card(checkpoint)
    assert [title for title in ("### Robustness", "### Cost") if title in card] == []
    rows = [{"change": "blur", "level": 2.0, "accuracy": 0.125}]
    change_results(checkpoint, lambda results: results.update(robustness={"split": "official_test", "rows": rows}))
    size = {"parameters": 389_639, "multiply_adds": 14_637_952, "file_bytes": 1_559_428}
    row = {"model": "baseline", "tag": "report", **size, "latency_ms": 1.25, "images_per_second": 1234.0}
    (tmp_path / "cost.json").write_text(json.dumps({"models": [row], "hardware": "a processor", "threads": 2}))
    card = render_card(checkpoint)
    cost = ("15 million multiply-adds", "1.6 MB", "1.2 ms", "1,234 faces a second", "a processor, threads: 2")
    assert [words for words in ("| blur | 2.0 | 12.5% |", *cost) if words not in card] == []


# --- what is in every card ---

# One of each way of training.
BUNDLED = sorted({path.suffix: path.name for path in sorted(CHECKPOINTS_DIR.glob("*.*"))}.values())


@pytest.mark.parametrize("name", BUNDLED)
def test_metadata_has_each_metric_of_the_splits_that_are_a_result(name: str, hub: HubServer):
    """No training images, no easy subset; and what chose the model is said to be no test."""
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    text = render_card(CHECKPOINTS_DIR / name, "alice/fer-x")
    card = ModelCard(text)
    card.validate()
    data = card.data
    about = (data.library_name, data.pipeline_tag, data.license, data.model_name)
    assert about == ("transformers", "image-classification", "apache-2.0", f"fer-{results['model']}")
    assert data.datasets is None, "FER2013 has no id on the Hub"
    selection = "ferplus_validation" if results.get("target", "label") != "label" else "official_validation"
    told = {
        (result.dataset_split, result.metric_type): (result.metric_value, result.dataset_args["n"])
        for result in data.eval_results
    }
    assert told == {
        (split, metric): (round(value, 4), figures["n"])
        for split, figures in results["splits"].items()
        if split in {"official_test_without_copies", "official_test", "ferplus_test", selection}
        for metric, value in (
            ("accuracy", figures["accuracy"]),
            ("f1", figures["macro_f1"]),
            ("recall", METRICS["macro_recall"].read("macro_recall", figures)),
            ("ece", figures["calibration"]["ece"]),
        )
        if value is not None
    }
    assert data.eval_results[0].dataset_split == "official_test_without_copies"
    chosen = [result.dataset_name for result in data.eval_results if result.dataset_split == selection]
    assert chosen
    assert all("no test: it chose" in words for words in chosen)
    assert [words for words in ("training images |", "annotators agree with the label") if f"| {words}" in text] == []
    assert f'repository, revision = "alice/fer-x", "{make_fixed_revision(CHECKPOINTS_DIR / name)}"' in text
    assert text.count("revision=revision") == 3


@pytest.mark.parametrize("missing", ["results.json", "history.json"])
def test_what_is_missing_is_left_out(missing: str, checkpoint: Path):
    """A run that the Trainer pushes has `run.json` and no results."""
    trained = json.loads((checkpoint / "results.json").read_text())["trained_with"]
    (checkpoint / "run.json").write_text(json.dumps(trained | {"seconds": 90}))
    (checkpoint / missing).unlink()
    card = render_card(checkpoint, figures=["curves.png"])
    assert [name for name in ("curves.png", "reliability.png") if f"]({name})" in card] == ["curves.png"]
    assert ("Not measured yet" in card) == (missing == "results.json")
    assert ("model-index" in card) == (missing != "results.json")
    assert ("seed 0, in 10 epochs, 1.5 minutes, on" in card) == (missing == "results.json")
    assert "None" not in card


def test_a_run_of_ones_own_tells_neither_our_seeds_nor_our_recipe(checkpoint: Path):
    """Its card gave the mean over seeds that the project had trained by other settings."""
    card = render_card(checkpoint)
    assert ("over 3 seeds" in card, "with other settings" in card) == (True, False)
    results = json.loads((checkpoint / "results.json").read_text())
    (checkpoint / "run.json").write_text(json.dumps(results["trained_with"]))
    append_to_recipe(checkpoint, "weight_decay: 0.5\n")
    card = render_card(checkpoint)
    assert "seeds" not in card
    assert "by the recipe `baseline.report` with other settings" in read_words(card)
    assert "# baseline.report\n" in card


def test_several_seeds_give_mean_and_spread_beside_the_report_s(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ours from the results, theirs from `published.yaml`."""
    monkeypatch.setattr(records, "SEEDS_DIR", tmp_path / "results")
    card = render_card(checkpoint)
    assert "seeds" not in card
    history = json.loads((checkpoint / "history.json").read_text())
    results = json.loads((checkpoint / "results.json").read_text())
    splits = results["splits"]
    ours = [history[-1]["train_accuracy"], splits["validation"]["accuracy"], splits["report_test"]["accuracy"]]
    assert f"| this model | {' | '.join(f'{share:.1%}' for share in ours)} |" in card
    assert "| the report's `baseline` | 67.4% | 56.0% | 55.0% |" in card
    mean = splits["official_test"]["accuracy"] + 0.02
    (tmp_path / "results").mkdir()
    for seed in (1, 2):
        for figures in splits.values():
            figures["accuracy"] += 0.02
        (tmp_path / "results" / f"baseline.report.seed-{seed}.json").write_text(json.dumps(results | {"seed": seed}))
    card = render_card(checkpoint)
    assert f"| {100 * mean:.1f} ± 2.0% |" in card
    assert "standard deviation over the seeds 0, 1, 2" in card


def test_changed_architecture_is_not_the_report_s(checkpoint: Path):
    recipe = (checkpoint / "recipe.yaml").read_text()
    (checkpoint / "recipe.yaml").write_text(recipe.replace("'{}'", "'{\"num_pools\": 4}'"))
    card = render_card(checkpoint)
    assert [words for words in ("November 2022", "the report's `baseline`") if words in card] == []


def test_card_tells_what_the_training_started_from_and_what_chose_its_epoch(checkpoint: Path):
    change_results(checkpoint, lambda one: one["splits"]["official_test_without_copies"].update(n=3300))
    words = read_words(render_card(checkpoint))
    assert "a student's report of November 2022 printed" in words
    assert "and 289 of the 3,589 test images of PrivateTest are copies" in words
    assert (
        "The last epoch is kept, and no image chose it. "
        "PublicTest, the official validation split, chose the temperature." in words
    )
    assert "first weights" not in words
    append_to_recipe(checkpoint, "load_best_model_at_end: true\npretrained: microsoft/resnet-18\n")
    words = read_words(render_card(checkpoint))
    assert "PublicTest, the official validation split, chose the epoch and the temperature." in words
    assert "from `microsoft/resnet-18`" in words
    assert "first weights" in words
    append_to_recipe(checkpoint, "pretrained: efficientnet-lite0\n")
    words = read_words(render_card(checkpoint))
    assert "EfficientNet-Lite0 as TensorFlow trained it on ImageNet" in words
    assert "Tan, Mingxing" in words


def test_card_of_a_model_that_learnt_votes_tells_what_it_learnt_what_chose_and_how_far_it_is(checkpoint: Path):
    """In two parts, the first from a backbone and from views with answers."""
    results = make_people_results(0.3, 0.75)
    for figures in results["splits"].values():
        figures |= {"f1": figures["recall"], "precision": figures["recall"]}
    first = {
        "seconds": 90.0,
        "hardware": "1 x GPU",
        "history": [{"epoch": 1, "validation_accuracy": 0.7}, {"epoch": 2, "validation_accuracy": 0.6}],
        "recipe": {"load_best_model_at_end": True, "pretrained": "somebody/backbone"},
        "views": {"teachers": {"runs/transfer.lite2/seed-0": "0123"}},
    }
    trained = json.loads((checkpoint / "results.json").read_text())["trained_with"]
    results["trained_with"] = trained | {"widened_from": first, "threads": 3}
    (checkpoint / "results.json").write_text(json.dumps(results))
    append_to_recipe(checkpoint, "target: votes\nwidened_from: runs/baseline.first/seed-0\n")
    text = render_card(checkpoint)
    words = read_words(text)
    for sentence in (
        "the votes of FER+'s ten annotators are spread",
        "it learnt the answers of `transfer.lite2` (seed 0), too",
        "Before, `baseline.first` (seed 0) had learnt for 2 epochs, 1.5 minutes on 1 x GPU, up to 70.0% on validation",
        "from `somebody/backbone`",
        ", threads: 3;",
        "PublicTest, the official validation split, chose the epoch, the temperature and the balance of the classes",
        "over the 650 faces of PrivateTest that have some, the model's probabilities are 0.250 from their shares",
        "one annotator is 0.375 from the nine others",
        "gets wrong on all 40 faces, its accuracy on FER+'s test split is 70.0%",
        "On PrivateTest by FER+'s majority (FER+'s test split), 560 images, class by class",
        "barsoum2016training",
    ):
        assert sentence in words
    data = ModelCard(text).data
    splits = list(dict.fromkeys(result.dataset_split for result in data.eval_results))
    assert splits == ["official_test_without_copies", "official_test", "ferplus_test", "ferplus_validation"]
    assert "ferplus" in data.tags


def test_all_teachers_of_all_parts_are_told():
    views = {"teachers": {"x/dense.tuned": "1"}}
    before = {"teachers": {"x/dense.tuned": "1", "x/a.b": "2"}}
    for recipe, trained_with, teachers in (
        ({}, {}, []),
        ({"teachers": '["runs/a.b/seed-1", "checkpoints/dense.tuned"]'}, {}, ["`a.b` (seed 1)", "`dense.tuned`"]),
        ({}, views | {"widened_from": before}, ["`dense.tuned`", "`a.b`"]),
    ):
        assert list_teachers(list_parts(recipe, trained_with)) == teachers


def test_tag_comes_from_the_folder_and_the_base_model_is_one_of_the_hub(tmp_path: Path):
    found = [find_tag(tmp_path / folder) for folder in ("baseline.report", "baseline.tuned/seed-1", "anywhere")]
    assert found == ["report", "tuned", "custom"]
    found = [find_base_model(one) for one in (None, "efficientnet-lite2", "microsoft/resnet-18", "runs/some/folder")]
    assert found == [None, "timm/tf_efficientnet_lite2.in1k", "microsoft/resnet-18", None]


# --- the architecture in words ---


@pytest.mark.parametrize("name", ZOO)
def test_architecture_has_every_weight(name: str):
    model = get_entry(name).model_class(get_entry(name).make_config())
    rows = describe_architecture(model)
    assert sum(row["weights"] for row in rows) == model.num_parameters()
    assert (rows[-1]["layers"], rows[-1]["output"]) == ("dense 7", "7")


def test_architecture_is_told_in_words():
    config = make_tiny_config(batch_norm=True, block_dropout=[0.25, 0.0], dense_sizes=[5])
    rows = describe_architecture(FerCnnForImageClassification(config))
    assert [(row["layers"], row["output"], row["weights"]) for row in rows] == [
        ("convolution 3x3, ReLU, batch norm, max pool 2x2, dropout 25%", "4 x 9 x 9", 48),
        ("convolution 3x3, ReLU, batch norm, max pool 2x2", "8 x 3 x 3", 312),
        ("dense 5, ReLU", "5", 365),
        ("dense 7", "7", 42),
    ]
