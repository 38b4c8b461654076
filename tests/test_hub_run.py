"""The push that ends a run: a tiny one, to the loopback Hub."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from conftest import exit_message
from hub_server import Fault, HubServer
from huggingface_hub import HfApi, ModelCard, snapshot_download
from tiny_runs import load_fer2013_once, make_argv, train_tiny
from transformers import AutoModelForImageClassification, TrainingArguments

from fer_models.hub import compute_fingerprint
from fer_models.zoo import checkpoint_dir
from training import train
from training.publishing.hub_run import push_run
from training.runtime.runs import RECIPE, list_trial_settings

REPO_ID = "alice/my-model"
PUSH = ("--push_to_hub", "true", "--hub_model_id", REPO_ID, "--num_train_epochs", "1")


@pytest.fixture(autouse=True)
def tiny_runs_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)
    monkeypatch.setattr(train, "list_trial_settings", lambda _: [])  # of few images, these runs stand for whole ones


@pytest.fixture(scope="module")
def finished(made_up_parquet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is trained, and not pushed yet."""
    run = tmp_path_factory.mktemp("pushed") / "run"
    return train_tiny(made_up_parquet, run, "--num_train_epochs", "1", model="baseline")


@pytest.fixture
def trained(finished: Path, run_dir: Path) -> Path:
    return Path(shutil.copytree(finished, run_dir))


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "baseline.report" / "seed-0"


def test_run_with_push_to_hub_ends_on_the_hub(hub: HubServer, made_up_parquet: Path, run_dir: Path) -> None:
    """With nothing of the trainer, and nowhere the token."""
    train.main(make_argv(made_up_parquet, run_dir, *PUSH, "--hub_token", "hf_alice", model="baseline"))
    repo = hub.repo(REPO_ID)
    names = set(repo.get("main").files)
    assert names >= {"model.safetensors", "config.json", "preprocessor_config.json", "recipe.yaml", "history.json"}
    assert names >= {"configuration_fer.py", "modeling_fer.py", "image_processing_fer.py", "run.json", "README.md"}
    assert [name for name in names if name.endswith((".bin", ".pt", ".pkl")) or "checkpoint" in name] == []
    assert not (run_dir / "training_args.bin").exists()
    assert str(made_up_parquet) not in repo.get("main").files["recipe.yaml"].content.decode()
    assert [path.name for path in run_dir.rglob("*") if path.is_file() and b"hf_alice" in path.read_bytes()] == []

    fixed = f"report-{compute_fingerprint(run_dir)}"
    assert repo.tags == {fixed: repo.branches["main"]}
    card = ModelCard(repo.get("main").files["README.md"].content.decode())
    assert f'repository, revision = "{REPO_ID}", "{fixed}"' in card.text
    assert "Not measured yet" in card.text
    assert "they are not calibrated yet" in card.text
    assert [words for words in ("onnx", "chose the temperature", "the branch") if words in card.text] == []
    assert card.data.library_name == "transformers"

    back = snapshot_download(REPO_ID, revision=fixed)
    faces = torch.rand(2, 1, 48, 48)
    logits = [AutoModelForImageClassification.from_pretrained(path)(faces).logits for path in (back, run_dir)]
    assert torch.equal(*logits)

    (run_dir / "notes.txt").write_text("mine")
    push_run(TrainingArguments(str(run_dir), report_to="none"), REPO_ID)
    assert repo.tags == {fixed: repo.branches["main"]}, "the same again changes nothing"


def test_a_trial_is_not_pushed(
    hub: HubServer, made_up_parquet: Path, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went to the repository that was named, as one that is bundled never would."""
    monkeypatch.setattr(train, "list_trial_settings", list_trial_settings)
    with pytest.raises(SystemExit, match=r"A trial run \(samples_per_class: 6, trial: True\) is not pushed"):
        train.main(make_argv(made_up_parquet, run_dir, *PUSH, model="baseline"))
    assert ("model", REPO_ID) not in hub.store.repos
    assert not run_dir.exists()


@pytest.mark.parametrize(
    ("status", "sentence"), [(401, "does not know your token"), (403, "not allowed this with alice/my-model")]
)
def test_hub_that_refuses_is_a_sentence_before_an_hour_of_training(
    status: int, sentence: str, hub: HubServer, made_up_parquet: Path, run_dir: Path
) -> None:
    hub.faults.append(Fault("/repos/create", status=status))
    assert sentence in exit_message(train.main, *make_argv(made_up_parquet, run_dir, *PUSH, model="baseline"))
    assert not run_dir.exists()


def test_the_same_command_pushes_a_run_that_is_trained(hub: HubServer, made_up_parquet: Path, trained: Path) -> None:
    """It was "already trained", and never pushed."""
    argv = make_argv(made_up_parquet, trained, *PUSH, model="baseline")
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    for cut in ("/commit/", "/tag/"):
        hub.faults.append(Fault(cut, "POST", status=503))
        sentence = "is trained, but not pushed.*out of order.*same command pushes it"
        assert re.search(sentence, exit_message(train.main, *argv))
        hub.faults.clear()
    for _ in range(2):
        train.main(argv)
        repo = hub.repo(REPO_ID)
        assert repo.tags == {f"report-{compute_fingerprint(trained)}": repo.branches["main"]}
        assert [commit.title for commit in repo.log("main")] == ["End of training", "initial commit"]
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_a_hub_that_is_busy_for_a_moment_is_waited_for(
    hub: HubServer, made_up_parquet: Path, trained: Path, waits: list[float]
) -> None:
    for path in ("/repos/create", "/commit/", "/tag/"):
        hub.faults.append(Fault(path, "POST", status=429, headers={"Retry-After": "7"}, times=1))
    train.main(make_argv(made_up_parquet, trained, *PUSH, model="baseline"))
    assert len(waits) == 3
    assert set(waits) <= {7.0, 8.0}, "by our retry, or by the client's, which adds a second"
    repo = hub.repo(REPO_ID)
    assert repo.tags == {f"report-{compute_fingerprint(trained)}": repo.branches["main"]}


def test_a_run_replaces_no_model_that_was_measured_and_nothing_of_others(
    hub: HubServer, made_up_parquet: Path, finished: Path, run_dir: Path
) -> None:
    argv = make_argv(made_up_parquet, run_dir, *PUSH, model="baseline")
    api = HfApi()
    api.create_repo(REPO_ID)
    api.upload_file(path_or_fileobj=b"years", path_in_repo="thesis.doc", repo_id=REPO_ID)
    assert "holds something that was not pushed from here" in exit_message(train.main, *argv)
    assert "README.md" not in hub.repo(REPO_ID).get("main").files
    api.delete_file("thesis.doc", REPO_ID)
    api.upload_folder(repo_id=REPO_ID, folder_path=checkpoint_dir("baseline", "report"))
    before = hub.repo(REPO_ID).branches["main"]
    assert "holds a model that was measured, and " in exit_message(train.main, *argv)
    assert not run_dir.exists(), "each was refused after hours of training"
    shutil.copytree(finished, run_dir)
    train.main([*argv, "--hub_revision", "next"])
    assert {RECIPE, "run.json"} < hub.repo(REPO_ID).get("next").files.keys()
    assert hub.repo(REPO_ID).branches["main"] == before, "another branch has another model"
    assert "holds a model that was measured, and " in exit_message(train.main, *argv, "--resume", "false")
