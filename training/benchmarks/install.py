"""What a fresh clone costs: `python -m training.benchmarks.install` writes `training/results/install.json`.

It clones this repository to a temporary folder, installs there what `make demo` needs and then what `make test` needs
more, and with `--tests` runs the tests. `PIP_ARGS` is passed on. Give it an idle machine.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from fer_models.commands import command

from .. import ROOT
from ..runtime.measured import make_measuring_parser, write_measured

STAMPS = {"demo": ".venv/app.stamp", "test": ".venv/dev.stamp"}


def time_command(*arguments: str, cwd: Path) -> float:
    """Seconds that a command takes.

    Raises:
        OSError: It failed.
    """
    start = time.monotonic()
    if subprocess.run(arguments, cwd=cwd).returncode:
        raise OSError(f"`{' '.join(arguments)}` failed; what it said stands above.")
    return time.monotonic() - start


def measure_folder(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    paths = (Path(parent) / name for parent, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_size for path in paths)


def measure_install(source: Path, with_tests: bool = False) -> dict[str, Any]:
    """Install a clone of `source` in the two steps of the Makefile.

    Returns:
        `demo` and `test`, each with `install_seconds` and `environment_bytes`; with tests also `test_seconds`, else
        None. The second step begins where the first one ended.
    """
    measured: dict[str, Any] = {"test_seconds": None}
    with tempfile.TemporaryDirectory(prefix="fer-install-") as folder:
        clone = Path(folder) / "clone"
        time_command("git", "clone", "--quiet", str(source), str(clone), cwd=Path(folder))
        for name, stamp in STAMPS.items():
            seconds = time_command("make", stamp, cwd=clone)
            measured[name] = {"install_seconds": seconds, "environment_bytes": measure_folder(clone / ".venv")}
        if with_tests:
            measured["test_seconds"] = time_command("make", "test", cwd=clone)
    return measured


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("benchmarks.install", __doc__, "install.json", reads_faces=False)
    parser.add_argument("--tests", action="store_true", help="run `make test`, too, and measure its time")
    arguments = parser.parse_args(argv)
    pip_args = {"pip_args": os.environ.get("PIP_ARGS", "")}
    write_measured(arguments.output, measure_install(ROOT, arguments.tests) | pip_args)
    print(f"Wrote {arguments.output}.")


if __name__ == "__main__":
    main()
