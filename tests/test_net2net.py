"""Going on from a smaller model."""

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_tiny_config
from tiny_runs import load_weights, read_json, train_tiny

from fer_models import FerCnnForImageClassification
from fer_models.hub import compute_fingerprint
from training.net2net import widen


def make_model(seed: int = 0, **overrides: Any) -> FerCnnForImageClassification:
    torch.manual_seed(seed)
    return FerCnnForImageClassification(make_tiny_config(**overrides)).eval()


@pytest.mark.parametrize(
    ("overrides", "widths"),
    [
        ({}, {"filters": [4, 3]}),  # no wider: the same model
        ({"temperature": 1.5}, {"filters": [4, 3], "temperature": 1.0}),  # calibrated, as every bundled one
        ({"batch_norm": True}, {"filters": [9, 7]}),  # what is flattened has more channels of several pixels each
        ({"dense_sizes": [5, 4]}, {"filters": [9, 7], "dense_sizes": [6, 4]}),
    ],
)
def test_wide_model_answers_as_the_narrow_one(
    overrides: dict[str, Any], widths: dict[str, Any], tmp_path: Path
) -> None:
    narrow = make_model(filters=[4, 3], **overrides)
    for module in narrow.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    narrow.save_pretrained(tmp_path)
    wide = make_model(1, **{**overrides, **widths})
    widen(wide, str(tmp_path))
    faces = torch.rand(5, 1, narrow.config.image_size, narrow.config.image_size)
    torch.testing.assert_close(wide(faces).logits, narrow(faces).logits * narrow.config.temperature)


def test_new_channels_learn(tmp_path: Path) -> None:
    make_model(filters=[4, 3]).save_pretrained(tmp_path)
    wide = make_model(1, filters=[9, 7])
    drawn = wide.blocks[0].conv.weight.detach().clone()
    widen(wide, str(tmp_path))
    assert torch.equal(wide.blocks[0].conv.weight[4:], drawn[4:]), "as they were drawn"
    optimizer = torch.optim.SGD(wide.parameters(), lr=0.5)
    size = wide.config.image_size
    for _ in range(3):
        loss = wide(torch.rand(8, 1, size, size), labels=torch.arange(8) % wide.config.num_labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (wide.blocks[1].conv.weight[:3, 4:] != 0).any(), "what leads from them counts by now"
    assert (wide.blocks[0].conv.weight[4:] != drawn[4:]).any()


def test_what_is_not_narrower_is_refused(tmp_path: Path) -> None:
    folder, other = tmp_path / "narrow", "is no smaller model of the same kind"
    for overrides, words in (
        (None, "is no folder of a trained model. Train it first. `make train-all`"),
        ({"filters": [9, 3]}, other),
        ({"filters": [3, 3], "kernel_size": 1}, other),
        ({"image_size": 30}, "image_size of .* is 30, not 20"),
    ):
        if overrides is not None:
            make_model(**overrides).save_pretrained(folder)
        with pytest.raises(ValueError, match=f"widened_from: .*{words}"):
            widen(make_model(filters=[4, 3]), str(folder))


def test_run_goes_on_from_a_narrow_one_and_tells_of_it(made_up_parquet: Path, tmp_path: Path) -> None:
    short = ("--num_train_epochs", "1", "--config_overrides")
    narrow = train_tiny(made_up_parquet, tmp_path / "narrow", *short, '{"filters": [2, 3, 4, 3]}')
    options = ("--widened_from", str(narrow), "--learning_rate", "0")
    wide = train_tiny(made_up_parquet, tmp_path / "wide", *short, '{"filters": [4, 3, 4, 3]}', *options)
    theirs, ours = load_weights(narrow), load_weights(wide)
    assert torch.equal(ours["blocks.0.conv.weight"][:2], theirs["blocks.0.conv.weight"])
    told = read_json(wide / "run.json")["widened_from"]
    assert told["seconds"] == read_json(narrow / "run.json")["seconds"]
    assert told["recipe"]["config_overrides"] == '{"filters": [2, 3, 4, 3]}'
    assert told["weights"] == compute_fingerprint(narrow)
    assert told["history"] == read_json(narrow / "history.json")
