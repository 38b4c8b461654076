"""The Trainer's own push: a tiny run that ends on the loopback Hub."""

import re
from pathlib import Path

import pytest
import torch
from hub_server import Fault, HubServer
from huggingface_hub import ModelCard, snapshot_download
from tiny_runs import load_fer2013_once, make_argv
from transformers import AutoModelForImageClassification

from fer_models.hub import compute_fingerprint
from training import train

REPO_ID = "alice/my-network"
PUSH = ("--push_to_hub", "true", "--hub_model_id", REPO_ID, "--num_train_epochs", "1")


@pytest.fixture(autouse=True)
def load_data_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "load_fer2013", load_fer2013_once)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "baseline.report" / "seed-0"


def test_run_with_push_to_hub_ends_on_the_hub(hub: HubServer, made_up_parquet: Path, run_dir: Path) -> None:
    train.main(make_argv(made_up_parquet, run_dir, *PUSH, model="baseline"))
    repo = hub.repo(REPO_ID)
    names = set(repo.get("main").files)
    assert names >= {"model.safetensors", "config.json", "preprocessor_config.json", "recipe.yaml", "history.json"}
    assert names >= {"configuration_fer.py", "modeling_fer.py", "image_processing_fer.py", "run.json", "README.md"}
    assert [name for name in names if name.endswith((".bin", ".pt", ".pkl")) or "checkpoint" in name] == []
    assert not (run_dir / "training_args.bin").exists()

    fixed = f"report-{compute_fingerprint(run_dir)}"
    assert repo.tags == {fixed: repo.branches["main"]}
    card = ModelCard(repo.get("main").files["README.md"].content.decode())
    assert f'repository, revision = "{REPO_ID}", "{fixed}"' in card.text
    assert "Not measured yet" in card.text
    assert card.data.library_name == "transformers"

    back = snapshot_download(REPO_ID, revision=fixed)
    faces = torch.rand(2, 1, 48, 48)
    logits = [AutoModelForImageClassification.from_pretrained(path)(faces).logits for path in (back, run_dir)]
    assert torch.equal(*logits)


def test_token_stays_out_of_the_recipe(hub: HubServer, made_up_parquet: Path, run_dir: Path) -> None:
    train.main(make_argv(made_up_parquet, run_dir, *PUSH, "--hub_token", "hf_alice", model="baseline"))
    assert [path.name for path in run_dir.rglob("*") if path.is_file() and b"hf_alice" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("fault", "sentence", "is_trained"),
    [
        (Fault("/repos/create", status=401), "does not know your token", False),  # before an hour of training
        (Fault("/repos/create", status=403), "not allowed this with alice/my-network", False),
        (Fault("/commit/", status=503), "is trained, but not pushed.*out of order.*hf upload alice/my-network", True),
    ],
    ids=["unknown token", "no right", "out of order at the end"],
)
def test_hub_that_refuses_is_a_sentence(
    fault: Fault, sentence: str, is_trained: bool, hub: HubServer, made_up_parquet: Path, run_dir: Path
) -> None:
    hub.faults.append(fault)
    with pytest.raises(SystemExit) as caught:
        train.main(make_argv(made_up_parquet, run_dir, *PUSH, model="baseline"))
    assert re.search(sentence, str(caught.value.code)), caught.value.code
    assert (run_dir / "run.json").exists() == is_trained
