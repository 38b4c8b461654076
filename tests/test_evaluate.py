import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from conftest import TRUE_COUNTS, make_tiny_config
from datasets import Dataset
from tiny_runs import load_fer2013_once, load_few_per_split, pass_for_whole, train_tiny

from fer_models import FerCnnForImageClassification, FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from training import train
from training.data import DATA_VARIABLE, FaceTensors, decode, keep_first_per_class
from training.evaluation import evaluate
from training.evaluation.evaluate import predict_logits


@pytest.fixture(autouse=True)
def load_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    monkeypatch.setattr(evaluate, "load_fer2013", load_fer2013_once)


@pytest.fixture(scope="module")
def run(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run. Tests leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "load_fer2013", load_fer2013_once)
        return train_tiny(made_up_parquet, tmp_path_factory.mktemp("evaluate") / "run", "--seed", "3")


def decode_one_per_class(rows: Dataset, image_processor: FerImageProcessor) -> FaceTensors:
    """What `decode` makes of the made-up images, in a tenth of the time: those of a class look the same."""
    pictures = decode(keep_first_per_class(rows, 1), image_processor)
    labels = torch.tensor(rows["label"][:])
    return FaceTensors(pictures.pixel_values[pictures.labels.argsort()][labels], labels)


@pytest.fixture(scope="module")
def results(run: Path) -> dict[str, Any]:
    """All five splits, measured on every made-up image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "load_fer2013", load_fer2013_once)
        patch.setattr(evaluate, "decode", decode_one_per_class)
        patch.setattr(evaluate, "corrupt_all", lambda faces: [("nothing", 0.0, faces), ("darkness", 1.0, 0 * faces)])
        return evaluate.evaluate(run)


# --- logits ---


@pytest.mark.parametrize(
    ("num_faces", "batch_size"),
    [
        (0, 64),  # no face, no logits, but of the right shape
        (1, 64),  # less than a batch
        (10, 1),
        (10, 3),  # the last batch is smaller
        (10, 10),
    ],
)
def test_predict_logits_does_not_depend_on_the_batch_size(num_faces: int, batch_size: int):
    torch.manual_seed(0)
    # Batch norm and dropout would make it depend on the batch, and on chance, in training mode.
    model = FerCnnForImageClassification(make_tiny_config(batch_norm=True, block_dropout=[0.5, 0.5])).train()
    faces = FaceTensors(torch.rand(num_faces, 1, 20, 20), torch.zeros(num_faces, dtype=torch.int64))
    logits = predict_logits(model, faces, batch_size)
    assert logits.shape == (num_faces, 7)
    assert logits.dtype == torch.float32
    one_by_one = [model.eval()(face[None]).logits[0].detach() for face in faces.pixel_values]
    torch.testing.assert_close(logits, torch.stack(one_by_one) if one_by_one else torch.zeros(0, 7))


# --- what results.json holds ---


def test_results_hold_five_splits_of_the_right_size(results: dict[str, Any]):
    assert {split: figures["n"] for split, figures in results["splits"].items()} == {
        "train": 20_099,
        "validation": 2_151,
        "report_test": 7_178,
        "official_validation": 3_589,
        "official_test": 3_589,
    }


def test_splits_have_the_right_images_of_each_class(results: dict[str, Any]):
    """Rows of a confusion matrix are true classes."""
    counts = {split: np.sum(figures["confusion_matrix"], axis=1) for split, figures in results["splits"].items()}
    assert tuple(counts["official_validation"]) == TRUE_COUNTS["validation"]
    assert tuple(counts["official_test"]) == TRUE_COUNTS["test"]
    assert counts["report_test"].tolist() == (counts["official_validation"] + counts["official_test"]).tolist()


def test_the_report_s_test_images_are_both_official_halves(results: dict[str, Any]):
    splits = results["splits"]
    halves = [np.array(splits[name]["confusion_matrix"]) for name in ("official_validation", "official_test")]
    assert splits["report_test"]["confusion_matrix"] == sum(halves).tolist()
    assert splits["report_test"]["accuracy"] == np.trace(sum(halves)) / 7_178


def test_robustness_is_the_accuracy_on_changed_faces(results: dict[str, Any]):
    unchanged, dark = results["robustness"]["rows"]
    test = results["splits"][results["robustness"]["split"]]
    assert unchanged == {"change": "nothing", "level": 0.0, "accuracy": pytest.approx(test["accuracy"])}
    # All faces look alike, so every one gets the same answer, which is right for one class.
    assert any(dark["accuracy"] == pytest.approx(count / 3589) for count in TRUE_COUNTS["test"])


def test_results_say_where_they_come_from(results: dict[str, Any], run: Path):
    assert results["model"] == "batchnorm-dropout"
    assert results["protocol"] == "report"
    assert results["seed"] == 3
    assert results["labels"] == list(FER_LABELS)
    assert results["trained_with"] == json.loads((run / "run.json").read_text())
    assert results["measured_with"]["versions"]["transformers"] == transformers.__version__
    assert results["measured_with"]["commit"]
    assert results["measured_with"]["hardware"]


def test_official_protocol_is_measured_on_its_own_training_images(made_up_parquet: Path):
    splits = evaluate.load_splits(str(made_up_parquet), "official")
    assert [len(rows) for rows in splits.values()] == [28_709, 3_589, 7_178, 3_589, 3_589]


def test_results_are_written_beside_the_model(run: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch):
    """And again from a checkpoint, which has no run.json: there the measurement used to fail."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)  # which would come before the recipe
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    copy = shutil.copytree(run, tmp_path / "run")
    evaluate.main([str(copy)])
    first = json.loads((copy / "results.json").read_text())
    (copy / "run.json").unlink()
    evaluate.main([str(copy), "--data", str(made_up_parquet)])
    second = json.loads((copy / "results.json").read_text())
    assert first.pop("measured_with").keys() == second.pop("measured_with").keys()
    assert first == second


def test_missing_figures_are_added_and_the_others_stay(run: Path, tmp_path: Path, monkeypatch):
    """Where the split was measured, but not its robustness, that stayed empty."""
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    copy = shutil.copytree(run, tmp_path / "run")
    evaluate.main([str(copy)])
    first = json.loads((copy / "results.json").read_text())
    (copy / "results.json").write_text(json.dumps(first | {"robustness": {}}))
    evaluate.main([str(copy), "--missing"])
    completed = json.loads((copy / "results.json").read_text())
    assert {key: completed[key] for key in first} == first


def test_results_can_be_written_to_a_folder_that_is_not_there_yet(run: Path, tmp_path: Path, monkeypatch):
    """As `make seed-<recipe>` does for the first seed; the measurement used to be lost."""
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    output = ["--output", str(tmp_path / "results" / "dense.report.seed-1.json")]
    with pytest.raises(SystemExit, match=r"is a trial run .* whose figures stay with it"):
        evaluate.main([str(run), *output])
    run = pass_for_whole(Path(shutil.copytree(run, tmp_path / "whole")))
    evaluate.main([str(run), *output])
    assert json.loads((tmp_path / "results" / "dense.report.seed-1.json").read_text())["seed"] == 3
    assert not (run / "results.json").exists()


# --- refusals ---


def test_folder_that_does_not_exist_gets_a_sentence(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"Is .*nothing a finished run\? Train it first"):
        evaluate.main([str(tmp_path / "nothing")])


def cut_weights(run: Path) -> None:
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def rename_a_label(run: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    config["id2label"]["3"], config["id2label"]["4"] = config["id2label"]["4"], config["id2label"]["3"]
    (run / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "arguments", "message"),
    [
        (lambda run: (run / "run.json").unlink(), [], "run.json.* a finished run"),  # training was interrupted
        (lambda run: (run / "recipe.yaml").unlink(), [], "recipe.yaml.* a finished run"),
        (lambda run: (run / "model.safetensors").unlink(), [], "model.safetensors"),
        (cut_weights, [], "The weights in .*run are damaged or cut short: "),  # safetensors raises an error of its own
        (rename_a_label, [], "The model's labels are .*'neutral', 'happy'.* the data's are .*'happy', 'neutral'"),
        (lambda run: None, ["--data", "/nothing/here"], "'/nothing/here'"),
    ],
    ids=["unfinished", "no recipe", "no weights", "cut weights", "other labels", "no data"],
)
def test_what_cannot_be_measured_gets_a_sentence(damage, arguments, message, run: Path, tmp_path: Path):
    copy = shutil.copytree(run, tmp_path / "run")
    damage(copy)
    with pytest.raises(SystemExit, match=message):
        evaluate.main([str(copy), *arguments])
    assert not (copy / "results.json").exists()
