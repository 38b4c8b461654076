"""Where a number comes from: commit, hardware and versions."""

import os
import platform
import subprocess
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from .. import ROOT

# Says the commit where the tree came without its history, such as on a rented machine.
COMMIT_VARIABLE = "FER_COMMIT"
PACKAGES = ("torch", "transformers", "accelerate", "datasets", "evaluate", "numpy", "pillow")


def describe_environment() -> dict[str, Any]:
    """Commit (`-dirty` if code or recipes were changed since), hardware, threads of torch, and versions: for JSON."""
    return {
        "commit": _commit(),
        "hardware": _hardware(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
    }


def _commit() -> str:
    if COMMIT_VARIABLE in os.environ:
        return os.environ[COMMIT_VARIABLE]
    run = partial(subprocess.run, cwd=ROOT, capture_output=True, text=True)
    try:
        commit = run(["git", "rev-parse", "HEAD"], check=True).stdout.strip()
        # Only what computes: a figure that was written just now makes the next one no less certain.
        is_dirty = run(["git", "diff", "--quiet", "HEAD", "--", "*.py", "*.yaml"]).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if is_dirty else commit


def _hardware() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} cores, {_processor()}, {torch.backends.cpu.get_cpu_capability()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
