import json
from pathlib import Path

import pytest
import torch
from datasets import DatasetDict
from safetensors.torch import load_file, save_file
from tiny_runs import load_fer2013_once, train_tiny

from fer_models.configuration_fer import FER_LABELS
from training import train, views
from training.data import DataError, keep_first_per_class
from training.training_set import load_views
from training.votes import FERPLUS_COLUMNS


def load_with_votes(source: str | Path, protocol: str = "official") -> DatasetDict:
    """A few faces of each class, of which seven of ten people say what the label says."""
    few = DatasetDict(
        {split: keep_first_per_class(rows, 6) for split, rows in load_fer2013_once(source, protocol).items()}
    )
    for split, rows in few.items():
        votes = [
            [7 * (name == FER_LABELS[label]) + 3 * (name == "neutral") for name in FERPLUS_COLUMNS]
            for label in rows["label"]
        ]
        few[split] = rows.add_column("ferplus_votes", votes)
    return few


@pytest.fixture(scope="module")
def teacher(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with two heads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "load_fer2013", load_with_votes)
        return train_tiny(made_up_parquet, tmp_path_factory.mktemp("teacher") / "run", "--target", "heads",
                          "--protocol", "official", model="baseline")  # fmt: skip


@pytest.fixture
def made(teacher: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(views, "load_fer2013", load_with_votes)
    output = tmp_path / "views.safetensors"
    arguments = views.ViewsArguments(
        teachers=json.dumps([str(teacher)]),
        output=str(output),
        count=3,
        brightness_fraction=0.2,
        data=str(made_up_parquet),
    )
    return views.run(arguments)


def test_views_hold_the_faces_as_they_are_first_and_an_answer_to_each(made: Path):
    faces = load_views(made)
    assert faces.views.shape == (3, 42, 1, 48, 48)
    assert not torch.equal(faces.views[0], faces.views[1]), "the others are changed"
    assert faces.answers is not None
    assert torch.allclose(
        faces.answers.float().exp().view(3, 42, 2, 7)[..., 0, :].sum(-1), torch.ones(3, 42), atol=0.01
    )
    assert json.loads(made.with_suffix(".json").read_text())["count"] == 3


@pytest.mark.parametrize("target", ["label", "mix"])
def test_a_student_learns_from_views(target: str, made: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(train, "load_fer2013", load_with_votes)
    run = train_tiny(made_up_parquet, tmp_path / "student", "--views", str(made), "--target", target, "--mixup_alpha",
                     "0.2", "--logit_adjustment", "0.5", "--protocol", "official", model="baseline")  # fmt: skip
    assert json.loads((run / "run.json").read_text())["views"]["count"] == 3
    assert len(json.loads((run / "history.json").read_text())) == 2


def test_a_student_learns_only_what_a_teacher_knew(made: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(train, "load_fer2013", load_with_votes)
    tensors = load_file(made)
    tensors["answers"][..., :7] = torch.nan  # as of a teacher that learnt votes
    save_file(tensors, tmp_path / "votes.safetensors")
    settings = ["--views", str(tmp_path / "votes.safetensors"), "--protocol", "official"]
    train_tiny(made_up_parquet, tmp_path / "votes", *settings, "--target", "votes", model="baseline")
    with pytest.raises(DataError, match="no teacher knew what is to be learnt, mix"):
        train_tiny(made_up_parquet, tmp_path / "mix", *settings, "--target", "mix", model="baseline")


def test_a_head_goes_on_by_itself(teacher: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(train, "load_fer2013", load_with_votes)
    run = train_tiny(made_up_parquet, tmp_path / "head", "--target", "votes", "--widened_from", str(teacher),
                     "--num_train_epochs", "0", "--protocol", "official", model="baseline")  # fmt: skip
    ours, theirs = load_file(run / "model.safetensors"), load_file(teacher / "model.safetensors")
    assert torch.equal(ours["classifier.weight"], theirs["classifier.weight"][7:14])
    assert torch.equal(ours["blocks.0.conv.weight"], theirs["blocks.0.conv.weight"])
    assert json.loads((run / "history.json").read_text()), "what it goes on from has had epochs"
