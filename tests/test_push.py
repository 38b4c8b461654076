"""Pushing models to the loopback Hub: what arrives, what a second push does, and what goes wrong."""

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from conftest import exit_message
from hub_server import Fault, HubServer
from hub_store import make_file
from huggingface_hub import HfApi

from fer_models import zoo
from fer_models.export import collect_export
from fer_models.hub import make_fixed_revision
from fer_models.zoo import checkpoint_dir
from training.publishing import push
from training.publishing.push import PushError, main

REPO_ID = "alice/fer-baseline"
FIGURES = {"curves.png", "confusion_matrix.png", "reliability.png"}
PUSH = ["--namespace", "alice", "--models", "baseline"]


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`baseline.report` alone, in a folder where tests may change it."""
    shutil.copytree(checkpoint_dir("baseline", "report"), tmp_path / "baseline.report")
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def quick_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """`test_onnx` exports, `test_plots` draws, and `test_model_card` renders."""
    monkeypatch.setattr(push, "export_onnx", lambda directory: b"onnx of " + directory.name.encode())
    draw = lambda directory: dict.fromkeys(FIGURES, (directory / "history.json").read_bytes())  # noqa: E731
    monkeypatch.setattr(push, "draw_checkpoint", draw)
    monkeypatch.setattr(push, "render_card", write_card)


def write_card(directory: Path, repo_id: str, figures: Iterable[str] = FIGURES) -> str:
    return f"{repo_id} {make_fixed_revision(directory)} {sorted(figures)}"


def tune(checkpoints: Path) -> Path:
    """Add a `baseline.tuned`, the best one, with another temperature."""
    tuned = Path(shutil.copytree(checkpoints / "baseline.report", checkpoints / "baseline.tuned"))
    config = json.loads((tuned / "config.json").read_text())
    (tuned / "config.json").write_text(json.dumps(config | {"temperature": 2.0}))
    results = json.loads((tuned / "results.json").read_text())
    (tuned / "results.json").write_text(json.dumps(results | {"temperature": 2.0}))
    return tuned


def list_titles(hub: HubServer, branch: str = "main") -> list[str]:
    return [commit.title for commit in hub.repo(REPO_ID).log(branch)]


# --- what arrives ---


def test_push_makes_repository_branch_tag_and_collection_and_a_second_one_nothing(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(PUSH)
    addresses = capsys.readouterr().out.splitlines()[-2:]
    repo, directory = hub.repo(REPO_ID), checkpoint_dir("baseline", "report")
    assert list_titles(hub) == ["baseline.report", "initial commit"], "one commit"
    before = len(hub.requests)
    main([*PUSH, "--output", str(tmp_path / "out")])
    assert len(hub.requests) == before
    folder = tmp_path / "out" / "fer-baseline"
    here = {path.relative_to(folder).as_posix(): make_file(path.read_bytes()).sha256 for path in folder.rglob("*.*")}
    there = {path: file.sha256 for path, file in repo.get("main").files.items() if path != ".gitattributes"}
    assert there == here, "what an output folder holds"
    assert there.keys() - collect_export(directory).keys() == {"README.md", "onnx/model.onnx", *FIGURES}
    assert repo.get("main").files["README.md"].content.decode() == write_card(directory, REPO_ID)
    assert not repo.private
    assert repo.branches["report"] == repo.branches["main"]
    assert repo.tags == {make_fixed_revision(directory): repo.branches["main"]}
    (collection,) = hub.store.collections.values()
    assert [(item["id"], item["type"]) for item in collection["items"]] == [(REPO_ID, "model")]
    assert addresses == [f"{hub.endpoint}/{REPO_ID}", f"{hub.endpoint}/collections/{collection['slug']}"]
    main(PUSH)
    assert hub.count("POST", "/commit/") == 1
    assert len(hub.store.collections) == 1


def test_best_model_is_main_and_the_report_s_has_its_branch(hub: HubServer, checkpoints: Path) -> None:
    main(PUSH)
    tuned = tune(checkpoints)
    main(PUSH)
    assert list_titles(hub) == ["baseline.tuned", "baseline.report", "initial commit"]
    assert list_titles(hub, "report") == ["baseline.report", "initial commit"]
    repo = hub.repo(REPO_ID)
    assert repo.get("main").files["config.json"].content == (tuned / "config.json").read_bytes()
    assert repo.get("report").files["config.json"].content != (tuned / "config.json").read_bytes()
    assert repo.tags == {
        make_fixed_revision(checkpoints / "baseline.report"): repo.branches["report"],
        make_fixed_revision(tuned): repo.branches["main"],
    }


def test_changed_figures_are_one_commit_a_branch_and_leave_the_fixed_revision(
    hub: HubServer, checkpoints: Path
) -> None:
    main(PUSH)
    fixed = dict(hub.repo(REPO_ID).tags)
    before = hub.repo(REPO_ID).get("main").files["curves.png"]
    history = json.loads((checkpoints / "baseline.report" / "history.json").read_text())
    (checkpoints / "baseline.report" / "history.json").write_text(json.dumps(history[:-1]))
    main(PUSH)
    assert list_titles(hub) == ["baseline.report", "baseline.report", "initial commit"]
    assert hub.repo(REPO_ID).get("main").files["curves.png"] != before
    assert list_titles(hub, "report") == list_titles(hub)
    assert hub.repo(REPO_ID).get("report").files == hub.repo(REPO_ID).get("main").files
    assert hub.repo(REPO_ID).tags == fixed, "the weights are the same"


def test_private_is_private_in_an_organization_too(hub: HubServer) -> None:
    main(["--namespace", "faces", "--models", "baseline", "--token", "hf_alice", "--private"])
    assert hub.repo("faces/fer-baseline").private
    assert [collection["private"] for collection in hub.store.collections.values()] == [True]


def test_dry_run_says_what_would_change_and_changes_nothing(
    hub: HubServer, checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*PUSH, "--dry-run"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{REPO_ID}, main, from baseline.report: would be made"
    assert "  + config.json  875 bytes" in lines
    assert hub.store.repos == {}
    main(PUSH)
    (checkpoints / "baseline.report" / "recipe.yaml").open("a").write("# changed\n")
    hub.repo(REPO_ID).get("main").files["old.txt"] = hub.repo(REPO_ID).get("main").files["recipe.yaml"]
    capsys.readouterr()
    before = len(hub.requests)
    main([*PUSH, "--dry-run"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("  ")][:2] == [["-", "old.txt"], ["~", "recipe.yaml"]]
    assert {method for method, _, _ in hub.requests[before:]} <= {"GET", "HEAD"}


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--namespace", "", "--models", "baseline"], "'' cannot be a user or an organization"),
        (["--namespace", "alice", "--models", "resnet"], "There is no model 'resnet'"),
        ([*PUSH, "--token", "hf_unknown"], "does not know your token"),
        ([*PUSH, "--token", "hf_alice_read"], "not allowed this with alice/fer-baseline.*role write"),
        (["--namespace", "nobody", "--models", "baseline"], "rights to create a model under the namespace"),
    ],
)
def test_wrong_arguments_are_a_sentence(argv: list[str], sentence: str, hub: HubServer) -> None:
    message = exit_message(main, *argv)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert re.search(sentence, message), message
    assert hub.store.repos == {}


def test_all_weights_are_there_before_a_repository_is_made(hub: HubServer, checkpoints: Path) -> None:
    """Only the default tag was looked at, here `tuned`."""
    tune(checkpoints)
    (checkpoints / "baseline.report" / "model.safetensors").unlink()
    assert "baseline.report/model.safetensors are missing" in exit_message(main, *PUSH)
    assert hub.store.repos == {}


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("recipe.yaml", "samples_per_class: 200\n", "is a trial run (samples_per_class: 200)"),
        ("recipe.yaml", "max_steps: 9\n", "is a trial run (max_steps: 9)"),
        ("config.json", {"temperature": 1.0}, "is not calibrated"),
        ("results.json", {"temperature": 3.0}, "was measured with the temperature 3.0"),
    ],
)
def test_a_trial_is_never_pushed(file: str, change: Any, sentence: str, hub: HubServer, checkpoints: Path) -> None:
    """One was, by the README's next command."""
    path = checkpoints / "baseline.report" / file
    before = path.read_text()
    path.write_text(before + change if isinstance(change, str) else json.dumps(json.loads(before) | change))
    for argv in (PUSH, [*PUSH, "--dry-run"], ["--space", "alice/fer-compare"]):
        assert sentence in exit_message(main, *argv)
    assert hub.store.repos == {}


def test_no_token_and_no_network_are_a_sentence(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
        assert "Check the network, then run the same again." in exit_message(main, *PUSH, "--dry-run")
        assert "cannot be reached for alice/fer-baseline" in exit_message(main, *PUSH)
    monkeypatch.delenv("HF_TOKEN")
    assert exit_message(main, *PUSH).startswith("error: No token is given. Log in with `hf auth login`")
    assert hub.requests == []


def test_repository_of_something_else_is_left_alone(hub: HubServer) -> None:
    api = HfApi()
    api.create_repo(REPO_ID)
    api.upload_file(repo_id=REPO_ID, path_in_repo="thesis.txt", path_or_fileobj=b"years of work")
    for argv in (PUSH, [*PUSH, "--dry-run"]):  # which said that it would delete it
        assert "holds something that was not pushed from here (thesis.txt, ...)" in exit_message(main, *argv)
    assert set(hub.repo(REPO_ID).get("main").files) == {".gitattributes", "thesis.txt"}


@pytest.mark.parametrize(
    "fault",
    [Fault("/tag/", status=503), Fault("/resolve/", status=500), Fault("/api/collections", "POST", status=500)],
    ids=lambda fault: fault.path,
)
def test_push_that_broke_off_is_finished_by_the_same_command(fault: Fault, hub: HubServer) -> None:
    hub.faults.append(fault)
    assert "Run the same again" in exit_message(main, *PUSH) or fault.path == "/resolve/"
    hub.faults.clear()
    main(PUSH)
    assert hub.count("POST", "/commit/") == 1
    assert set(hub.repo(REPO_ID).branches) == {"main", "report"}
    assert len(hub.repo(REPO_ID).tags) == 1
    assert len(hub.store.collections) == 1


@pytest.mark.parametrize("cut", ["/branch/report$", "/commit/report$"])
def test_branch_never_serves_the_weights_of_another(cut: str, hub: HubServer, checkpoints: Path) -> None:
    """It began at the head of `main`, so that a push cut off there left the tuned model as the report's."""
    tuned = tune(checkpoints)
    hub.faults.append(Fault(cut, "POST", status=503))
    assert "Run the same again" in exit_message(main, *PUSH)
    repo = hub.repo(REPO_ID)
    assert repo.get("main").files["config.json"].content == (tuned / "config.json").read_bytes()
    if "report" in repo.branches:
        assert set(repo.get("report").files) == {".gitattributes"}
    hub.faults.clear()
    main(PUSH)
    own = (checkpoints / "baseline.report" / "config.json").read_bytes()
    assert repo.get("report").files["config.json"].content == own != (tuned / "config.json").read_bytes()
    assert repo.branches["tuned"] == repo.branches["main"], "the same model is the same commit"
    assert hub.count("POST", "/commit/main$") == 1
    assert list_titles(hub, "report") == ["baseline.report", "initial commit"]


def test_interruption_is_a_sentence(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(HfApi, "create_commit", interrupt)
    assert exit_message(main, *PUSH) == "Interrupted. Nothing is half-pushed; the same command does the rest."
    assert list_titles(hub) == ["initial commit"]


def test_what_comes_back_must_be_what_was_sent_with_the_same_logits(hub: HubServer, checkpoints: Path) -> None:
    main(PUSH)
    repo, directory = hub.repo(REPO_ID), checkpoint_dir("baseline", "report")
    files, there = push.collect_files(directory, REPO_ID), repo.get("main").files
    with pytest.raises(PushError, match="its logits differ"):
        push.verify(HfApi(), REPO_ID, repo.branches["main"], files, tune(checkpoints))
    wrong = repo.commit("main", "wrong", there | {"results.json": there["recipe.yaml"]})
    with pytest.raises(PushError, match=rf"at {wrong.sha} is not what was sent \(results.json\)"):
        push.verify(HfApi(), REPO_ID, wrong.sha, files, directory)
