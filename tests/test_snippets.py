"""The snippets of the page and the README are the same, and run word for word, but for address and namespace."""

import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import REPOSITORY
from hub_server import HubServer
from photos import load_portrait, make_two_faces
from test_hub_readme import SECTION as HUB_SECTION

from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.handlers.code import DEFAULT_ADDRESS, SNIPPETS, SNIPPETS_DIR, read_snippet
from fer_models.demo.handlers.compare import Request
from fer_models.demo.handlers.saving import make_snippets
from fer_models.zoo import NAMESPACE_VARIABLE, checkpoint_dir, list_models
from training.publishing.push import main as push

LABELS = "|".join(FER_LABELS)
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a face and a photo, in which the project seems to lie."""
    load_portrait().crop((170, 115, 390, 335)).convert("L").resize((48, 48)).save(tmp_path / "face.png")
    load_portrait().save(tmp_path / "photo.jpg")
    (tmp_path / "fer_models").symlink_to(checkpoint_dir("baseline", "report").parents[1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_python(code: str, capsys: pytest.CaptureFixture[str]) -> str:
    exec(compile(code, "snippet", "exec"), {})
    return capsys.readouterr().out


def test_the_page_shows_every_file_and_no_other() -> None:
    assert sorted(SNIPPETS) == sorted(path.name for path in SNIPPETS_DIR.iterdir() if path.is_file())


def test_the_readme_has_every_snippet_and_no_other_in_python() -> None:
    """But for the section on the Hub, which `test_hub_readme` runs."""
    files = {name: (SNIPPETS_DIR / name).read_text(encoding="utf-8") for name in SNIPPETS}
    assert [name for name, text in files.items() if f"\n{text}```\n" not in README] == []
    assert [
        block
        for block in re.findall(r"```python\n(.*?)```", README.replace(HUB_SECTION, ""), re.DOTALL)
        if block not in files.values()
    ] == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("load.py", rf"({LABELS})\n"),
        ("photo.py", rf"(?:[\w-]+ (?:{LABELS}) {{.*}}\n){{{len(list_models())}}}"),
        ("from_pretrained.py", rf"\[(?:{{'label': '(?:{LABELS})', 'score': [\d.]+}}[, ]*){{3}}\]\n"),
    ],
)
def test_snippets_for_this_machine_run(
    name: str, answer: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.fullmatch(answer, run_python(read_snippet(name), capsys))


def test_the_snippet_for_the_hub_runs(
    workplace: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    push(["--namespace", "alice", "--models", "baseline"])
    monkeypatch.setenv(NAMESPACE_VARIABLE, "alice")
    assert 'namespace="alice"' in read_snippet("hub.py")
    assert "surprise" in run_python(read_snippet("hub.py"), capsys)
    assert hub.count("GET", "/resolve/") + hub.count("HEAD", "/resolve/") > 0


def test_the_snippet_for_the_page_runs(app_url: str, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = read_snippet("client.py", f"{app_url}/")
    assert f'Client("{app_url}")' in code
    assert "models" in run_python(code, capsys)


@pytest.mark.parametrize("changes", [{"face_index": 1}, {"whole_image": True}], ids=["a face", "the whole picture"])
def test_the_snippets_with_the_settings_of_an_answer_run(
    app_url: str, workplace: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    make_two_faces().save(workplace / "photo.jpg")
    request = replace(Request(None, "en", "report", ["baseline", "dense"]), **changes)
    snippets = make_snippets(f"{app_url}/", request)
    result = subprocess.run(["sh", "-euc", snippets["shell"]], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    answer = json.loads(re.findall("event: complete\ndata: (.*)", result.stdout)[0])[0]
    assert [(row["model"], row["tag"]) for row in answer["models"]] == [("baseline", "report"), ("dense", "report")]
    assert answer["face_index"] == (None if request.whole_image else request.face_index)
    printed = run_python(snippets["python"], capsys)
    assert printed.endswith(f"{answer['favourite']} {answer['votes']}\n")


def test_the_commands_run(workplace: Path) -> None:
    python = workplace / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    result = subprocess.run(
        ["sh", "-euc", read_snippet("terminal.sh")],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    assert re.search(rf"average|not sure.*({LABELS})", result.stdout)
    assert '"probabilities"' in result.stdout


@pytest.mark.parametrize(
    ("address", "shown"),
    [("", DEFAULT_ADDRESS), ("https://example.org/", "https://example.org"), ("http://h:1/a/", "http://h:1/a")],
)
def test_the_address_is_that_of_the_page(address: str, shown: str) -> None:
    assert f'Client("{shown}")' in read_snippet("client.py", address)
