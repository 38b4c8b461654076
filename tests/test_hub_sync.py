"""A revision on the loopback Hub made equal to a few files: what is sent, and what if the Hub misbehaves."""

import re

import pytest
from hub_server import Fault, HubServer
from huggingface_hub import HfApi

from fer_models.hub import CLIENT_ERRORS, explain
from training.publishing import hub_sync
from training.publishing.hub_sync import Revision, sync

WHERE = Revision("alice/faces")
FILES = {
    "README.md": b"---\nlicense: apache-2.0\n---\n# Faces\n",
    "config.json": b"{}",
    "model.safetensors": bytes(range(256)) * 400,  # a large file, by its name
}
CHANGED = FILES | {"config.json": b'{"a": 1}', "model.safetensors": FILES["model.safetensors"][::-1]}


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    """The client, with an empty repository."""
    api = HfApi()
    api.create_repo(WHERE.repo_id)
    return api


def list_titles(hub: HubServer) -> list[str]:
    return [commit.title for commit in hub.repo(WHERE.repo_id).log("main")]


def read_tree(hub: HubServer) -> dict[str, str]:
    """SHA-256 of each file at the head of main."""
    return {path: file.sha256 for path, file in hub.repo(WHERE.repo_id).get("main").files.items()}


# --- what is sent ---


def test_only_what_differs_is_sent_in_one_commit(api: HfApi, hub: HubServer) -> None:
    sync(api, WHERE, FILES | {"old.txt": b"old"}, "first")
    commit, changes = sync(api, WHERE, CHANGED, "second")
    assert [str(change) for change in changes] == [
        "~ config.json  8 bytes",
        "~ model.safetensors  102,400 bytes",
        "- old.txt",
    ]
    assert sync(api, WHERE, CHANGED, "third") == (commit, []), "nothing changed is no commit"
    assert list_titles(hub) == ["second", "first", "initial commit"]
    assert commit == hub.repo(WHERE.repo_id).branches["main"]
    assert sorted(read_tree(hub)) == [".gitattributes", *sorted(CHANGED)], "the Hub's own file stays"


def test_invalid_card_is_refused_before_anything_is_sent(api: HfApi, hub: HubServer) -> None:
    with pytest.raises(ValueError, match=r"Invalid metadata in README.md.\n.*license"):
        sync(api, WHERE, FILES | {"README.md": b"---\nlicense: none of yours\n---\n"}, "first")
    assert list_titles(hub) == ["initial commit"]
    assert hub.count("PUT", ".") == 0


# --- when the Hub misbehaves for a while: it is tried again, and nothing happens twice ---


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/revision/main", status=503),
        Fault("/preupload/", status=500),
        Fault("/xet-write-token/", status=503),
        Fault("/xorbs/", "PUT", status=500),
        Fault("/xorbs/", cut_upload_after=1000),
        Fault("/v2/shards", status=503),
        Fault("/commit/", status=500),
        Fault("/commit/", status=429, headers={"Retry-After": "7"}),
        Fault("/commit/", cut_after=0),  # it was made, but the answer is lost
    ],
    ids=lambda fault: f"{fault.path} {fault.status or f'cut after {fault.cut_after} {fault.cut_upload_after}'}",
)
def test_passing_trouble_is_waited_out(fault: Fault, api: HfApi, hub: HubServer, waits: list[float]) -> None:
    fault.times = 1
    hub.faults.append(fault)
    commit, _ = sync(api, WHERE, FILES, "first")
    assert list_titles(hub) == ["first", "initial commit"]
    assert commit == hub.repo(WHERE.repo_id).branches["main"]
    assert read_tree(hub).keys() == {*FILES, ".gitattributes"}
    if "/commit/" in fault.path:
        assert waits == [7.0 if fault.status == 429 else hub_sync.PAUSES_S[0]]


def test_answer_that_does_not_come_is_given_up(api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client alone would wait for ever."""
    monkeypatch.setattr(hub_sync, "ANSWER_TIMEOUT_S", 0.2)
    hub.faults += [Fault(path, status=503, delay_s=0.5, times=1) for path in ("/revision/", "/commit/")]
    sync(api, WHERE, FILES, "first")
    assert list_titles(hub) == ["first", "initial commit"]


# --- when it goes on misbehaving: a sentence, and the branch as it was ---


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("/commit/", status=401), "does not know your token"),
        (Fault("/commit/", status=403), "not allowed this with alice/faces.*role write"),
        (Fault("/commit/", status=404), "There is no alice/faces"),
        (Fault("/commit/", status=409), "Somebody else is changing alice/faces"),
        (Fault("/commit/", status=412), "Somebody else changed alice/faces meanwhile. Run the same again"),
        (Fault("/commit/", status=429, headers={"Retry-After": "9"}), "asked too often. Wait 9 s, then run the same"),
        (Fault("/commit/", status=500), r"out of order for alice/faces. Run the same again later. \(HTTP 500"),
        (Fault("/commit/", status=507), "no more room for alice/faces. Free some"),
        (Fault("/commit/", status=418), "refuses alice/faces"),
        (Fault("/xet-write-token/", status=401), "does not know your token"),
        (Fault("/xorbs/", status=507), "no more room"),
        (Fault("/xorbs/", cut_upload_after=1000), "cannot be reached"),
        (Fault("/preupload/", cut_after=0), "cannot be reached for alice/faces .*Check the network"),
    ],
    ids=lambda value: f"{value.path} {value.status}" if isinstance(value, Fault) else "",
)
def test_lasting_trouble_is_a_sentence_and_changes_nothing(
    fault: Fault, sentence: str, api: HfApi, hub: HubServer
) -> None:
    sync(api, WHERE, FILES, "first")
    before = read_tree(hub)
    hub.faults.append(fault)
    with pytest.raises(CLIENT_ERRORS) as caught:
        sync(api, WHERE, CHANGED, "second")
    told = explain(caught.value, WHERE.repo_id)
    assert re.search(sentence, told), told
    assert "\n" not in told
    assert read_tree(hub) == before
    hub.faults.clear()
    sync(api, WHERE, CHANGED, "second")
    assert list_titles(hub) == ["second", "first", "initial commit"], "the same command does the rest"


def test_foreign_commit_in_between_is_not_overwritten(
    api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the branch and our commit: the Hub refuses, and nothing of theirs is lost."""
    create_commit, theirs = HfApi.create_commit, FILES | {"theirs.txt": b"theirs"}

    def commit_second(self: HfApi, *args: object, **kwargs: object) -> object:
        repo = hub.repo(WHERE.repo_id)
        repo.commit("main", "theirs", dict(repo.get("main").files))
        return create_commit(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(HfApi, "create_commit", commit_second)
    with pytest.raises(OSError, match="A commit has happened since") as caught:
        sync(api, WHERE, theirs, "ours")
    assert "Run the same again" in explain(caught.value, WHERE.repo_id)
    assert list_titles(hub)[0] == "theirs"
