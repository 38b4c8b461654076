"""Loading from the loopback Hub: names, fixed revisions, the cache, and what happens when the Hub misbehaves."""

import errno
import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import huggingface_hub.constants
import huggingface_hub.file_download
import pytest
import torch
from hub_server import Fault, HubServer
from huggingface_hub import HfApi

import fer_models
from fer_models import hub as hub_module
from fer_models import zoo
from fer_models.hub import compute_fingerprint, explain, make_fixed_revision, make_repo_id
from fer_models.inference import load_models
from fer_models.zoo import NAMESPACE_VARIABLE, checkpoint_dir, find_checkpoint
from training.publishing.hub_sync import Revision, sync

REPO_ID = "alice/fer-baseline"
FIXED = make_fixed_revision(checkpoint_dir("baseline", "report"))


@pytest.fixture(autouse=True)
def report_is_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is bundled, these tests are about `baseline.report`."""
    monkeypatch.setattr(zoo, "TAGS", ("report",))


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    """The client; the model of `baseline.report` is on the Hub, fixed by its tag, without figures and code."""
    api = HfApi()
    api.create_repo(REPO_ID)
    put(api, checkpoint_dir("baseline", "report"))
    api.create_tag(REPO_ID, tag=FIXED)
    return api


def put(api: HfApi, directory: Path, repo_id: str = REPO_ID) -> str:
    names = [*hub_module.NETWORK_FILES, "results.json"]
    files = {name: (directory / name).read_bytes() for name in names if (directory / name).is_file()}
    return sync(api, Revision(repo_id), files, "a model")[0]


def send_without_xet(api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other weights, as they were sent and fetched before there was Xet."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    put(api, checkpoint_dir("dense"))
    hub.repo(REPO_ID).tags[FIXED] = hub.repo(REPO_ID).branches["main"]
    monkeypatch.setattr("fer_models.hub.compute_fingerprint", lambda _: FIXED.rpartition("-")[2])


def unplug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where the Hub was."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        huggingface_hub.constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}",
    )


def compute_logits(*arguments: str, **named: str) -> torch.Tensor:
    model, _ = fer_models.load(*arguments, **named)
    with torch.inference_mode():
        return model(torch.rand(2, 1, 48, 48, generator=torch.Generator().manual_seed(0))).logits


# --- names ---


@pytest.mark.parametrize(
    "namespace",
    ["", "a b", "a/b", "-a", "a--b", "..", "alice/", "ümlaut", "a" * 97],
    ids=["empty", "space", "slash", "hyphen first", "two hyphens", "dots", "slash last", "no ASCII", "too long"],
)
def test_impossible_namespace_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="cannot be a user or an organization of the Hub"):
        make_repo_id(namespace, "baseline")


def test_repository_is_named_after_the_model() -> None:
    assert make_repo_id("alice", "batchnorm-dropout") == "alice/fer-batchnorm-dropout"


def test_fixed_revision_follows_what_decides_the_answer_and_nothing_else(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(checkpoint_dir("baseline", "report"), tmp_path / "baseline.report"))
    assert make_fixed_revision(copy) == FIXED
    assert FIXED.startswith("report-")
    (copy / "results.json").write_text("{}")
    assert make_fixed_revision(copy) == FIXED
    for name in hub_module.NETWORK_FILES:
        before = compute_fingerprint(copy)
        (copy / name).write_bytes((copy / name).read_bytes() + b" ")
        assert compute_fingerprint(copy) != before, name


# --- loading ---


def test_without_a_namespace_nobody_asks_the_hub(hub: HubServer) -> None:
    fer_models.load("baseline")
    assert hub.requests == []


def test_model_of_the_hub_is_the_bundled_one(api: HfApi, hub: HubServer) -> None:
    assert torch.equal(compute_logits("baseline", namespace="alice"), compute_logits("baseline"))
    assert hub.count("GET", f"/revision/{FIXED}$") > 0


def test_no_code_is_fetched(api: HfApi, hub: HubServer) -> None:
    """Nor run: the classes are this package's."""
    repo = hub.repo(REPO_ID)
    code = {"modeling_fer.py": repo.get("main").files["config.json"]}
    repo.tags[FIXED] = repo.commit("main", "with code", repo.get("main").files | code).sha
    model, image_processor = fer_models.load("baseline", namespace="alice")
    assert {type(model), type(image_processor)} == {
        fer_models.FerCnnForImageClassification,
        fer_models.FerImageProcessor,
    }
    assert hub.count("GET", r"\.py$") == 0


def test_namespace_comes_from_the_environment(api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMESPACE_VARIABLE, "alice")
    (model,) = load_models(["baseline"])
    assert (model.name, model.tag, model.test_images) == ("baseline", "report", 3136)
    assert hub.count("GET", f"/revision/{FIXED}$") > 0


def test_branch_and_commit_are_revisions_too(api: HfApi, tmp_path: Path) -> None:
    other = put(api, checkpoint_dir("dense"))  # any model will do
    assert find_checkpoint("baseline", namespace="alice", revision="main").name == other
    assert find_checkpoint("baseline", namespace="alice", revision=other).name == other
    assert find_checkpoint("baseline", namespace="alice").name != other, "the fixed revision stays"


@pytest.mark.parametrize(
    "revision", ["experimental", "no-augmentation", "report-0A1B2C3D4E5F", "12 digits of a commit"]
)
def test_what_only_looks_like_a_fixed_revision_is_not_checked(revision: str, api: HfApi) -> None:
    """Whatever had 12 characters after its last hyphen, if it had one, was said to be tampered with."""
    commit = put(api, checkpoint_dir("dense"))
    if revision == "12 digits of a commit":
        revision = commit[:12]
    else:
        api.create_branch(REPO_ID, branch=revision)
    assert find_checkpoint("baseline", namespace="alice", revision=revision).name == commit


def test_revision_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="name the namespace too, or set FER_MODELS_NAMESPACE"):
        fer_models.load("baseline", revision="main")


def test_unknown_model_is_refused_before_the_hub_is_asked(hub: HubServer) -> None:
    with pytest.raises(ValueError, match="There is no model 'resnet'"):
        fer_models.load("resnet", namespace="alice")
    assert hub.requests == []


# --- no network: the cache, then the bundled weights ---


def test_cache_serves_without_a_network(
    api: HfApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    online = find_checkpoint("baseline", namespace="alice")
    unplug(monkeypatch)
    with caplog.at_level(logging.WARNING, "fer_models"):
        assert find_checkpoint("baseline", namespace="alice") == online
    assert caplog.records == []


@pytest.mark.parametrize("how", ["unplugged", "offline"])
def test_bundled_weights_serve_without_network_and_cache(
    how: str, hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if how == "unplugged":
        unplug(monkeypatch)
    else:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert find_checkpoint("baseline", namespace="alice") == checkpoint_dir("baseline", "report")
    (record,) = [record for record in caplog.records if record.name.startswith("fer_models")]
    assert record.getMessage().endswith("Taking the bundled baseline.report instead.")
    assert REPO_ID in record.getMessage()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/revision/", status=503),
        Fault("/revision/", status=429, headers={"Retry-After": "3"}),
        Fault("/tree/", status=500),
        Fault("/resolve/", status=500),
        Fault("/reconstructions/", status=503),
        Fault("/xorbs/", cut_after=1000),
    ],
    ids=lambda fault: f"{fault.path} {fault.status or 'cut'}",
)
def test_hub_out_of_order_is_no_network(
    fault: Fault, api: HfApi, hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing half-loaded stays: once the Hub is well again, its model is taken."""
    hub.faults.append(fault)
    assert find_checkpoint("baseline", namespace="alice") == checkpoint_dir("baseline", "report")
    assert "Taking the bundled baseline.report instead." in caplog.text
    hub.faults.clear()
    assert find_checkpoint("baseline", namespace="alice") != checkpoint_dir("baseline", "report")
    assert torch.equal(compute_logits("baseline", namespace="alice"), compute_logits("baseline"))


@pytest.mark.parametrize(
    ("status", "asked", "waited"), [(429, "3", [3.0]), (503, "", [hub_module.PAUSE_S]), (429, "60", None)]
)
def test_hub_that_is_busy_for_a_moment_is_asked_once_more(
    status: int, asked: str, waited: list[float] | None, api: HfApi, hub: HubServer, waits: list[float]
) -> None:
    """But not after a minute, which nobody waits who has the bundled weights."""
    hub.faults.append(Fault("/revision/", status=status, headers={"Retry-After": asked}, times=1))
    assert (find_checkpoint("baseline", namespace="alice") == checkpoint_dir("baseline", "report")) == (waited is None)
    assert waits == (waited or [])


@pytest.mark.parametrize("transfer", ["xet", "lfs"])
def test_connection_cut_in_a_file_goes_on(
    transfer: str, api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if transfer == "lfs":
        send_without_xet(api, hub, monkeypatch)
    hub.faults.append(Fault("/xorbs/|/store/", "GET", cut_after=1000, times=2))
    directory = find_checkpoint("baseline", namespace="alice")
    expected = checkpoint_dir("dense" if transfer == "lfs" else "baseline") / "model.safetensors"
    assert (directory / "model.safetensors").read_bytes() == expected.read_bytes()
    assert hub.count("GET", "/xorbs/|/store/") >= 3


@pytest.mark.parametrize(
    ("path", "transfer"), [("/resolve-cache/.*config.json", "xet"), ("/xorbs/", "xet"), ("/store/", "lfs")]
)
def test_slow_file_arrives(
    path: str, transfer: str, api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gives it up and fetches it again, or waits for it."""
    if transfer == "lfs":
        send_without_xet(api, hub, monkeypatch)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    hub.faults.append(Fault(path, "GET", delay_s=1, times=1))
    directory = find_checkpoint("baseline", namespace="alice")
    assert hub.faults[0].times == 0, "it was slow"
    expected = checkpoint_dir("dense" if transfer == "lfs" else "baseline") / "model.safetensors"
    assert (directory / "model.safetensors").read_bytes() == expected.read_bytes()


def test_hub_that_never_answers_is_given_up(
    api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client alone would wait for ever."""
    monkeypatch.setattr(hub_module, "ANSWER_TIMEOUT_S", 0.2)
    hub.faults.append(Fault("/revision/", delay_s=2))
    assert find_checkpoint("baseline", namespace="alice") == checkpoint_dir("baseline")
    assert "cannot be reached" in caplog.text


@pytest.mark.parametrize("how", ["unplugged", "offline"])
def test_half_a_download_in_the_cache_is_not_taken(
    how: str, api: HfApi, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults.append(Fault("/xorbs/", cut_after=1000))
    find_checkpoint("baseline", namespace="alice")
    if how == "unplugged":
        unplug(monkeypatch)
    else:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert find_checkpoint("baseline", namespace="alice") == checkpoint_dir("baseline")


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


@pytest.mark.parametrize("missing", ["results.json", "preprocessor_config.json"])
def test_files_that_were_fetched_one_by_one_are_taken_if_none_is_missing(
    missing: str, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `results.json`, of which nobody thought, the page did not start."""
    names = [*hub_module.NETWORK_FILES, "results.json"]
    for name in names:
        if name != missing:
            api.hf_hub_download(REPO_ID, name, revision=FIXED)
    with monkeypatch.context() as no_network:
        unplug(no_network)
        assert find_checkpoint("baseline", namespace="alice") == checkpoint_dir("baseline")
    path = Path(api.hf_hub_download(REPO_ID, missing, revision=FIXED))
    unplug(monkeypatch)
    assert find_checkpoint("baseline", namespace="alice") == path.parent


# --- what is wrong for good: a sentence, and no other model in its place ---


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda hub: hub.store.repos.clear(), f"There is no {REPO_ID} at the revision .* or it is private"),
        (lambda hub: hub.repo(REPO_ID).tags.clear(), "Name a revision that its page lists, or push it first"),
        (lambda hub: hub.faults.append(Fault("/api/", status=401)), "does not know your token"),
        (lambda hub: hub.faults.append(Fault("/api/", status=403)), "not allowed"),
        (lambda hub: hub.store.tokens.clear(), "does not know your token"),
        (lambda hub: setattr(hub.repo(REPO_ID), "private", True) or hub.store.tokens.pop("hf_alice"), "your token"),
    ],
    ids=["no repository", "no revision", "401", "403", "unknown token", "private"],
)
def test_refusal_is_a_sentence(change, sentence: str, api: HfApi, hub: HubServer) -> None:
    change(hub)
    with pytest.raises(OSError, match=sentence) as caught:
        fer_models.load("baseline", namespace="alice")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("http_get", OSError(errno.ENOSPC, "No space left on device")),
        ("xet_get", RuntimeError("Data processing error: I/O error: No space left on device (os error 28)")),
    ],
)
def test_full_disk_is_a_sentence_and_leaves_no_half(
    function: str, error: Exception, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, incomplete_path: Path, **__: object) -> None:
        incomplete_path.write_bytes(b"half")
        raise error

    def write_half(_: str, file: BinaryIO, **__: object) -> None:
        no_room(incomplete_path=Path(file.name))

    with monkeypatch.context() as patch:
        patch.setattr(huggingface_hub.file_download, function, write_half if function == "http_get" else no_room)
        with pytest.raises(OSError, match=r"The disk is full .* Make room and run the same again"):
            fer_models.load("baseline", namespace="alice")
    assert find_checkpoint("baseline", namespace="alice") != checkpoint_dir("baseline", "report")
    assert torch.equal(compute_logits("baseline", namespace="alice"), compute_logits("baseline"))


def test_other_weights_under_a_fixed_revision_are_refused(api: HfApi, hub: HubServer) -> None:
    """Whoever owns the repository can move a tag; its name tells."""
    hub.repo(REPO_ID).tags[FIXED] = put(api, checkpoint_dir("dense"))
    with pytest.raises(OSError, match=r"does not hold the model that this revision names.*tampered"):
        fer_models.load("baseline", namespace="alice")


def test_repository_of_something_else_is_refused(api: HfApi, hub: HubServer) -> None:
    sync(api, Revision(REPO_ID), {"README.md": b"# Something\n"}, "something else")
    with pytest.raises(OSError, match=r"no model of this package: it lacks \['config.json', 'model.safetensors'"):
        fer_models.load("baseline", namespace="alice", revision="main")


def test_model_without_results_is_refused(api: HfApi, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(checkpoint_dir("baseline", "report"), tmp_path / "copy"))
    (copy / "results.json").unlink()
    put(api, copy)
    with pytest.raises(OSError, match=r"no model of this package: it lacks \['results.json'\]"):
        find_checkpoint("baseline", namespace="alice", revision="main")


def test_damaged_weights_of_the_cache_are_mended_as_the_error_says(api: HfApi) -> None:
    """It named a folder to delete; the client then linked the same damaged file again."""
    commit = put(api, checkpoint_dir("baseline", "report"))
    weights = find_checkpoint("baseline", namespace="alice", revision=commit) / "model.safetensors"
    weights.write_bytes(bytes(weights.stat().st_size))  # a file of another size the client would notice
    with pytest.raises(OSError, match="damaged or cut short") as caught:
        fer_models.load("baseline", namespace="alice", revision=commit)
    (command,) = re.findall("Run `hf (.*)` and load them again", str(caught.value))
    hf = [sys.executable, "-m", "huggingface_hub.cli.hf"]
    subprocess.run([*hf, *command.split(), "--yes", "--cache-dir", huggingface_hub.constants.HF_HUB_CACHE], check=True)
    assert torch.equal(compute_logits("baseline", namespace="alice", revision=commit), compute_logits("baseline"))


def test_unknown_error_is_told_as_it_is() -> None:
    assert explain(OSError("odd"), REPO_ID) == f"{REPO_ID}: odd"
