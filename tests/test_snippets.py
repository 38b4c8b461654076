"""What the page adds to its snippets, which docs/api.md and docs/hub.md have, too: `test_docs` runs those there."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from photos import make_two_faces

from fer_models.demo.handlers.code import DEFAULT_ADDRESS, SNIPPETS, SNIPPETS_DIR, read_snippet
from fer_models.demo.handlers.compare import Request
from fer_models.demo.handlers.saving import make_snippets
from fer_models.zoo import NAMESPACE_VARIABLE


def test_the_page_shows_every_file_and_no_other() -> None:
    assert sorted(SNIPPETS) == sorted(path.name for path in SNIPPETS_DIR.iterdir() if path.is_file())


@pytest.mark.parametrize("changes", [{"face_index": 1}, {"whole_image": True}], ids=["a face", "the whole picture"])
def test_the_snippets_with_the_settings_of_an_answer_run(
    app_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
) -> None:
    make_two_faces().save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    request = replace(Request(None, "en", "report", ["baseline", "dense"]), **changes)
    snippets = make_snippets(f"{app_url}/", request)
    result = subprocess.run(["sh", "-euc", snippets["shell"]], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    answer = json.loads(re.findall("event: complete\ndata: (.*)", result.stdout)[0])[0]
    assert [(row["model"], row["tag"]) for row in answer["models"]] == [("baseline", "report"), ("dense", "report")]
    assert answer["face_index"] == (None if request.whole_image else request.face_index)
    exec(compile(snippets["python"], "snippet", "exec"), {})
    assert capsys.readouterr().out.endswith(f"{answer['favourite']} {answer['votes']}\n")


def test_the_namespace_is_that_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAMESPACE_VARIABLE, "alice")
    assert 'namespace="alice"' in read_snippet("hub.py")


def test_a_space_says_that_the_package_is_among_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "alice/fer-compare")
    first, second = read_snippet("install.sh").splitlines()
    assert first == "hf download alice/fer-compare --repo-type space --local-dir fer-compare"
    assert second == "pip install './fer-compare[app]'"


@pytest.mark.parametrize(
    ("address", "shown"),
    [("", DEFAULT_ADDRESS), ("https://example.org/", "https://example.org"), ("http://h:1/a/", "http://h:1/a")],
)
def test_the_address_is_that_of_the_page(address: str, shown: str) -> None:
    assert f'Client("{shown}")' in read_snippet("client.py", address)
