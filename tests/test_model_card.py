import json
import shutil
from pathlib import Path

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
    find_cost,
    find_tag,
    list_parts,
    list_teachers,
    render_card,
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CHECKPOINTS_DIR / "baseline.report", tmp_path / "baseline.report"))


@pytest.mark.parametrize("rows", [None, [], [{"change": "blur", "level": 2.0, "accuracy": 0.125}]])
def test_card_tells_robustness_where_it_was_measured(checkpoint: Path, rows: list | None):
    results = json.loads((checkpoint / "results.json").read_text())
    results.pop("robustness", None)
    if rows is not None:
        results["robustness"] = {"split": "official_test", "rows": rows}
    (checkpoint / "results.json").write_text(json.dumps(results))
    card = render_card(checkpoint)
    assert ("### Robustness" in card) == (rows is not None)
    assert ("| blur | 2.0 | 12.5% |" in card) == bool(rows)


def test_card_tells_cost_where_it_was_measured(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "RESULTS_DIR", tmp_path)
    assert find_cost("baseline", 14_637_952) is None
    assert "### Cost" not in render_card(checkpoint)
    row = {
        "model": "baseline",
        "tag": "report",
        "parameters": 389_639,
        "multiply_adds": 14_637_952,
        "file_bytes": 1_559_428,
    }
    row |= {"latency_ms": 1.25, "images_per_second": 1234.0}
    (tmp_path / "cost.json").write_text(json.dumps({"models": [row], "hardware": "a processor", "threads": 2}))
    assert find_cost("baseline", 1_000) is None
    assert find_cost("dense", 14_637_952) is None
    card = render_card(checkpoint)
    for words in ("15 million multiply-adds", "1.6 MB", "1.2 ms", "1,234 faces a second", "a processor, threads: 2"):
        assert words in card


def test_card_tells_of_the_smaller_model_it_went_on_from(checkpoint: Path):
    card = render_card(checkpoint)
    assert "Before, " not in card
    assert "did not start from chance" not in card
    results = json.loads((checkpoint / "results.json").read_text())
    history = [{"epoch": 1, "validation_accuracy": 0.4567}, {"epoch": 2, "validation_accuracy": 0.4}]
    results["trained_with"]["widened_from"] = {"seconds": 90.0, "history": history}
    results["trained_with"]["widened_from"]["recipe"] = {"pretrained": "somebody/backbone"}
    results["trained_with"]["threads"] = 3
    (checkpoint / "results.json").write_text(json.dumps(results))
    card = render_card(checkpoint)
    assert "had learnt for 2 epochs, 1.5 minutes, up to 45.7% on validation, and this one went on from there" in card
    assert "from `somebody/backbone`" in card
    assert f"in {len(json.loads((checkpoint / 'history.json').read_text()))} epochs, " in card
    assert ", threads: 3;" in card


# --- what is in every card ---

BUNDLED = sorted(path.name for path in CHECKPOINTS_DIR.glob("*.*"))


@pytest.mark.parametrize("name", BUNDLED)
def test_metadata_has_each_metric_of_the_splits_that_are_a_result(name: str):
    results = json.loads((CHECKPOINTS_DIR / name / "results.json").read_text())
    data = ModelCard(render_card(CHECKPOINTS_DIR / name)).data
    assert (data.library_name, data.pipeline_tag, data.license) == (
        "transformers",
        "image-classification",
        "apache-2.0",
    )
    assert data.datasets is None, "FER2013 has no id on the Hub"
    assert data.model_name == f"fer-{results['model']}"
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


@pytest.mark.parametrize("name", BUNDLED)
def test_card_passes_the_client_s_validation(name: str, hub: HubServer):
    ModelCard(render_card(CHECKPOINTS_DIR / name)).validate()


def test_validation_can_fail(hub: HubServer):
    with pytest.raises(ValueError, match="license"):
        ModelCard("---\nlicense: none of yours\n---\n").validate()


@pytest.mark.parametrize("name", BUNDLED)
def test_snippets_name_the_fixed_revision(name: str):
    directory = CHECKPOINTS_DIR / name
    text = ModelCard(render_card(directory, "alice/fer-x")).text
    assert f'repository, revision = "alice/fer-x", "{make_fixed_revision(directory)}"' in text
    assert text.count("revision=revision") == 3


def test_figures_stand_beside_the_report_s(checkpoint: Path):
    """Ours from the results, theirs from `published.yaml`."""
    history = json.loads((checkpoint / "history.json").read_text())
    splits = json.loads((checkpoint / "results.json").read_text())["splits"]
    ours = [history[-1]["train_accuracy"], splits["validation"]["accuracy"], splits["report_test"]["accuracy"]]
    card = render_card(checkpoint)
    assert f"| this model | {' | '.join(f'{share:.1%}' for share in ours)} |" in card
    assert "| the report's `baseline` | 67.4% | 56.0% | 55.0% |" in card


@pytest.mark.parametrize("missing", ["results.json", "history.json"])
def test_what_is_missing_is_left_out(missing: str, checkpoint: Path):
    (checkpoint / missing).unlink()
    card = render_card(checkpoint, figures=["curves.png"])
    assert ("Not measured yet" in card) == (missing == "results.json")
    assert ("model-index" in card) == (missing != "results.json")
    assert "None" not in card


def test_card_shows_the_figures_that_lie_beside_it(checkpoint: Path):
    names = ("curves.png", "confusion_matrix.png", "reliability.png")
    for figures in ((), names[:1], names):
        card = render_card(checkpoint, figures=figures)
        assert [name for name in names if f"]({name})" in card] == list(figures)


def test_unmeasured_run_tells_its_training(checkpoint: Path):
    """A run that the Trainer pushes has `run.json` and no results."""
    trained = json.loads((checkpoint / "results.json").read_text())["trained_with"]
    (checkpoint / "run.json").write_text(json.dumps(trained | {"seconds": 90}))
    (checkpoint / "results.json").unlink()
    assert "seed 0, in 10 epochs, 1.5 minutes, on" in render_card(checkpoint)


def test_several_seeds_give_mean_and_spread(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "SEEDS_DIR", tmp_path / "results")
    assert "seeds" not in render_card(checkpoint)
    results = json.loads((checkpoint / "results.json").read_text())
    (tmp_path / "results").mkdir()
    for seed, difference in ((1, 0.02), (2, 0.04)):
        other = json.loads(json.dumps(results)) | {"seed": seed}
        for figures in other["splits"].values():
            figures["accuracy"] += difference
        (tmp_path / "results" / f"baseline.report.seed-{seed}.json").write_text(json.dumps(other))
    card = render_card(checkpoint)
    mean = results["splits"]["official_test"]["accuracy"] + 0.02
    assert f"| {100 * mean:.1f} ± 2.0% |" in card
    assert "standard deviation over the seeds 0, 1, 2" in card


def test_changed_architecture_is_not_the_report_s(checkpoint: Path):
    assert "a student's report of November 2022 printed" in render_card(checkpoint)
    recipe = (checkpoint / "recipe.yaml").read_text()
    (checkpoint / "recipe.yaml").write_text(recipe.replace("'{}'", "'{\"num_pools\": 4}'"))
    card = render_card(checkpoint)
    assert [words for words in ("November 2022", "the report's `baseline`") if words in card] == []


@pytest.mark.parametrize(
    ("pretrained", "words"),
    [
        (
            "efficientnet-lite0",
            ["EfficientNet-Lite0 as TensorFlow trained it on ImageNet", "Tan, Mingxing", "first weights"],
        ),
        ("microsoft/resnet-18", ["from `microsoft/resnet-18`", "first weights"]),
    ],
)
def test_card_tells_what_the_training_started_from(checkpoint: Path, pretrained: str, words: list[str]):
    assert [one for one in words if one in render_card(checkpoint)] == []
    with (checkpoint / "recipe.yaml").open("a") as recipe:
        recipe.write(f"pretrained: {pretrained}\n")
    card = render_card(checkpoint)
    assert [one for one in words if one not in card] == []


@pytest.fixture
def voter(checkpoint: Path) -> Path:
    """A checkpoint that learnt from votes, in two parts, the first from views with answers."""
    results = make_people_results(0.3, 0.75) | {
        "trained_with": json.loads((checkpoint / "results.json").read_text())["trained_with"]
    }
    for figures in results["splits"].values():
        figures |= {"f1": figures["recall"], "precision": figures["recall"]}
    first = {
        "seconds": 90.0,
        "history": [{"epoch": 2, "validation_accuracy": 0.7}],
        "recipe": {"load_best_model_at_end": True},
    }
    first["views"] = {"teachers": {"runs/transfer.lite2/seed-0": "0123"}}
    results["trained_with"]["widened_from"] = first
    (checkpoint / "results.json").write_text(json.dumps(results))
    with (checkpoint / "recipe.yaml").open("a") as recipe:
        recipe.write("target: votes\nwidened_from: runs/baseline.first/seed-0\n")
    return checkpoint


def test_card_of_a_model_that_learnt_votes_tells_what_it_learnt_what_chose_and_how_far_it_is(voter: Path):
    text = render_card(voter)
    words = " ".join(text.split())
    for sentence in (
        "the votes of FER+'s ten annotators are spread",
        "it learnt the answers of `transfer.lite2` (seed 0), too",
        "Before, `baseline.first` (seed 0) had learnt for 2 epochs",
        "PublicTest, the validation split, chose the epoch that is kept, and the temperature and the strength",
        "over the 650 faces of PrivateTest that have some, the model's probabilities are 0.250 from their shares",
        "one annotator is 0.375 from the nine others",
        "gets wrong on all 40 faces, its accuracy on FER+'s test split is 70.0%",
        "On PrivateTest by FER+'s majority (FER+'s test split), 560 images, class by class",
        "barsoum2016training",
    ):
        assert sentence in words
    data = ModelCard(text).data
    assert list(dict.fromkeys(result.dataset_split for result in data.eval_results)) == [
        *("official_test_without_copies", "official_test", "ferplus_test", "ferplus_validation")
    ]
    assert "ferplus" in data.tags


def test_card_says_what_chose_the_epoch(checkpoint: Path):
    assert "The last epoch is kept, and no image chose it; PublicTest chose the temperature." in " ".join(
        render_card(checkpoint).split()
    )
    with (checkpoint / "recipe.yaml").open("a") as recipe:
        recipe.write("load_best_model_at_end: true\n")
    assert "PublicTest, the validation split, chose the epoch that is kept, and the temperature." in " ".join(
        render_card(checkpoint).split()
    )


@pytest.mark.parametrize("name", BUNDLED)
def test_card_lists_no_training_images_and_no_easy_subset_as_results(name: str):
    card = render_card(CHECKPOINTS_DIR / name)
    assert [words for words in ("training images |", "annotators agree with the label") if f"| {words}" in card] == []
    assert "split: train" not in card
    assert card.index("| PrivateTest without copies") < card.index("| PrivateTest |") < card.index("| PublicTest")


@pytest.mark.parametrize(
    ("parts", "teachers"),
    [
        (({}, {}), []),
        (({"teachers": '["runs/a.b/seed-1", "checkpoints/dense.tuned"]'}, {}), ["`a.b` (seed 1)", "`dense.tuned`"]),
        (({}, {"teachers": {"runs/transfer.small/seed-0": "1", "x/baseline.tuned": "2", "x/dense.tuned": "3"}}),
         ["`transfer.small` (seed 0)", "`baseline.tuned`", "`dense.tuned`"]),
        (({}, {"teachers": {"x/dense.tuned": "1"}, "widened_from": {"teachers": {"x/dense.tuned": "1", "x/a.b": "2"}}}),
         ["`dense.tuned`", "`a.b`"]),
    ],
)  # fmt: skip
def test_all_teachers_of_all_parts_are_told(parts: tuple[dict, dict], teachers: list[str]):
    assert list_teachers(list_parts(*parts)) == teachers


@pytest.mark.parametrize(
    ("pretrained", "base_model"),
    [
        (None, None),
        ("efficientnet-lite0", "timm/tf_efficientnet_lite0.in1k"),
        ("efficientnet-lite2", "timm/tf_efficientnet_lite2.in1k"),
        ("microsoft/resnet-18", "microsoft/resnet-18"),
        ("runs/some/folder", None),
    ],
)
def test_the_base_model_is_one_of_the_hub(pretrained: str | None, base_model: str | None):
    assert find_base_model(pretrained) == base_model


def test_copies_are_counted(checkpoint: Path):
    results = json.loads((checkpoint / "results.json").read_text())
    splits = results["splits"]
    splits["official_test_without_copies"] = splits["official_test"] | {"n": splits["official_test"]["n"] - 289}
    (checkpoint / "results.json").write_text(json.dumps(results))
    assert "and 289 of the 3,589 test images of PrivateTest are copies" in " ".join(render_card(checkpoint).split())


@pytest.mark.parametrize(
    ("folder", "tag"),
    [("baseline.report", "report"), ("baseline.tuned/seed-1", "tuned"), ("anywhere", "custom")],
)
def test_tag_comes_from_the_folder(folder: str, tag: str, tmp_path: Path):
    assert find_tag(tmp_path / "runs" / folder) == tag


# --- the architecture in words ---


@pytest.mark.parametrize("name", ZOO)
def test_architecture_has_every_weight(name: str):
    """The report's Tables 3 to 6; the sums as `../shared/report.md` computes them."""
    model = get_entry(name).model_class(get_entry(name).make_config())
    rows = describe_architecture(model)
    expected = {"baseline": 389_639, "dense": 406_599, "batchnorm": 391_047, "batchnorm-dropout": 391_047}
    assert sum(row["weights"] for row in rows) == expected.get(name, model.num_parameters()) == model.num_parameters()
    assert rows[-1]["layers"] == "dense 7"
    assert rows[-1]["output"] == "7"


def test_architecture_is_told_in_words():
    config = make_tiny_config(batch_norm=True, block_dropout=[0.25, 0.0], dense_sizes=[5])
    assert describe_architecture(FerCnnForImageClassification(config)) == [
        {
            "layers": "convolution 3x3, ReLU, batch norm, max pool 2x2, dropout 25%",
            "output": "4 x 9 x 9",
            "weights": 48,
        },
        {"layers": "convolution 3x3, ReLU, batch norm, max pool 2x2", "output": "8 x 3 x 3", "weights": 312},
        {"layers": "dense 5, ReLU", "output": "5", "weights": 365},
        {"layers": "dense 7", "output": "7", "weights": 42},
    ]
