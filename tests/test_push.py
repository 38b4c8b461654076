"""Pushing to the loopback Hub with the real client: what arrives, what a second push does, and what goes wrong."""

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
    local = {path.name: path.read_bytes() for path in directory.iterdir()}
    sent = {path: file.content for path, file in repo.get("main").files.items() if path != ".gitattributes"}
    assert sent.keys() == local.keys()
    assert [path for path in sent if path != "README.md" and sent[path] != local[path]] == []
    assert b"alice/fer-baseline" in sent["README.md"]
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
