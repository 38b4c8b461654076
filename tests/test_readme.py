"""The README's tree is the disk's. Its snippets are run by `test_snippets`, its tables compared by `test_report`."""

import re
import subprocess
from pathlib import Path

import pytest

from fer_models.comparison import Comparison
from fer_models.inference import to_json

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_every_key_of_an_answer_is_described() -> None:
    (table,) = re.findall(r"\| key \| value \|\n\|---\|---\|\n(.*?)\n\n", README, re.DOTALL)
    keys = [key for row in table.splitlines() for key in re.findall("`(.+?)`", row.split("|")[1])]
    assert keys == list(to_json(Comparison([], None, None, []), []))


def test_tree_is_the_disk() -> None:
    tree = re.findall(r"```\n(app\.py .*?)```", README, re.DOTALL)[0]
    named, folder = {"README.md", "fer_models/__init__.py", "training/__init__.py"}, ""
    for line in tree.splitlines():
        alone = len(line.split()) == 1  # a long name, with what it is for on the next line
        for name in (line if alone else line[:30]).split():  # what a name is for begins at the thirty-first character
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
