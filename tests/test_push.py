"""Pushing to the loopback Hub with the real client: what arrives, what a second push does, and what goes wrong."""

import hashlib

import pytest
from hub_server import HubServer

from fer_models.hub import make_fixed_revision
from fer_models.zoo import checkpoint_dir
from training.push import main

REPO_ID = "alice/fer-baseline"
PUSH = ["--namespace", "alice", "--models", "baseline"]


def test_push_makes_repository_branch_tag_and_collection(hub: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    main(PUSH)
    repo, directory = hub.repo(REPO_ID), checkpoint_dir("baseline")
    assert [commit.title for commit in repo.log("main")] == ["baseline.report", "initial commit"], "one commit"
    here = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()}
    there = {path: file.sha256 for path, file in repo.get("main").files.items() if path != ".gitattributes"}
    assert there.pop("README.md") != here.pop("README.md"), "the one names the namespace"
    assert there == here
    assert b"alice/fer-baseline" in repo.get("main").files["README.md"].content
    assert repo.branches["report"] == repo.branches["main"]
    assert repo.tags == {make_fixed_revision(directory): repo.branches["main"]}
    assert [item["id"] for collection in hub.store.collections.values() for item in collection["items"]] == [REPO_ID]
    assert capsys.readouterr().out.splitlines()[-2] == f"{hub.endpoint}/{REPO_ID}"


def test_second_push_makes_no_commit(hub: HubServer) -> None:
    main(PUSH)
    before = dict(hub.repo(REPO_ID).branches)
    main(PUSH)
    assert hub.repo(REPO_ID).branches == before
    assert hub.count("POST", "/commit/") == 1
    assert len(hub.store.collections) == 1
