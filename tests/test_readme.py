"""The README's snippets run, its tree is the disk's, its tables are what the JSON says."""

import re
import subprocess
from pathlib import Path

import pytest
from photos import load_portrait

from fer_models.zoo import checkpoint_dir

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SNIPPETS = [
    snippet
    for snippet in re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    if "gradio_client" not in snippet  # tests/test_browser.py has the running page that this one needs
]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=[snippet.splitlines()[0] for snippet in SNIPPETS])
def test_snippets_run(
    snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load_portrait().crop((170, 115, 390, 335)).convert("L").resize((48, 48)).save(tmp_path / "face.png")
    load_portrait().save(tmp_path / "photo.jpg")
    (tmp_path / "fer_models").symlink_to(checkpoint_dir("baseline").parents[1])
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_tree_is_the_disk() -> None:
    tree = re.findall(r"```\n(app\.py .*?)```", README, re.DOTALL)[0]
    named, folder = {"README.md", "fer_models/__init__.py", "training/__init__.py"}, ""
    for line in tree.splitlines():
        for name in line[:30].split():  # what a name is for begins at the thirty-first character
            if not line.startswith(" "):
                folder = name
            named.add((folder if line.startswith(" ") else "") + name)
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    on_disk = set()
    for path in tracked:
        top, _, rest = path.partition("/")
        inner, _, below = rest.partition("/")
        if not path.startswith("."):
            on_disk.add(top + "/" if rest else top)
        if top in ("fer_models", "training"):
            on_disk.add(f"{top}/{inner}{'/' if below else ''}")
    assert named == on_disk
