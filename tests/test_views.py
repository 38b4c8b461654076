import json
from pathlib import Path

import pytest
import torch
from datasets import DatasetDict
from safetensors.torch import load_file, save_file
from tiny_runs import load_fer2013_once, load_few_per_split, read_json, train_tiny

from fer_models.configuration_fer import FER_LABELS
from training import views
from training.data import DataError, keep_first_per_class
from training.evaluation.calibrate import calibrate
from training.training_set import TrainingSet, load_views
from training.votes import FERPLUS_COLUMNS


def load_with_votes(source: str | Path, protocol: str = "official") -> DatasetDict:
    """A few faces of each class, of which seven of ten people say what the label says."""
    few = DatasetDict()
    for split, rows in load_fer2013_once(source, protocol).items():
        few[split] = keep_first_per_class(rows, 6)
        names = [FER_LABELS[label] for label in few[split]["label"]]
        votes = [[7 * (name == column) + 3 * (column == "neutral") for column in FERPLUS_COLUMNS] for name in names]
        few[split] = few[split].add_column("ferplus_votes", votes)
    return few


def train_with_votes(source: Path, output_dir: Path, *overrides: str) -> Path:
    official = ("--protocol", "official", *overrides)
    return train_tiny(source, output_dir, *official, model="baseline", load=load_with_votes)


@pytest.fixture(scope="module")
def teacher(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with two heads."""
    return train_with_votes(made_up_parquet, tmp_path_factory.mktemp("teacher") / "run", "--target", "heads")


@pytest.fixture(scope="module")
def made(teacher: Path, made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("views") / "views.safetensors"
    settings = {"teachers": json.dumps([str(teacher)]), "output": str(output), "data": str(made_up_parquet)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "load_fer2013", load_with_votes)
        return views.run(views.ViewsArguments(count=3, brightness_fraction=0.2, **settings))


def test_views_hold_the_faces_as_they_are_first_and_an_answer_to_each(made: Path):
    faces = load_views(made)
    assert faces.views.shape == (3, 42, 1, 48, 48)
    assert not torch.equal(faces.views[0], faces.views[1]), "the others are changed"
    assert faces.answers is not None
    shares = faces.answers.float().exp().view(3, 42, 2, 7)[..., 0, :]
    assert torch.allclose(shares.sum(-1), torch.ones(3, 42), atol=0.01)
    assert read_json(made.with_suffix(".json"))["count"] == 3
    assert {path.suffix for path in made.parent.iterdir()} == {".safetensors", ".json"}, "no part is left"


def test_another_face_is_blended_into_each_view_but_the_first():
    greys = torch.full((1, 64, 1, 48, 48), 200, dtype=torch.uint8)
    greys[:, ::2] = 100
    faces = TrainingSet(greys, torch.zeros(64, dtype=torch.long))
    arguments = views.ViewsArguments(count=2, mixup_alpha=1.0, teachers="", output="", data="")
    mixed = views.make_views(faces, [], arguments).views
    assert torch.equal(mixed[0], greys[0])
    for rows, smallest, largest in ((slice(0, None, 2), 100, 150), (slice(1, None, 2), 150, 200)):
        assert mixed[1, rows].clamp(smallest, largest).equal(mixed[1, rows]), "each keeps the larger share"
    assert (mixed[1].float().mean((1, 2, 3)) % 100 != 0).any()


@pytest.mark.parametrize("target", ["label", "mix"])
def test_a_student_learns_from_views(target: str, made: Path, made_up_parquet: Path, tmp_path: Path):
    options = ("--views", str(made), "--target", target, "--mixup_alpha", "0.2", "--logit_adjustment", "0.5")
    run = train_with_votes(made_up_parquet, tmp_path / "student", *options)
    assert read_json(run / "run.json")["views"]["count"] == 3
    assert len(read_json(run / "history.json")) == 2


def test_a_student_learns_only_what_a_teacher_knew(made: Path, made_up_parquet: Path, tmp_path: Path):
    tensors = load_file(made)
    tensors["answers"][..., :7] = torch.nan  # as of a teacher that learnt votes
    save_file(tensors, tmp_path / "votes.safetensors")
    settings = ("--views", str(tmp_path / "votes.safetensors"), "--target")
    train_with_votes(made_up_parquet, tmp_path / "votes", *settings, "votes")
    with pytest.raises(DataError, match="no teacher knew what is to be learnt, mix"):
        train_with_votes(made_up_parquet, tmp_path / "mix", *settings, "mix")
    cut = tmp_path / "votes.safetensors"
    cut.write_bytes(cut.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"votes\.safetensors holds no views"):
        load_views(cut)


def test_a_head_goes_on_by_itself(teacher: Path, made_up_parquet: Path, tmp_path: Path, monkeypatch):
    alone = ("--target", "votes", "--widened_from", str(teacher), "--num_train_epochs", "0")
    run = train_with_votes(made_up_parquet, tmp_path / "head", *alone)
    ours, theirs = load_file(run / "model.safetensors"), load_file(teacher / "model.safetensors")
    assert torch.equal(ours["classifier.weight"], theirs["classifier.weight"][7:14])
    assert torch.equal(ours["blocks.0.conv.weight"], theirs["blocks.0.conv.weight"])
    with pytest.raises(ValueError, match="The model's labels are"):
        calibrate(teacher)
    monkeypatch.setattr("training.evaluation.calibrate.load_fer2013", load_few_per_split)
    with pytest.raises(DataError, match=r"no FER\+ votes"):
        calibrate(run)
    assert read_json(run / "history.json") == [], "what it goes on from has had epochs, and tells of them"
