"""Loading from the loopback Hub: names, fixed revisions, the cache, and what happens when the Hub misbehaves."""

import errno
import logging
import math
import re
import shutil
from pathlib import Path

import huggingface_hub.constants
import huggingface_hub.file_download
import pytest
import torch
from conftest import connect
from hub_server import Fault, HubServer
from hub_store import Store
from huggingface_hub import HfApi
from huggingface_hub.cli.hf import app as hf

import fer_models
from fer_models import hub as hub_module
from fer_models import zoo
from fer_models.hub import compute_fingerprint, explain, make_fixed_revision, make_repo_id
from fer_models.inference import load_models
from fer_models.zoo import NAMESPACE_VARIABLE, checkpoint_dir, find_checkpoint
from training.publishing.hub_sync import Revision, sync

REPO_ID = "alice/fer-baseline"
BUNDLED = checkpoint_dir("baseline", "report")
FIXED = make_fixed_revision(BUNDLED)
FILES = [*hub_module.MODEL_FILES, "results.json"]


@pytest.fixture(autouse=True)
def report_is_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is bundled, these tests are about `baseline.report`."""
    monkeypatch.setattr(zoo, "TAGS", ("report",))


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A Hub's store with the model of `baseline.report`, fixed by its tag, without figures and code."""
    with HubServer() as server, pytest.MonkeyPatch.context() as patch:
        connect(server, tmp_path_factory.mktemp("cache"), patch)
        api = HfApi()
        api.create_repo(REPO_ID)
        put(api, BUNDLED)
        api.create_tag(REPO_ID, tag=FIXED)
        return server.store


@pytest.fixture
def api(hub: HubServer, pushed: Store) -> HfApi:
    """The client; that model is on the Hub."""
    hub.store = pushed.copy()
    return HfApi()


def put(api: HfApi, directory: Path) -> str:
    """Push a checkpoint's files; gives the commit."""
    return sync(api, Revision(REPO_ID), {name: (directory / name).read_bytes() for name in FILES}, "a model")[0]


def cut_off(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where the Hub was, or the user says that nobody shall be asked."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", how == "offline")


def compute_logits(*arguments: str, **named: str) -> torch.Tensor:
    model, _ = fer_models.load(*arguments, **named)
    with torch.inference_mode():
        return model(torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))).logits


def assert_is_the_bundled_model(**named: str) -> None:
    assert find_checkpoint("baseline", namespace="alice", **named) != BUNDLED
    assert torch.equal(compute_logits("baseline", namespace="alice", **named), compute_logits("baseline"))


# --- names ---


@pytest.mark.parametrize("namespace", ["", "a b", "a/b", "a--b", "..", "ümlaut", "a" * 97])
def test_impossible_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="cannot be a user or an organization of the Hub"):
        make_repo_id(namespace, "baseline")


def test_fixed_revision_follows_what_decides_the_answer_and_nothing_else(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(BUNDLED, tmp_path / "baseline.report"))
    (copy / "results.json").write_text("{}")
    assert make_fixed_revision(copy) == FIXED
    assert FIXED.startswith("report-")
    for name in hub_module.MODEL_FILES:
        before = compute_fingerprint(copy)
        (copy / name).write_bytes((copy / name).read_bytes() + b" ")
        assert compute_fingerprint(copy) != before, name


# --- loading ---


def test_nobody_asks_the_hub_without_a_namespace_or_for_an_unknown_model(hub: HubServer) -> None:
    fer_models.load("baseline")
    with pytest.raises(ValueError, match="There is no model 'resnet'"):
        fer_models.load("resnet", namespace="alice")
    with pytest.raises(ValueError, match="name the namespace too, or set FER_MODELS_NAMESPACE"):
        fer_models.load("baseline", revision="main")
    assert hub.requests == []


def test_model_of_the_hub_is_the_bundled_one_and_no_code_is_fetched(
    api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor run: the classes are this package's."""
    repo = hub.repo(REPO_ID)
    code = {"modeling_fer.py": repo.get("main").files["config.json"]}
    repo.tags[FIXED] = repo.commit("main", "with code", repo.get("main").files | code).sha
    assert_is_the_bundled_model()
    assert hub.count("GET", f"/revision/{FIXED}$") > 0
    model, image_processor = fer_models.load("baseline", namespace="alice")
    assert type(model) is fer_models.FerCnnForImageClassification
    assert type(image_processor) is fer_models.FerImageProcessor
    assert hub.count("GET", r"\.py$") == 0
    monkeypatch.setenv(NAMESPACE_VARIABLE, "alice")
    before = len(hub.requests)
    (loaded,) = load_models(["baseline"])
    assert (loaded.name, loaded.tag) == ("baseline", "report")
    assert len(hub.requests) > before, "the namespace may come from the environment"


def test_any_branch_or_commit_is_a_revision_and_not_taken_for_a_fixed_one(api: HfApi) -> None:
    """Whatever had 12 characters after its last hyphen, if it had one, was said to be tampered with."""
    other = put(api, checkpoint_dir("dense"))  # any model will do
    branches = ["no-augmentation", "report-0A1B2C3D4E5F"]
    for branch in branches:
        api.create_branch(REPO_ID, branch=branch)
    for revision in ("main", other, other[:12], *branches):
        assert find_checkpoint("baseline", namespace="alice", revision=revision).name == other
    assert find_checkpoint("baseline", namespace="alice").name != other, "the fixed revision stays"


# --- no network: the cache, then the bundled weights ---


def test_cache_serves_without_a_network(
    api: HfApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    online = find_checkpoint("baseline", namespace="alice")
    cut_off("unplugged", monkeypatch)
    with caplog.at_level(logging.WARNING, "fer_models"):
        assert find_checkpoint("baseline", namespace="alice") == online
    assert caplog.records == []


@pytest.mark.parametrize("has_half", [False, True], ids=["empty cache", "half a download"])
@pytest.mark.parametrize("how", ["unplugged", "offline"])
def test_bundled_weights_serve_without_network_and_cache(
    how: str,
    has_half: bool,
    api: HfApi,
    hub: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if has_half:
        hub.faults.append(Fault("/xorbs/", cut_after=1000))
        assert find_checkpoint("baseline", namespace="alice") == BUNDLED
        caplog.clear()
    cut_off(how, monkeypatch)
    assert find_checkpoint("baseline", namespace="alice") == BUNDLED
    (record,) = [record for record in caplog.records if record.name.startswith("fer_models")]
    assert record.getMessage().endswith("Taking the bundled baseline.report instead.")
    assert REPO_ID in record.getMessage()


def test_bundled_weights_stand_for_no_revision_but_their_own(api: HfApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever had pinned another model got the bundled best."""
    cut_off("unplugged", monkeypatch)
    tuned = checkpoint_dir("baseline", "tuned")
    for revision, directory in (("main", BUNDLED), ("tuned", tuned), (make_fixed_revision(tuned), tuned)):
        assert find_checkpoint("baseline", "report", namespace="alice", revision=revision) == directory
    for revision in ("report-0a1b2c3d4e5f", "my-branch"):
        with pytest.raises(OSError, match=f"cannot be reached for {REPO_ID} at the revision '{revision}'"):
            find_checkpoint("baseline", "report", namespace="alice", revision=revision)


@pytest.mark.parametrize("path", ["/revision/", "/resolve/"])
def test_hub_out_of_order_is_no_network(
    path: str, api: HfApi, hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing half-loaded stays: once the Hub is well again, its model is taken."""
    hub.faults.append(Fault(path, status=503))
    assert find_checkpoint("baseline", namespace="alice") == BUNDLED
    assert "Taking the bundled baseline.report instead." in caplog.text
    hub.faults.clear()
    assert_is_the_bundled_model()


@pytest.mark.parametrize(
    ("status", "asked", "waited"), [(429, "3", [3.0]), (503, "", [hub_module.PAUSE_S]), (429, "60", [])]
)
def test_hub_that_is_busy_for_a_moment_is_asked_once_more(
    status: int, asked: str, waited: list[float], api: HfApi, hub: HubServer, waits: list[float]
) -> None:
    """But not after a minute, which nobody waits who has the bundled weights."""
    hub.faults.append(Fault("/revision/", status=status, headers={"Retry-After": asked}, times=1))
    assert (find_checkpoint("baseline", namespace="alice") == BUNDLED) == (not waited)
    assert waits == waited


def test_connection_cut_in_a_file_goes_on(api: HfApi, hub: HubServer) -> None:
    hub.faults.append(Fault("/xorbs/", "GET", cut_after=1000, times=2))
    assert_is_the_bundled_model()
    assert hub.count("GET", "/xorbs/") >= 3


def test_hub_that_never_answers_is_given_up(
    api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client alone would wait for ever. And not each model waits: a page has many."""
    monkeypatch.setattr(hub_module, "_given_up_s", -math.inf)  # which is put back afterwards
    with monkeypatch.context() as patch:
        patch.setattr(hub_module, "ANSWER_TIMEOUT_S", 0.1)
        fault = Fault("/revision/", delay_s=0.5, times=2)
        hub.faults.append(fault)
        assert find_checkpoint("baseline", namespace="alice") == BUNDLED
    assert find_checkpoint("baseline", namespace="alice") == BUNDLED
    assert caplog.text.count("cannot be reached") == 2
    assert fault.times > 0, "it is not asked again"


def test_preloaded_cache_that_cannot_be_written_serves(api: HfApi) -> None:
    """A Space fetches commits while it is built, perhaps as another user, and asks for tags when it starts."""
    directory = Path(api.snapshot_download(REPO_ID, revision=api.model_info(REPO_ID, revision=FIXED).sha))
    cache = directory.parents[1]
    for name in ("refs", "trees"):  # a file in place of a folder stops root, too
        shutil.rmtree(cache / name, ignore_errors=True)
        (cache / name).touch()
    assert find_checkpoint("baseline", namespace="alice") == directory


def test_empty_cache_that_cannot_be_written_is_a_sentence(api: HfApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a Space takes for a reason to go on with what it brings along."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", "/dev/null/cache")
    with pytest.raises(OSError, match=f"{REPO_ID} at the revision '{FIXED}': .*/dev/null/cache") as caught:
        find_checkpoint("baseline", namespace="alice")
    assert "\n" not in str(caught.value)


def test_files_that_were_fetched_one_by_one_are_taken_if_none_is_missing(
    api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `results.json`, of which nobody thought, the page did not start."""
    for name in hub_module.MODEL_FILES:
        api.hf_hub_download(REPO_ID, name, revision=FIXED)
    with monkeypatch.context() as no_network:
        cut_off("unplugged", no_network)
        assert find_checkpoint("baseline", namespace="alice") == BUNDLED
    path = Path(api.hf_hub_download(REPO_ID, "results.json", revision=FIXED))
    cut_off("unplugged", monkeypatch)
    assert find_checkpoint("baseline", namespace="alice") == path.parent


# --- what is wrong for good: a sentence, and no other model in its place ---


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda hub: hub.store.repos.clear(), f"There is no {REPO_ID} at the revision .* or it is private"),
        (lambda hub: hub.repo(REPO_ID).tags.clear(), "Name a revision that its page lists, or push it first"),
        (lambda hub: hub.store.tokens.clear(), "does not know your token"),
    ],
    ids=["no repository", "no revision", "unknown token"],
)
def test_refusal_is_a_sentence(change, sentence: str, api: HfApi, hub: HubServer) -> None:
    change(hub)
    with pytest.raises(OSError, match=sentence) as caught:
        fer_models.load("baseline", namespace="alice")
    assert "\n" not in str(caught.value)


def test_full_disk_is_a_sentence_and_leaves_no_half(api: HfApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, incomplete_path: Path, **__: object) -> None:
        incomplete_path.write_bytes(b"half")
        raise RuntimeError("Data processing error: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(huggingface_hub.file_download, "xet_get", no_room)
        with pytest.raises(OSError, match=r"The disk is full .* Make room and run the same again"):
            fer_models.load("baseline", namespace="alice")
    assert_is_the_bundled_model()


def test_other_weights_under_a_fixed_revision_are_refused(api: HfApi, hub: HubServer) -> None:
    """Whoever owns the repository can move a tag; its name tells."""
    hub.repo(REPO_ID).tags[FIXED] = put(api, checkpoint_dir("dense"))
    with pytest.raises(OSError, match=r"does not hold the model that this revision names.*tampered"):
        fer_models.load("baseline", namespace="alice")


@pytest.mark.parametrize("missing", [FILES, ["results.json"]], ids=["all", "results"])
def test_repository_of_something_else_is_refused(missing: list[str], api: HfApi, hub: HubServer) -> None:
    repo = hub.repo(REPO_ID)
    files = {path: file for path, file in repo.get("main").files.items() if path not in missing}
    repo.commit("main", "something else", files)
    with pytest.raises(OSError, match="no model of this package: it lacks " + re.escape(str(missing))):
        fer_models.load("baseline", namespace="alice", revision="main")


def test_damaged_weights_of_the_cache_are_mended_as_the_error_says(api: HfApi) -> None:
    """It named a folder to delete; the client then linked the same damaged file again."""
    weights = find_checkpoint("baseline", namespace="alice", revision="main") / "model.safetensors"
    weights.write_bytes(bytes(weights.stat().st_size))  # a file of another size the client would notice
    with pytest.raises(OSError, match="damaged or cut short") as caught:
        fer_models.load("baseline", namespace="alice", revision="main")
    (command,) = re.findall("Run `hf (.*)` and load the model again", str(caught.value))
    hf([*command.split(), "--yes", "--cache-dir", huggingface_hub.constants.HF_HUB_CACHE], standalone_mode=False)
    assert_is_the_bundled_model(revision="main")


def test_full_disk_is_told_and_an_unknown_error_as_it_is() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert explain(full, REPO_ID).startswith("The disk is full ([Errno 28] No space left on device")
    assert explain(OSError("odd"), REPO_ID) == f"{REPO_ID}: odd"
