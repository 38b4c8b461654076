"""Commands in processes of their own that begin at once: forked from one that has loaded the libraries."""

import importlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterable
from multiprocessing import forkserver, util
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["training.train", "training.scoring.score"])
util.get_temp_dir()  # made now, and not in a folder that a test names later
REPOSITORY = Path(__file__).parents[1]


def start_server() -> None:
    """Start the process that the others are forked from, where it finds the modules."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    forkserver.ensure_running()
    os.environ.pop("PYTHONPATH")
    os.environ |= {"PYTHONPATH": before} if before else {}


def _run(module: str, argv: list[str], environment: dict[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    # Where the tests themselves run in the background, Ctrl-C is ignored, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    importlib.import_module(module).main(argv)


class Command:
    """`python -m module argv` that runs beside the test; `out` and `err` are what it has printed so far."""

    def __init__(self, module: str, argv: Iterable[str | Path], **environment: str):
        start_server()
        self._folder = tempfile.TemporaryDirectory(prefix="fer-command-")
        self._paths = [str(Path(self._folder.name, name)) for name in ("out", "err")]
        arguments = (module, list(map(str, argv)), {**os.environ, **environment}, *self._paths)
        self.process = SERVER.Process(target=_run, args=arguments)
        self.process.start()

    @property
    def is_running(self) -> bool:
        return self.process.is_alive()

    @property
    def out(self) -> str:
        return Path(self._paths[0]).read_text()

    @property
    def err(self) -> str:
        return Path(self._paths[1]).read_text()

    def send_signal(self, number: int) -> None:
        if self.is_running:  # else its number may be another's by now
            os.kill(self.process.pid, number)

    def wait(self) -> int:
        """Its exit status."""
        self.process.join(600)
        return self.process.exitcode

    def finish(self) -> str:
        """What it printed; the test fails where it did."""
        assert self.wait() == 0, self.err
        return self.out
