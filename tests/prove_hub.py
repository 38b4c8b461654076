"""What takes too long for a test: a stranger's fresh environments load the models from the loopback Hub.

`python tests/prove_hub.py` makes for each Python from 3.11 to 3.13 that it finds a virtual environment with torch,
transformers and pillow alone, and runs `hub_probe.py` there with the oldest and the newest transformers that
`pyproject.toml` admits: every revision of `baseline` and of `transfer`, then the same without a network from the cache.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub_server import HubServer
from photos import load_portrait

from fer_models.commands import CommandParser, command, split_list
from fer_models.hub import make_fixed_revision
from fer_models.zoo import checkpoint_dir, get_default_tag, list_tags

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parent
PYTHONS = ("python3.11", "python3.12", "python3.13")


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    result = subprocess.run([str(word) for word in command], env=env, cwd=cwd, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}")
    return result.stdout


def find_pythons() -> list[Path]:
    """The interpreters of `PYTHONS` that start; one that is only a shim for a missing version does not."""
    found = []
    for name in PYTHONS:
        paths = [shutil.which(name), *Path.home().glob(f".pyenv/versions/{name.removeprefix('python')}*/bin/{name}")]
        for path in filter(None, paths):
            if subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
                found.append(Path(path))
                break
    return found


def list_requirements() -> list[str]:
    """`transformers` as pyproject admits it: the oldest version, then the range, of which pip takes the newest."""
    dependencies = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = next(line for line in dependencies if line.startswith("transformers"))
    oldest = wanted.partition(">=")[2].partition(",")[0]
    return [f"transformers=={oldest}", wanted]


def install(environment: Path, *requirements: str) -> None:
    more = os.environ.get("PIP_ARGS", "").split()
    run(environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--upgrade", *more, *requirements)


def list_visits() -> list[tuple[str, str, str]]:
    """Model, revision and the tag that it must hold: the branches, and the tags that stay for good."""
    names = ("baseline", "transfer")
    branches = [(name, "main", get_default_tag(name)) for name in names]
    branches += [(name, tag, tag) for name in names for tag in list_tags(name)]
    tags = {(name, make_fixed_revision(checkpoint_dir(name, tag)), tag) for name, _, tag in branches}
    return branches + sorted(tags)


def prove(environment: Path, endpoint: str, visits: Sequence[tuple[str, str, str]], home: Path) -> dict[str, Any]:
    """One environment: what it holds, and what came out of the models there, with and without the Hub.

    Returns:
        Versions and class, and `logits` by model and tag.
    """
    packages = run(environment / "bin" / "python", "-m", "pip", "list", "--format=freeze")
    if "fer_models" in packages or "fer-models" in packages:
        sys.exit("The environment is not empty: it has this package.")
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home / "cache"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PYTHON"))} | settings
    shutil.rmtree(home / "cache", ignore_errors=True)
    answers: dict[str, dict[str, Any]] = {}
    places = [f"alice/fer-{name}@{revision}" for name, revision, _ in visits]
    for settings in ({}, {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}):
        words = (environment / "bin" / "python", home / "hub_probe.py", home / "face.png", *places)
        contents = json.loads(run(*words, env=env | settings, cwd=home))
        for (name, revision, tag), content in zip(visits, contents, strict=True):
            answer = {key: content[key] for key in ("logits", "file", "list", "batch")}
            if answer != answers.setdefault(f"{name}.{tag}", answer):
                sys.exit(f"{name}, {revision}: {answer} instead of {answers[f'{name}.{tag}']}")
    return content | {"logits": {key: answer["logits"] for key, answer in answers.items()}}


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(description=__doc__)
    parser.add_argument(
        "--python",
        type=split_list,
        metavar="PATH,PATH",
        help="interpreters, with commas between them; by default those of 3.11 to 3.13 that are found",
    )
    parser.add_argument("--torch", default="torch==2.13.0", help="requirement of torch, for pip")
    arguments = parser.parse_args(argv)
    pythons = arguments.python or find_pythons()
    if not pythons:
        sys.exit(f"None of {', '.join(PYTHONS)} is here: nothing is proven.")
    with tempfile.TemporaryDirectory(prefix="fer-hub-") as folder, HubServer() as hub:
        home = Path(folder)
        load_portrait().crop((170, 115, 390, 335)).save(home / "face.png")
        shutil.copy(TESTS / "hub_probe.py", home)
        env = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home / "push"), "HF_TOKEN": "hf_alice"}
        push = ("training.publishing.push", "--namespace", "alice", "--models", "baseline,transfer")
        print(run(sys.executable, "-m", *push, env=env, cwd=REPOSITORY))
        first: dict[str, list[float]] = {}
        environment = home / "venv"
        for python in pythons:
            run(python, "-m", "venv", "--clear", environment)
            install(environment, arguments.torch)
            seen = set()
            for requirement in list_requirements():
                install(environment, requirement, "pillow")
                content = prove(environment, hub.endpoint, list_visits(), home)
                versions = (
                    f"Python {content['python']}, transformers {content['transformers']}, torch {content['torch']}"
                )
                if versions not in seen:
                    print(f"{versions}: {', '.join(content['logits'])}", flush=True)
                seen.add(versions)
                first = first or content["logits"]
                for key, logits in content["logits"].items():
                    if max(abs(one - other) for one, other in zip(first[key], logits, strict=True)) > 1e-5:
                        sys.exit(f"{versions}: other logits of {key}, {logits} instead of {first[key]}")


if __name__ == "__main__":
    main()
