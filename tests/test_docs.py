"""Every sh and python block of README and docs runs, page by page and word for word.

But for the page's address, the namespace, the token of the login, and one model in place of all on the Hub.
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import huggingface_hub.constants
import pytest
from browsing import REPOSITORY
from conftest import connect
from hub_server import HubServer
from photos import load_portrait

from fer_models.comparison import Comparison
from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.handlers.code import DEFAULT_ADDRESS, SNIPPETS, SNIPPETS_DIR
from fer_models.inference import to_json
from fer_models.zoo import get_default_tag
from training.publishing import push

PAGES = ["README.md", "CONTRIBUTING.md", "training/README.md"] + [
    f"docs/{path.name}" for path in sorted((REPOSITORY / "docs").glob("*.md"))
]
RUN_ELSEWHERE = "docs/space.md"  # by `make space`
# Lines that do not run here: how they begin, after the program, and why.
NOT_RUN = {
    "git clone": "there is no address before the project is published",
    "cd fer_models": "follows the clone",
    "make ": "installs gigabytes into .venv, trains for hours, or serves for ever",
    "tests/hub_server.py": "serves for ever; the Hub of this test is the same one",
    "export HF_ENDPOINT": "the Hub of this test has another port",
    "training.train": "minutes or hours, and FER2013; tests/test_train.py trains",
    "training.data": "FER2013; tests/test_data.py prints the counts",
    "training.evaluation": "a finished run, and FER2013",
    "training.publishing.push --static-space": "npm; tests/test_static_page.py pushes it",
    "training.publishing.bundle": "a finished run; `make space` runs it",
    "training.views": "minutes on a GPU, a gigabyte",
    "training.train_all": "hours on a GPU",
    "accelerate launch": "several GPUs",
    "training.scoring.score NAME/faces": "a data set on the Hub; tests/test_score.py has one here",
    "training.scoring.score photos scores --ray": "Ray; `make prove-ray` runs it",
    "pip install": "the network",
    "ray start": "Ray; `make prove-ray` runs it",
}
LABEL = f"({'|'.join(FER_LABELS)})"
# What a block prints, by some words of it.
PRINTS = {
    'load("transfer")': rf"^{LABEL}\n$",
    "pipeline(": rf"^\[.*'label': '{LABEL}', 'score': [\d.]+.*\]\n$",
    "load_models([": rf"^transfer {LABEL} {{.*}}\n$",
    "compare photo.jpg --json": r'"probabilities"',
    "Client(": rf"{LABEL} (True|False)\n$",
    "/gradio_api/upload": r"photo\.jpg",
    "--dry-run": "would be made",
    'namespace="alice"': "surprise",
    "HF_HUB_OFFLINE=1": "most people(.|\n)*most people",
    "read_parquet": rf"photo\.jpg +(None|NaN) +{LABEL}",
}


def read_page(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def find_blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each block that is meant to be run."""
    return re.findall(r"^```(sh|python)\n(.*?)^```", read_page(page), re.DOTALL | re.MULTILINE)


def split_lines(block: str) -> list[str]:
    """The commands of a sh block; one that goes on after a backslash is one."""
    return [line for line in block.replace("\\\n", "").splitlines() if line.strip()]


def find_reason(line: str) -> str | None:
    """Why a line does not run here; None if it does."""
    command = re.sub(r"^(\w+=\S+ )*(\.venv/bin/)?(python (-m )?)?", "", line.strip())
    return next((reason for start, reason in NOT_RUN.items() if command.startswith(start)), None)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder in which the project seems to lie, with a face, a photo, and a folder of photos."""
    face = load_portrait().crop((170, 115, 390, 335))
    face.convert("L").resize((48, 48)).save(tmp_path / "face.png")
    (tmp_path / "photos").mkdir()
    for path in (tmp_path / "photo.jpg", tmp_path / "photos" / "photo.jpg"):
        load_portrait().save(path)
    (tmp_path / "list.txt").write_text("photo.jpg\n")
    for name in ("fer_models", "training"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    program = tmp_path / ".venv" / "bin" / "hf"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m huggingface_hub.cli.hf "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in PAGES if find_blocks(page) and page != RUN_ELSEWHERE])
def test_every_block_runs(
    page: str,
    workplace: Path,
    hub: HubServer,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(workplace)
    # Only the page for programs asks a running app, whose start takes long.
    address = request.getfixturevalue("app_url") if page == "docs/api.md" else DEFAULT_ADDRESS
    connect(hub, workplace / "cache", monkeypatch)
    # `test_onnx` and `test_plots` make these, and `test_push` pushes several tags.
    monkeypatch.setattr(push, "export_onnx", lambda directory: b"onnx")
    monkeypatch.setattr(push, "draw_checkpoint", lambda directory: {})
    monkeypatch.setattr(push, "list_tags", lambda name: [get_default_tag(name)])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env = kept | {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(workplace / "home"),
        "HF_HUB_CACHE": str(workplace / "cache"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(REPOSITORY),
    }
    for language, block in find_blocks(page):
        code = re.sub(r"\bNAMESPACE\b", "alice", block).replace(DEFAULT_ADDRESS, address)
        capfd.readouterr()
        if language == "python":
            exec(compile(code, page, "exec"), {})
        else:
            code = code.replace("hf auth login", "hf auth login --token hf_alice")
            code = code.replace("push --namespace alice", "push --namespace alice --models transfer")
            code = re.sub("(=alice .* compare)", r"\1 --models transfer", code)
            lines = [line for line in split_lines(code) if not find_reason(line)]
            code = "\n".join(lines)
            for line in lines:
                run_line(line, env, hub)
        printed = capfd.readouterr().out
        assert "Taking the bundled" not in caplog.text, "all comes from the Hub, or its cache"
        for words, expected in PRINTS.items():
            if words in code:
                assert re.search(expected, printed), f"{code}\n{printed}"
        if "--dry-run" in code:
            assert printed.count("same logits as here") == 2, "main, and the branch of the tag"


def run_line(line: str, env: dict[str, str], hub: HubServer) -> None:
    """Run a command; one of ours in this process, which has loaded the libraries already."""
    ours = re.fullmatch(r"((?:\w+=\S+ )*)\.venv/bin/python -m (\S+) (.*)", line)
    if not ours:
        result = subprocess.run(["sh", "-euc", line], env=env, stderr=subprocess.PIPE, text=True, timeout=600)
        assert result.returncode == 0, f"{line}\n{result.stderr}"
        return
    variables, module, words = ours.groups()
    is_offline = "HF_HUB_OFFLINE=1" in variables
    asked = len(hub.requests)
    with pytest.MonkeyPatch.context() as patch:
        for variable in variables.split():
            patch.setenv(*variable.split("="))
        patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", is_offline)  # read when it was imported
        name = f"{module}.__main__" if module == "fer_models" else module
        importlib.import_module(name).main(shlex.split(words, comments=True))
    assert not is_offline or len(hub.requests) == asked


def test_what_does_not_run_is_there() -> None:
    """Targets, modules and files that are named in lines for which there is no time here."""
    left_out = [
        line
        for page in PAGES
        for kind, block in find_blocks(page)
        for line in split_lines(block)
        if kind == "sh" and (page == RUN_ELSEWHERE or find_reason(line))
    ]
    assert left_out
    for line in left_out:
        words = line.partition("#")[0].split()
        if words[0] == "make":
            command = ["make", "--dry-run", *words[1:]]
            result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
            assert result.returncode == 0, f"{line}\n{result.stderr}"
        for word in words:
            if re.fullmatch(r"training(\.\w+)+", word):
                assert find_spec(word), line
            if word.endswith((".yaml", ".py")):
                assert (REPOSITORY / word).is_file(), line


def test_the_docs_have_every_snippet_of_the_page() -> None:
    text = "".join(map(read_page, PAGES))
    codes = {name: (SNIPPETS_DIR / name).read_text(encoding="utf-8") for name in SNIPPETS}
    assert [name for name, code in codes.items() if f"\n{code}```\n" not in text] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """To files that are there, and to headings that are there."""
    text = re.sub(r"```.*?```", "", read_page(page), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        name, _, heading = link.partition("#")
        target = (REPOSITORY / page).parent / name if name else REPOSITORY / page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings], link


def test_every_key_of_an_answer_is_described() -> None:
    section = read_page("docs/api.md").partition("\n## The answer\n")[2]
    table = re.findall(r"\| key \| value \|\n\|---\|---\|\n(.*?)\n\n", section, re.DOTALL)[0]
    keys = [key for row in table.splitlines() for key in re.findall("`(.+?)`", row.split("|")[1])]
    assert keys == list(to_json(Comparison([], None, None, []), []))


def test_the_tree_is_the_disk() -> None:
    """Every folder of the tree is there, and every folder that is there is in the tree, down to those of training."""
    tree = re.findall(r"```\n(app\.py .*?)```", read_page("README.md"), re.DOTALL)[0]
    named, parent = set(), ""
    for line in tree.splitlines():
        name = line.split()[0]
        parent = parent if line.startswith(" ") else name
        named.add(parent + name if line.startswith(" ") else name)
    assert [name for name in named if not (REPOSITORY / name).exists()] == []
    command = ["git", "ls-files", "--", "*.py", "*.yaml", "*.json", "*.md"]
    tracked = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    folders = [parent for path in tracked for parent in Path(path).parents if len(parent.parts) in (1, 2)]
    names = {f"{folder.as_posix()}/" for folder in folders} - named
    assert sorted(name for name in names if not name.startswith((".", "tests/"))) == []
