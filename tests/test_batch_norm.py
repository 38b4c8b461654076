from pathlib import Path
from typing import Any

import pytest
import test_subsets
import torch
from conftest import encode_png, make_color_image, make_tiny_config
from datasets import Dataset
from torch.nn.modules.batchnorm import _BatchNorm

from fer_models import FerCnnForImageClassification, FerImageProcessor
from fer_models.configuration_fer import FER_LABELS
from fer_models.results import group_statistics, order_models
from training.data import decode
from training.ema import choose_statistics_faces
from training.evaluation import batch_norm
from training.evaluation.batch_norm import measure_run
from training.evaluation.evaluate import predict_logits

NUM_ROWS = 40
SMALL = {"size": {"height": 20, "width": 20}}


def make_rows(labels: list[int]) -> Dataset:
    pictures = [encode_png(make_color_image(20, 20, seed)) for seed in range(NUM_ROWS)]
    return test_subsets.make_rows(pictures, [FER_LABELS[label] for label in labels])


def write_run(directory: Path, config: dict[str, Any]) -> Dataset:
    """A model that is right about every face with the faces' own statistics, saved with statistics that are wrong.

    Returns:
        The faces, and what the model says of them with theirs.
    """
    torch.manual_seed(0)
    model = FerCnnForImageClassification(make_tiny_config(**config))
    for parameter in model.parameters():  # far enough apart that answers differ
        torch.nn.init.normal_(parameter)
    faces = decode(make_rows([0] * NUM_ROWS), FerImageProcessor(**SMALL))
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    with torch.no_grad():  # everything else, dropout too, is as in evaluation
        model.base_model.eval()
        for norm in norms:
            norm.momentum = 1.0
            norm.train()
        model(faces.pixel_values)
    labels = predict_logits(model, faces).argmax(-1).tolist()
    for norm in norms:
        norm.running_mean.fill_(30.0)
        norm.running_var.fill_(0.01)
    model.save_pretrained(directory)
    FerImageProcessor(**SMALL).save_pretrained(directory)
    (directory / "recipe.yaml").write_text("{model: batchnorm, protocol: report, seed: 7}")
    return make_rows(labels)


def test_wrong_statistics_are_mended_by_training_images_and_nothing_is_written(tmp_path: Path) -> None:
    rows = write_run(tmp_path, {"batch_norm": True, "block_dropout": [0.5, 0.5]})
    assert len(set(rows["label"][:])) > 1
    weights = (tmp_path / "model.safetensors").read_bytes()
    row = measure_run(tmp_path, rows, rows, [0, 3], images=1000)
    assert (row["model"], row["seed"], row["images"]) == ("batchnorm", 7, NUM_ROWS)
    split, without_copies = row["splits"].values()
    assert split["n"] == NUM_ROWS
    assert split["before"] < 0.6
    assert split["after"] == 1.0
    assert (without_copies["n"], without_copies["after"]) == (2, 1.0)
    assert (tmp_path / "model.safetensors").read_bytes() == weights


def test_a_model_without_batch_norm_is_measured_once(tmp_path: Path) -> None:
    rows = write_run(tmp_path, {})
    row = measure_run(tmp_path, rows, rows, [0], images=1000)
    assert row["images"] == 0
    assert [(split["before"], split["after"]) for split in row["splits"].values()] == [(1.0, None)] * 2


def test_figures_of_other_runs_do_not_replace_those_that_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, own = tmp_path / "batch_norm.json", tmp_path / "own.json"
    monkeypatch.setattr(batch_norm, "OUTPUT", published)
    monkeypatch.setattr(batch_norm, "measure_batch_norm", lambda *_: [])
    batch_norm.main(["runs/baseline.report/seed-1"])
    batch_norm.main(["runs/baseline.report/seed-1", "--output", str(own)])
    assert (own.is_file(), published.exists()) == (True, False)
    batch_norm.main([])
    assert published.is_file()


def test_statistics_faces_lie_all_over_the_split_in_equal_batches() -> None:
    for total, count, sizes, last in (
        (28_709, 2048, [128] * 16, 2047 * 14),
        (40, 1536, [40], 39),  # fewer than a batch
        (300, 300, [128, 128], 255),  # a smaller last batch would count as much as the others
    ):
        batches = choose_statistics_faces(total, count)
        assert [len(batch) for batch in batches] == sizes
        assert batches[-1][-1] == last


def test_order_is_by_the_mean_over_seeds_and_a_model_without_statistics_stays() -> None:
    def make_row(model: str, before: float, after: float | None) -> dict[str, Any]:
        split = {"before": before, "after": after}
        return {"model": model, "splits": {"official_test": split, "official_test_without_copies": split}}

    rows = [make_row("a", 0.5, None), make_row("b", 0.4, 0.6), make_row("b", 0.5, 0.5)]
    models = group_statistics({"rows": rows})
    assert (order_models(models, "before"), order_models(models, "after")) == (["a", "b"], ["b", "a"])
