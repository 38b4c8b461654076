"""What takes too long for a test: the Space, rehearsed on this machine, as somebody with an account would make it.

`make space` follows docs/space.md, command by command, on the loopback Hub and
with a run of its own, takes the page back from there into an empty folder, and does what a Space does with it: a new
virtual environment from `requirements.txt`, the header's version of gradio, the models of `preload_from_hub` in the
cache, a Space's environment, a home that is read-only but for the cache, two cores. Then one comparison through
`gradio_client`, one in Chromium, the camera in a frame; and a start as on ZeroGPU. Of the static Space, what arrived
is served and answers without a network.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from browsing import CHROMIUM, REPOSITORY, find_free_port
from hub_server import HubServer
from huggingface_hub import HfApi
from huggingface_hub.utils import disable_progress_bars
from prove_hub import find_pythons, run
from safetensors.torch import load_file, save_file
from space_visits import (
    STATIC_SPACE_ID,
    compare_as_program,
    compare_in_browser,
    compare_without_network,
    open_camera_in_frame,
)

from fer_models.commands import CommandParser, command
from fer_models.hub import make_fixed_revision
from training.publishing import static_page

SPACE_ID = "alice/fer-compare"
# The free Space.
CORES = 2
MEMORY_GB = 16
READY_TIMEOUT_S = 600
# What Python ignores is gradio's: on 3.12 it leaves event loops to the garbage collector.
TROUBLE = re.compile(r"^(?!Exception ignored in).*\nTraceback|Taking the bundled", re.MULTILINE)


def make_project(folder: Path) -> Path:
    """A copy of the project, in which somebody has just trained a `baseline` that nobody else has."""
    project = folder / "project"
    shutil.copytree(REPOSITORY, project, ignore=shutil.ignore_patterns(".*", "__pycache__", "runs", "tests"))
    (project / ".venv").symlink_to(sys.prefix)
    run_dir = project / "runs" / "baseline.report" / "seed-0"
    shutil.copytree(project / "fer_models" / "checkpoints" / "baseline.report", run_dir)
    weights = load_file(run_dir / "model.safetensors")
    weights["classifier.bias"] += 0.01
    save_file(weights, run_dir / "model.safetensors", metadata={"format": "pt"})
    return project


def follow_page(hub: HubServer, folder: Path) -> None:
    """From a run to a Space, and to a copy of it."""
    project = make_project(folder)
    page = (project / "docs" / "space.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    push, duplicate = (next(block for block in blocks if word in block) for word in ("publishing.bundle", "duplicate"))
    env = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "pusher"), "HF_TOKEN": "hf_alice"}
    for line in (push + duplicate).splitlines():
        print(f"$ {line}", flush=True)
        command = line.replace("NAMESPACE", "alice").replace("ORGANIZATION", "faces")
        print(run("sh", "-c", command, env=env, cwd=project).splitlines()[-1], flush=True)
    own = project / "fer_models" / "checkpoints" / "baseline.report"
    pushed, copied = hub.repo(SPACE_ID, "space"), hub.repo("faces/fer-compare", "space")
    weights = pushed.get("main").files["fer_models/checkpoints/baseline.report/model.safetensors"]
    if weights.sha256 != hashlib.sha256((own / "model.safetensors").read_bytes()).hexdigest():
        sys.exit("error: the Space does not hold the run.")
    if make_fixed_revision(own) not in hub.repo("alice/fer-baseline").tags:
        sys.exit("error: the Hub does not hold the run.")
    if sum(name.endswith(".png") for name in hub.repo("alice/fer-baseline").get("report").files) != 3:
        sys.exit("error: the Hub does not hold the figures of the run.")
    if (pushed.get("main").files, pushed.variables) != (copied.get("main").files, copied.variables):
        sys.exit("error: the copy is not a copy.")


def build(hub: HubServer, python: Path, folder: Path) -> Path:
    """What a Space does before it starts: its files in `home/app`, packages in `venv`, and the cache.

    Returns:
        The home.
    """
    home, environment = folder / "home", folder / "venv" / "bin"
    app = home / "app"
    HfApi(hub.endpoint).snapshot_download(SPACE_ID, repo_type="space", local_dir=app, cache_dir=folder / "files")
    shutil.rmtree(app / ".cache")  # the client's notes
    header = yaml.safe_load((app / "README.md").read_text().split("---\n")[1])
    run(python, "-m", "venv", folder / "venv")
    more = os.environ.get("PIP_ARGS", "").split()
    pip = [environment / "python", "-m", "pip", "install", "--quiet", *more]
    run(*pip, "-r", app / "requirements.txt")
    run(*pip, f"gradio[oauth,mcp]=={header['sdk_version']}", "spaces")
    for line in header["preload_from_hub"]:
        repo_id, names, commit = line.split(" ")
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "HF_ENDPOINT": hub.endpoint}
        run(environment / "hf", "download", repo_id, *names.split(","), "--revision", commit, env=env)
    for path in (home, app, *app.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return home


def make_variables(hub: HubServer, home: Path, port: int) -> dict[str, str]:
    """What a Space's environment holds, and nothing of this one but where programs lie."""
    owner, name = SPACE_ID.split("/")
    (home.parent / "tmp").mkdir(exist_ok=True)
    return {
        **{"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(home.parent / "tmp"), "PYTHONUNBUFFERED": "1"},
        **{"SYSTEM": "spaces", "SPACE_ID": SPACE_ID, "SPACE_AUTHOR_NAME": owner, "SPACE_REPO_NAME": name},
        **{"SPACE_HOST": f"{owner}-{name}.hf.space", "CPU_CORES": str(CORES), "MEMORY": f"{MEMORY_GB}Gi"},
        **{"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(port), "HF_ENDPOINT": hub.endpoint},
        **hub.repo(SPACE_ID, "space").variables,
    }


def limit(*command: str | Path) -> list[str]:
    """A command on a Space's cores, without root's right to write where it may not."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    words = ["taskset", "--cpu-list", ",".join(map(str, cores)), *map(str, command)]
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *words] if os.geteuid() == 0 else words


def check_home(python: Path, home: Path) -> None:
    """See that the home is read-only but for its cache; else the rehearsal would prove nothing."""
    for place, is_writable in (("probe", False), ("app/probe", False), ("app/app.py", False), (".cache/probe", True)):
        probe = home / place
        result = subprocess.run(limit(python, "-c", f"open({str(probe)!r}, 'a')"), capture_output=True)
        if (result.returncode == 0) != is_writable:
            sys.exit(f"error: {place} is {'not ' if is_writable else ''}writable in the rehearsal.")
    (home / ".cache" / "probe").unlink()


@contextmanager
def serve(python: Path, home: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The address of the Space, which runs until the end of the block; then its memory and output are looked at."""
    url, log, start = f"http://127.0.0.1:{variables['GRADIO_SERVER_PORT']}", home.parent / "log.txt", time.monotonic()
    with log.open("w") as output:
        pipes = {"stdout": output, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(limit(python, "app.py"), cwd=home / "app", env=dict(variables), **pipes)
    try:
        while "The demo is ready" not in log.read_text():
            if process.poll() is not None or time.monotonic() - start > READY_TIMEOUT_S:
                sys.exit(f"error: the Space does not start:\n{log.read_text()}")
            time.sleep(0.2)
        urllib.request.urlopen(url, timeout=60).close()
        print(f"  ready after {time.monotonic() - start:.0f} s", flush=True)
        yield url
        status = Path(f"/proc/{process.pid}/status").read_text()
        (peak_kib,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]
        said = log.read_text()
    finally:
        process.terminate()
        process.wait(60)
    peak_gb = peak_kib * 1024 / 1e9
    print(f"  {peak_gb:.1f} GB of memory at most", flush=True)
    if peak_gb > MEMORY_GB:
        sys.exit(f"error: the free Space has {MEMORY_GB} GB.")
    if TROUBLE.search(said):
        sys.exit(f"error: the Space printed:\n{said}")


class ZeroGpuApi(BaseHTTPRequestHandler):
    """What a Space on ZeroGPU reports to; `asked` lists what it was asked."""

    asked: list[str] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def visit_static_page(hub: HubServer, folder: Path) -> None:
    """What arrived on the Hub, served as a static Space is."""
    page = HfApi(hub.endpoint).snapshot_download(STATIC_SPACE_ID, repo_type="space", local_dir=folder / "static")
    print("Static:", flush=True)
    with static_page.serve(Path(page)) as url:
        compare_without_network(url)


def rehearse(hub: HubServer, python: Path, folder: Path, port: int) -> None:
    follow_page(hub, folder)
    visit_static_page(hub, folder)
    start = time.monotonic()
    home, python = build(hub, python, folder), folder / "venv" / "bin" / "python"
    check_home(python, home)
    code = "import sys, torch, gradio; print('Python', sys.version.split()[0], 'torch', torch.__version__, end=' ')"
    versions = run(python, "-c", code + "; print('gradio', gradio.__version__)").strip()
    print(f"{versions}; built in {time.monotonic() - start:.0f} s", flush=True)
    variables, before = make_variables(hub, home, port), len(hub.requests)
    print("On CPUs:", flush=True)
    with serve(python, home, variables) as url:
        compare_as_program(url)
        compare_in_browser(url)
        open_camera_in_frame(url, folder / "frame")
    fetched = [path for method, path, _ in hub.requests[before:] if method == "GET" and "/resolve/" in path]
    if fetched or len(hub.requests) == before:
        sys.exit(f"error: the Space fetched what the preloaded cache should hold, or asked nothing: {fetched}")
    with ThreadingHTTPServer(("127.0.0.1", 0), ZeroGpuApi) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        zero = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{api.server_port}"}
        print("On ZeroGPU:", flush=True)
        with serve(python, home, variables | zero) as url:
            compare_as_program(url)
        api.shutdown()
    if ZeroGpuApi.asked != ["/startup-report"]:
        sys.exit(
            f"error: ZeroGPU was asked for {ZeroGpuApi.asked}, instead of being told once that the Space is there."
        )


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(description=__doc__)
    parser.add_argument(
        "--python", type=Path, metavar="PATH", help="interpreter; by default 3.12, as in the header, if it is found"
    )
    parser.add_argument("--port", type=int, default=7860, help="of 127.0.0.1; if it is taken, a free one is")
    arguments = parser.parse_args(argv)
    if CHROMIUM is None or shutil.which("taskset") is None:
        sys.exit("error: Chromium and taskset are needed (Debian: chromium, util-linux).")
    with socket.socket() as probe:
        is_taken = probe.connect_ex(("127.0.0.1", arguments.port)) == 0
    disable_progress_bars()
    named = next((path for path in find_pythons() if path.name == "python3.12"), Path(sys.executable))
    with tempfile.TemporaryDirectory(prefix="fer-space-") as folder, HubServer() as hub:
        try:
            rehearse(hub, arguments.python or named, Path(folder), find_free_port() if is_taken else arguments.port)
        finally:
            subprocess.run(["chmod", "-R", "u+w", folder])  # else it could not be removed
    print("The Space works.")


if __name__ == "__main__":
    main()
