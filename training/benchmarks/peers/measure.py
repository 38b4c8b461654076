"""The packages that people use instead, on the same faces: `make peers` writes `training/results/peers.json`.

Each is asked by its own call, in a process of its own, with weights that lie inside the package. A face is what FER2013
has: no detector comes first.
"""

import json
import statistics
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset

from fer_models.commands import command, split_list
from fer_models.configuration_fer import FER_LABELS

from ...data import iterate_grey, load_fer2013
from ...evaluation.metrics import accuracy_interval, compute_metrics
from ...runtime.measured import make_measuring_parser, write_measured
from ...votes import NO_MAJORITY, find_majority, read_votes

FOLDER = Path(__file__).parent
WARM_UP = 20  # answers whose times do not count


@dataclass(frozen=True)
class Peer:
    """A package that is asked.

    Attributes:
        package: Its name in its registry.
        registry: `PyPI` or `npm`.
        asked: What is called, and what the face goes through.
        trained_on: What is known of the images that it learnt from.
    """

    package: str
    registry: str
    asked: str
    trained_on: str

    def make_command(self, environment: Path) -> list[str]:
        """The process that answers, in the folder that `make peers` fills."""
        if self.registry == "npm":
            return ["node", str(FOLDER / "npm_peers.cjs"), self.package, str(environment)]
        return [str(environment / "bin" / "python"), str(FOLDER / "python_peers.py"), self.package]


PEERS_ASKED = (
    Peer(
        "@vladmandic/face-api",
        "npm",
        "`faceExpressionNet.predictExpressions`, which enlarges to 112x112",
        "not stated",
    ),
    Peer(
        "@vladmandic/human",
        "npm",
        "its emotion model behind `src/gear/emotion.ts`'s steps (64x64), for `detect` cannot pass its detector over",
        "credited to oarriaga/face_classification: FER2013, parts not stated",
    ),
    Peer(
        "fer",
        "PyPI",
        "`FER(offsets=(0, 0)).detect_emotions` with the whole picture as the face's rectangle (64x64)",
        "FER2013, parts not stated",
    ),
    Peer("PyEmotion", "PyPI", "`DetectFace._predict`, its step behind the detector (48x48)", "not stated"),
)


def ask(command: Sequence[str], faces: bytes) -> dict[str, Any]:
    """Let a process answer to faces.

    Args:
        command: It reads the faces on its standard input, and the last line that it prints is JSON.
        faces: 48x48 grey bytes a face, one after another.

    Returns:
        `answers`, a label of `FER_LABELS` a face; `milliseconds` a face; `weights_bytes`; `version`; `backend`.

    Raises:
        RuntimeError: It failed, or its answers are no labels.
    """
    try:
        done = subprocess.run(command, input=faces, capture_output=True, check=True)
    except OSError as error:
        raise RuntimeError(f"{command[0]} cannot be run ({error}). `make peers` installs it.") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines() or ["it says nothing"]
        raise RuntimeError(f"{' '.join(command)} failed: {lines[-1]}") from error
    result = json.loads(done.stdout.splitlines()[-1])
    if unknown := sorted(set(result["answers"]) - set(FER_LABELS)):
        raise RuntimeError(f"{' '.join(command)} answers {unknown}, which are none of FER2013's labels.")
    return result


def score(answers: Sequence[str], rows: Dataset) -> dict[str, Any]:
    """How often answers are FER2013's label, and what most people saw.

    Args:
        answers: A label a face.
        rows: The faces, with `label` and `ferplus_votes`.

    Returns:
        `official_test`, with `n`, `accuracy` and `accuracy_interval_95`; `ferplus_test`, with `macro_recall` as well.
    """
    predictions = np.array([FER_LABELS.index(answer) for answer in answers])
    majority = find_majority(read_votes(rows))
    known = (majority != NO_MAJORITY).numpy()
    by_label = compute_metrics(predictions, np.array(rows["label"][:]), len(FER_LABELS))
    by_people = compute_metrics(predictions[known], majority.numpy()[known], len(FER_LABELS))
    names = ("n", "accuracy", "macro_recall")
    return {
        "official_test": {name: by_label[name] for name in names[:2]}
        | {"accuracy_interval_95": accuracy_interval(by_label["accuracy"], by_label["n"])},
        "ferplus_test": {name: by_people[name] for name in names}
        | {"accuracy_interval_95": accuracy_interval(by_people["accuracy"], by_people["n"])},
    }


def measure(source: str, environment: Path, is_timed: bool, names: Sequence[str]) -> list[dict[str, Any]]:
    """Ask the packages; one that fails is reported with its `error` and costs the others nothing.

    Args:
        source: FER2013 with FER+'s votes.
        environment: The folder that `make peers` fills.
        is_timed: Whether they answer one after another and their times are kept. Otherwise all at once, and
            `latency_ms`, the median of one face, is null.
        names: The packages.

    Raises:
        DataError: The data is not FER2013, or has no votes.
    """
    rows = load_fer2013(source)["test"]
    read_votes(rows)  # before anybody is asked
    faces = b"".join(iterate_grey(rows))
    peers = [peer for peer in PEERS_ASKED if peer.package in names]
    with ThreadPoolExecutor(1 if is_timed else len(peers)) as pool:
        return list(pool.map(partial(_measure_one, rows, faces, environment, is_timed), peers))


def _measure_one(rows: Dataset, faces: bytes, environment: Path, is_timed: bool, peer: Peer) -> dict[str, Any]:
    known = {"package": peer.package, "registry": peer.registry, "asked": peer.asked, "trained_on": peer.trained_on}
    try:
        result = ask(peer.make_command(environment), faces)
    except RuntimeError as error:
        return known | {"error": str(error)}
    scores = score(result.pop("answers"), rows)
    times = result.pop("milliseconds")[WARM_UP:]
    print(
        f"{peer.package}: {scores['official_test']['accuracy']:.4f}, {scores['ferplus_test']['accuracy']:.4f}",
        flush=True,
    )
    return known | result | {"latency_ms": statistics.median(times) if is_timed and times else None, "splits": scores}


@command
def main(argv: list[str] | None = None) -> None:
    names = [peer.package for peer in PEERS_ASKED]
    parser = make_measuring_parser("benchmarks.peers.measure", __doc__, "peers.json")
    parser.add_argument(
        "--environment", type=Path, default=Path("build/peers"), metavar="DIR", help="where they are installed"
    )
    parser.add_argument("--timed", action="store_true", help="keep times, on a machine with nothing else to do")
    parser.add_argument(
        "--packages", type=split_list, default=names, metavar="NAME,NAME", help="which of them (default: all)"
    )
    arguments = parser.parse_args(argv)
    unknown = set(arguments.packages) - set(names)
    if unknown:
        raise ValueError(f"There is no package {', '.join(sorted(unknown))}. Choose some of: {', '.join(names)}.")
    torch.set_num_threads(1)
    rows = measure(arguments.data, arguments.environment, arguments.timed, arguments.packages)
    write_measured(arguments.output, {"rows": rows})
    if failed := [row["error"] for row in rows if "error" in row]:
        raise ValueError("; ".join(failed))


if __name__ == "__main__":
    main()
