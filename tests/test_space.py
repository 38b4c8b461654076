"""The Space: its header, its requirements, what is pushed, and the device on which it computes."""

import functools
import re
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from conftest import exit_message
from hub_cards import check_card
from hub_server import Fault, HubServer
from hub_store import Repo
from huggingface_hub import HfApi, SpaceCard
from packaging.requirements import Requirement
from packaging.version import Version

from fer_models import zoo
from fer_models.demo import device
from fer_models.demo.ui import render_other_door
from fer_models.hub import make_fixed_revision
from fer_models.inference import load_models
from fer_models.zoo import NAMESPACE_VARIABLE, STATIC_SPACE_VARIABLE, checkpoint_dir, list_models, list_tags
from training.publishing import hub_sync, space, static_space
from training.publishing.push import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSTRAINTS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
SPACE_ID = "alice/fer-compare"
# What ZeroGPU offers, as of August 2026; Spaces on CPUs take any version, so that both can run the page.
ZERO_GPU_PYTHONS = ("3.10.13", "3.12.12")
ZERO_GPU_TORCHES = ("2.8.0", "2.9.1", "2.10.0", "2.11.0")


def read_header(readme: str) -> dict[str, Any]:
    return yaml.safe_load(readme.split("---\n")[1])


def read_ranges(lines: list[str]) -> dict[str, Requirement]:
    return {line.name: line for line in map(Requirement, lines)}


# --- the header and the requirements ---


def test_header_says_how_the_page_is_served() -> None:
    header = read_header(README)
    assert check_card(README, "space") == []
    assert header["sdk_version"] == CONSTRAINTS["gradio"]
    assert header["python_version"] in ZERO_GPU_PYTHONS
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert Version(header["python_version"]) >= Version(project["requires-python"].removeprefix(">="))
    assert header["license"] == project["license"].lower()
    assert (ROOT / header["app_file"]).is_file()
    assert not header["emoji"].isascii()


def test_pushed_header_names_models_commits_and_picture(hub: HubServer) -> None:
    """Of more models than a Space preloads it names the first ones."""
    pins = [(f"alice/fer-{number:02}", f"{number:040}") for number in range(11)]
    readme = space.collect_space_files(SPACE_ID, pins, hub.endpoint)["README.md"].decode()
    SpaceCard(readme).validate()
    header = read_header(readme)
    assert header.pop("models") == [repo_id for repo_id, _ in pins]
    assert header.pop("thumbnail") == f"{hub.endpoint}/spaces/{SPACE_ID}/resolve/main/docs/screenshot.png"
    for line, pin in zip(header.pop("preload_from_hub"), pins[:10], strict=True):
        repo_id, names, commit = line.split(" ")
        assert (repo_id, commit) == pin
        assert all((checkpoint_dir("baseline") / name).is_file() for name in names.split(","))
    assert header == read_header(README)
    assert readme.split("---\n", 2)[2].strip() == README.split("---\n", 2)[2].strip()


def test_requirements_are_those_of_the_package_but_for_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    package = read_ranges(project["dependencies"] + project["optional-dependencies"]["app"])
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    requirements = read_ranges([line for line in lines if not line.startswith("#")])
    ours, theirs = package.pop("torch").specifier, requirements.pop("torch").specifier
    assert requirements == package
    assert all(torch in ours and torch in theirs for torch in ZERO_GPU_TORCHES)
    assert CONSTRAINTS["torch"] in ours
    newest = Version(ZERO_GPU_TORCHES[-1])
    assert f"{newest.major}.{newest.minor + 1}" not in theirs, "pip takes the newest, which ZeroGPU does not offer"


# --- what is pushed ---


fix = functools.cache(make_fixed_revision)


def put_models(hub: HubServer, private: bool = False) -> None:
    """What the Space wants to know of alice's models: that their fixed revisions are there."""
    for name in list_models():
        repo = Repo(f"alice/fer-{name}", "model", private)
        hub.store.repos["model", repo.repo_id] = repo
        for tag in list_tags(name):
            repo.tags[fix(checkpoint_dir(name, tag))] = repo.commit("main", tag, {}).sha


@pytest.fixture
def models(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """The Hub with alice's models; of the package a Space gets only what shows that it is ours."""
    monkeypatch.setattr(space, "SPACE_FILES", (*space.SPACE_FILES, "fer_models/zoo.py"))
    monkeypatch.setattr(space, "PACKAGE_SUFFIXES", ())
    monkeypatch.setattr(space, "CHECKPOINT_FILES", ())
    put_models(hub)
    return hub


def read_pushed_header(hub: HubServer) -> dict[str, Any]:
    return read_header(hub.repo(SPACE_ID, "space").get("main").files["README.md"].content.decode())


def test_space_holds_what_the_page_needs_and_nothing_else(hub: HubServer) -> None:
    put_models(hub)
    main(["--space", SPACE_ID])
    repo = hub.repo(SPACE_ID, "space")
    assert len(repo.log("main")) == 2, "one commit on top of the Hub's own"
    files = repo.get("main").files
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    if tracked:
        others = ("fer_models/checkpoints/", "fer_models/static/")
        package = {path for path in tracked if path.startswith("fer_models/") and not path.startswith(others)}
        checkpoints = {
            f"fer_models/checkpoints/{name}.{tag}/{file}"
            for name in list_models()
            for tag in list_tags(name)
            for file in space.CHECKPOINT_FILES
        }
        assert set(files) == package | checkpoints | {".gitattributes", *space.SPACE_FILES}
    assert files["app.py"].content == (ROOT / "app.py").read_bytes()
    assert repo.settings["sdk"] == "gradio"


def test_space_links_to_the_static_page_that_is_pushed_with_it(
    models: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static_space, "collect_static", lambda: {static_space.OWN_FILE: b""})
    main(["--space", "faces/fer-compare", "--namespace", "alice", "--static-space", "alice/fer-static"])
    variables = models.repo("faces/fer-compare", "space").variables
    assert variables == {NAMESPACE_VARIABLE: "alice", STATIC_SPACE_VARIABLE: "alice/fer-static"}
    monkeypatch.setenv(STATIC_SPACE_VARIABLE, variables[STATIC_SPACE_VARIABLE])
    assert '/spaces/alice/fer-static">' in render_other_door("en")


def test_space_is_pinned_to_the_commits_of_its_models(models: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--space", SPACE_ID, "--dry-run"])
    assert "+ app.py" in capsys.readouterr().out
    assert {method for method, _, _ in models.requests} <= {"GET", "HEAD"}, "a dry run changes nothing"
    main(["--space", SPACE_ID])
    repo = models.repo(SPACE_ID, "space")
    assert repo.variables == {NAMESPACE_VARIABLE: "alice"}
    header = read_pushed_header(models)
    assert header["models"] == sorted(f"alice/fer-{name}" for name in list_models())
    pinned = {tuple(line.split(" ")[::2]) for line in header["preload_from_hub"]}
    repos = {repo_id: models.repo(repo_id) for repo_id in header["models"]}
    everything = {(repo_id, commit) for repo_id, one in repos.items() for commit in one.tags.values()}
    assert len(pinned) == min(len(everything), space.PRELOAD_LIMIT)
    revisions = {f"alice/fer-{name}": fix(checkpoint_dir(name)) for name in list_models()}
    first = {(repo_id, repos[repo_id].tags[revision]) for repo_id, revision in revisions.items()}
    assert first <= pinned <= everything, "what the page shows first is there when it starts"
    assert capsys.readouterr().out.splitlines()[-1] == f"{models.endpoint}/spaces/{SPACE_ID}"
    before = repo.branches["main"]
    main(["--space", SPACE_ID])
    assert repo.branches["main"] == before, "a second push makes no commit"
    assert models.count("POST", "/variables") == 1, "nor does it start the Space anew"


def test_private_models_are_brought_along(models: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A Space has no token with which to fetch them."""
    main(["--space", SPACE_ID])
    put_models(models, private=True)
    main(["--space", SPACE_ID])
    header = read_pushed_header(models)
    assert "models" not in header
    assert "preload_from_hub" not in header
    assert models.repo(SPACE_ID, "space").variables == {}, "nor is it told any more where they lie"
    assert "keeps to the weights it brings along" in capsys.readouterr().out


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--space", "fer-compare"], "'fer-compare' cannot be a Space: name it <owner>/<name>"),
        (["--space", "alice/fer compare"], "cannot be a Space"),
        (["--space", "bob/fer-compare", "--namespace", "alice"], "rights to create a space"),
        (["--space", SPACE_ID, "--namespace", "bob"], "Push the models first: .* --namespace bob"),
        (["--space", SPACE_ID, "--token", "hf_alice_read"], "role write"),
    ],
)
def test_wrong_arguments_are_a_sentence(argv: list[str], sentence: str, models: HubServer) -> None:
    message = exit_message(main, *argv)
    assert re.search(sentence, message)
    assert "\n" not in message
    assert [kind for kind, _ in models.store.repos if kind == "space"] == []


def test_no_token_and_other_weights_are_a_sentence(models: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    models.repo("alice/fer-dense").tags.clear()
    assert "alice/fer-dense does not hold the model that is bundled here" in exit_message(main, "--space", SPACE_ID)
    monkeypatch.delenv("HF_TOKEN")
    assert exit_message(main, "--space", SPACE_ID).startswith("error: No token is given.")


def test_somebody_else_s_space_is_left_alone(models: HubServer) -> None:
    api = HfApi()
    api.create_repo(SPACE_ID, repo_type="space", space_sdk="gradio")
    api.upload_file(repo_id=SPACE_ID, repo_type="space", path_in_repo="app.py", path_or_fileobj=b"another page")
    for argv in (["--space", SPACE_ID], ["--space", SPACE_ID, "--dry-run"]):
        assert "holds something that was not pushed from here (app.py, ...)" in exit_message(main, *argv)
    assert set(models.repo(SPACE_ID, "space").get("main").files) == {".gitattributes", "app.py"}


def test_push_that_broke_off_leaves_no_half_and_is_finished_by_the_same_command(models: HubServer) -> None:
    models.faults.append(Fault("/commit/", "POST", status=503))
    assert "Run the same again" in exit_message(main, "--space", SPACE_ID)
    repo = models.repo(SPACE_ID, "space")
    assert set(repo.get("main").files) == {".gitattributes"}
    assert repo.variables == {}
    models.faults.clear()
    main(["--space", SPACE_ID])
    assert "app.py" in repo.get("main").files
    assert repo.variables == {NAMESPACE_VARIABLE: "alice"}


def test_what_arrived_must_be_what_was_sent(models: HubServer) -> None:
    main(["--space", SPACE_ID])
    repo, page = models.repo(SPACE_ID, "space"), space.make_page(HfApi(), SPACE_ID)
    there = repo.get("main").files
    wrong = repo.commit("main", "wrong", there | {"app.py": there["LICENSE"]})
    with pytest.raises(hub_sync.PushError, match=rf"at {wrong.sha} is not what was sent: app\.py"):
        hub_sync.verify_page(HfApi(), page, wrong.sha)


# --- its start ---


def test_space_whose_models_cannot_be_read_takes_those_it_brings_along(
    models: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It did not start. Elsewhere it is an error: whoever names a namespace there is at hand to mend it."""
    import app

    models.store.repos.clear()
    why = "There is no alice/fer-.* or it is private"
    monkeypatch.setenv(NAMESPACE_VARIABLE, "alice")
    with pytest.raises(OSError, match=why):
        app.load_all_models()
    monkeypatch.setenv("SPACE_ID", SPACE_ID)
    defaults, others = app.load_all_models()
    assert [model.name for model in defaults] == list_models()
    assert len(defaults + others) == sum(len(list_tags(name)) for name in list_models())
    assert re.search(f"warning: .*{why}.* Taking the bundled weights instead", capsys.readouterr().err)


def test_space_that_brings_nothing_along_says_so(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app

    (tmp_path / "baseline.report").mkdir()
    monkeypatch.setattr(zoo, "CHECKPOINTS_DIR", tmp_path)
    monkeypatch.setenv(NAMESPACE_VARIABLE, "alice")
    monkeypatch.setenv("SPACE_ID", SPACE_ID)
    with pytest.raises(OSError, match="are missing"):
        app.load_all_models()


# --- where it computes ---


@pytest.mark.parametrize(
    ("has_cuda", "zero_gpu", "expected"), [(False, "", "cpu"), (True, "", "cuda"), (True, "true", "cpu")]
)
def test_device(has_cuda: bool, zero_gpu: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The GPU is one's own; in that of ZeroGPU, which is lent for each call, torch believes from the start."""
    decorated: list[object] = []
    monkeypatch.setattr(device.torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(device, "spaces", SimpleNamespace(GPU=decorated.append))
    monkeypatch.setenv("SPACES_ZERO_GPU", zero_gpu)
    assert device.choose_device() == expected
    device.place([])
    assert len(decorated) == bool(zero_gpu), "ZeroGPU stops an app in which nothing asks for a GPU"


def test_models_answer_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """`meta` stands for a GPU: it shows that a model was moved, and that it was run there."""
    (model,) = load_models(["baseline"])
    ran_on: list[str] = []
    monkeypatch.setattr(device, "choose_device", lambda: "meta")
    monkeypatch.setattr(device, "predict", lambda model, _: ran_on.append(model.model.device.type))
    device.place([model])
    assert ran_on == ["meta"]
