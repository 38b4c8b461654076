import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from conftest import make_rows, make_tiny_config, write_parquet
from test_data import SMALL_COUNTS
from tiny_runs import load_fer2013_once, load_few_per_split, pass_for_whole, read_json, train_tiny

from fer_models import FerCnnForImageClassification
from fer_models.configuration_fer import FER_LABELS
from training import data
from training.data import DATA_VARIABLE, FaceTensors, load_fer2013
from training.evaluation import evaluate
from training.evaluation.evaluate import predict_logits


@pytest.fixture(autouse=True)
def load_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "load_fer2013", load_fer2013_once)


@pytest.fixture(scope="module")
def run(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run. Tests leave it as it is."""
    return train_tiny(made_up_parquet, tmp_path_factory.mktemp("evaluate") / "run", "--seed", "3")


# --- logits ---


def test_predict_logits_does_not_depend_on_the_batch_size():
    torch.manual_seed(0)
    # Batch norm and dropout would make it depend on the batch, and on chance, in training mode.
    model = FerCnnForImageClassification(make_tiny_config(batch_norm=True, block_dropout=[0.5, 0.5])).train()
    faces = FaceTensors(torch.rand(10, 1, 20, 20), torch.zeros(10, dtype=torch.int64))
    logits = predict_logits(model, faces, batch_size=3)
    assert logits.dtype == torch.float32
    one_by_one = [model.eval()(face[None]).logits[0].detach() for face in faces.pixel_values]
    torch.testing.assert_close(logits, torch.stack(one_by_one))
    assert predict_logits(model, FaceTensors(faces.pixel_values[:0], faces.labels[:0])).shape == (0, 7)


# --- what results.json holds ---


def test_results_hold_five_splits_with_the_right_images_and_where_they_come_from(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of 99 made-up images, whose counts are taken for FER2013's."""
    monkeypatch.setattr(data, "OFFICIAL_COUNTS", SMALL_COUNTS)
    few = str(write_parquet(tmp_path, make_rows(SMALL_COUNTS)))
    monkeypatch.setattr(evaluate, "load_fer2013", load_fer2013)
    monkeypatch.setattr(evaluate, "corrupt_all", lambda faces: [("nothing", 0.0, faces), ("darkness", 1.0, 0 * faces)])
    results = evaluate.evaluate(run, few)
    splits = results["splits"]
    sizes = {"train": 37, "validation": 10, "report_test": 50, "official_validation": 22, "official_test": 28}
    assert {split: figures["n"] for split, figures in splits.items()} == sizes
    assert [len(rows) for rows in evaluate.load_splits(few, "official").values()] == [49, 22, 50, 22, 28]

    halves = [np.array(splits[name]["confusion_matrix"]) for name in ("official_validation", "official_test")]
    assert [tuple(half.sum(axis=1)) for half in halves] == [SMALL_COUNTS["validation"], SMALL_COUNTS["test"]]
    assert splits["report_test"]["confusion_matrix"] == sum(halves).tolist()
    assert splits["report_test"]["accuracy"] == np.trace(sum(halves)) / 50

    unchanged, dark = results["robustness"]["rows"]
    accuracy = splits[results["robustness"]["split"]]["accuracy"]
    assert unchanged == {"change": "nothing", "level": 0.0, "accuracy": pytest.approx(accuracy)}
    # All faces look alike, so every one gets the same answer, which is right for one class.
    assert any(dark["accuracy"] == pytest.approx(count / 28) for count in SMALL_COUNTS["test"])

    assert [results[key] for key in ("model", "protocol", "seed")] == ["batchnorm-dropout", "report", 3]
    assert results["labels"] == list(FER_LABELS)
    assert results["trained_with"] == read_json(run / "run.json")
    assert results["measured_with"]["versions"]["transformers"] == transformers.__version__
    assert results["measured_with"]["commit"]
    assert results["measured_with"]["hardware"]


def test_results_are_written_beside_the_model_and_a_checkpoint_needs_no_more(
    run: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It has no run.json."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)  # which would come before the recipe
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    copy = shutil.copytree(run, tmp_path / "run")
    evaluate.main([str(copy)])
    first = read_json(copy / "results.json")
    (copy / "run.json").unlink()
    evaluate.main([str(copy), "--data", str(made_up_parquet)])
    again = read_json(copy / "results.json")
    assert first.pop("measured_with").keys() == again.pop("measured_with").keys()
    assert first == again


def test_results_can_be_written_to_a_folder_that_is_not_there_yet(run: Path, tmp_path: Path, monkeypatch):
    """As `make seed-<recipe>` does for the first seed; the measurement used to be lost."""
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    output = ["--output", str(tmp_path / "results" / "dense.report.seed-1.json")]
    with pytest.raises(SystemExit, match=r"is a trial run .* whose figures stay with it"):
        evaluate.main([str(run), *output])
    run = pass_for_whole(Path(shutil.copytree(run, tmp_path / "whole")))
    evaluate.main([str(run), *output])
    assert read_json(tmp_path / "results" / "dense.report.seed-1.json")["seed"] == 3
    assert not (run / "results.json").exists()


# --- refusals ---


def test_data_without_votes_does_not_take_away_what_was_measured_with_them(run: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(evaluate, "load_splits", load_few_per_split)
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "results.json").write_text(json.dumps({"splits": {"ferplus_test": {"n": 3}}, "trained_with": {}}))
    with pytest.raises(SystemExit, match=r"figures that this data does not give \(ferplus_test\), and stays as it is"):
        evaluate.main([str(copy)])
    assert read_json(copy / "results.json")["splits"] == {"ferplus_test": {"n": 3}}


def cut_weights(run: Path) -> None:
    path = run / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def rename_a_label(run: Path) -> None:
    config = read_json(run / "config.json")
    config["id2label"]["3"], config["id2label"]["4"] = config["id2label"]["4"], config["id2label"]["3"]
    (run / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "arguments", "message"),
    [
        (lambda run: (run / "run.json").unlink(), [], "run.json.* a finished run"),  # training was interrupted
        (lambda run: (run / "model.safetensors").unlink(), [], "model.safetensors"),
        (cut_weights, [], "The weights in .*run are damaged or cut short: "),  # safetensors raises an error of its own
        (rename_a_label, [], "The model's labels are .*'neutral', 'happy'.* the data's are .*'happy', 'neutral'"),
        (lambda run: None, ["--data", "/nothing/here"], "'/nothing/here'"),
        (shutil.rmtree, [], r"Is .*run a finished run\? Train it first"),
    ],
    ids=["unfinished", "no weights", "cut weights", "other labels", "no data", "no folder"],
)
def test_what_cannot_be_measured_gets_a_sentence(damage, arguments, message, run: Path, tmp_path: Path):
    copy = shutil.copytree(run, tmp_path / "run")
    damage(copy)
    with pytest.raises(SystemExit, match=message):
        evaluate.main([str(copy), *arguments])
    assert not (copy / "results.json").exists()
