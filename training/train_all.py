"""Train recipes with all that they go on from, several at once: `python -m training.train_all training/train_all.yaml`.

A recipe waits for the runs that it names: its teachers, what it goes on from, its views. Those that are not listed are
trained before it. Started again, it goes on: each run resumes by itself, and finished ones are passed over. With
`--pack`, each finished run is added to an archive as soon as it is done, so that a machine that is taken away leaves
what was ready.
"""

import math
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fer_models.commands import CommandParser, at_least, command

from .recipe import RUNS_DIR, parse_recipe, read_settings
from .runtime.runs import RUN, list_trial_settings

FOLDER = Path(__file__).parent
PACKED_FILES = ("config.json", "preprocessor_config.json", "recipe.yaml", "history.json", "model.safetensors")
SECONDS_BETWEEN_LOOKS = 0.5


@dataclass
class Job:
    """One run, as a command of its own.

    Attributes:
        name: `<recipe>.seed-<n>`, or that of a file of views.
        arguments: Of `python`.
        output: The file that is there when it is done.
        needs: Such files of other jobs, without which it cannot start.
    """

    name: str
    arguments: list[str]
    output: Path
    needs: list[Path] = field(default_factory=list)
    process: subprocess.Popen | None = None
    started: float = 0.0


def is_views(line: str) -> bool:
    """Whether a line of the list names a file of views, such as `views` or `views.lite2`."""
    return line.split()[0].partition(".")[0] == "views"


def make_job(line: str) -> Job:
    """A job from a line of the list: the name of a recipe, or of a file of views; after it, options.

    Raises:
        OSError: There is no such file of views.
        ValueError: The recipe or an option cannot be read, or makes a trial, from which nothing goes on.
    """
    name, *overrides = line.split()
    if is_views(line):
        settings = read_settings(FOLDER / f"{name}.yaml", "holds no settings")
        needs = [Path(teacher, RUN) for teacher in settings["teachers"]]
        needs = [path for path in needs if path.is_relative_to(RUNS_DIR)]
        arguments = ["-m", "training.views", str(FOLDER / f"{name}.yaml"), *overrides]
        return Job(name, arguments, Path(settings["output"]).with_suffix(".json"), needs)
    path = FOLDER / "recipes" / f"{name}.yaml"
    recipe, args = parse_recipe(path, overrides)
    if trial := list_trial_settings(vars(recipe) | vars(args)):
        raise ValueError(f"{name}: {', '.join(trial)} makes a trial, and nothing goes on from one.")
    directory = Path(str(args.output_dir))
    needs = [Path(folder, RUN) for folder in [recipe.widened_from, *recipe.list_teachers()]]
    needs = [path for path in needs if path.is_relative_to(RUNS_DIR)]
    if recipe.views:
        needs.append(Path(recipe.views).with_suffix(".json"))
    label = f"{name}.{directory.name}"
    arguments = ["-m", "training.train", str(path), "--disable_tqdm", "true", *overrides]
    return Job(label, arguments, directory / RUN, needs)


def pack(job: Job, directory: Path, largest: int) -> None:
    """Add a finished run to the first archive that has room for it; views, which hold FER2013's pictures, are not.

    Args:
        job: What is done.
        directory: Where the archives are.
        largest: Bytes of an archive.
    """
    if job.output.name != RUN:
        return
    folder = job.output.parent
    files = [file for file in (*(folder / name for name in PACKED_FILES), job.output) if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    number = 0
    while (archive := directory / f"runs-{number}.tar").is_file() and archive.stat().st_size + size > largest - 100_000:
        number += 1
    with tarfile.open(archive, "a") as tar:
        for file in files:
            tar.add(file)


def train_all(
    jobs: list[Job],
    at_once: int,
    logs: Path,
    packed: Path | None = None,
    largest: int = 2**40,
    deadline: float = math.inf,
) -> list[Job]:
    """Run jobs in their order, as soon as what they need is there.

    Args:
        jobs: In the order of their importance.
        at_once: How many run side by side.
        logs: Where the output of each is written.
        packed: Where finished runs are packed, or None.
        largest: Bytes of an archive.
        deadline: By `time.monotonic`; what runs then is stopped, and goes on from its newest checkpoint another time.

    Returns:
        The jobs that failed or were not finished.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waiting = [job for job in jobs if not job.output.is_file()]
    running: list[Job] = []
    failed: list[Job] = []
    try:
        while (waiting or running) and time.monotonic() < deadline:
            for job in [job for job in running if job.process and job.process.poll() is not None]:
                running.remove(job)
                told = f"{last_line(logs / job.name)} [{time.monotonic() - job.started:.0f} s]"
                if job.process and job.process.returncode == 0:
                    print(f"{time.strftime('%X')} {job.name}: {told}", flush=True)
                    if packed:
                        pack(job, packed, largest)
                else:
                    failed.append(job)
                    print(f"{time.strftime('%X')} {job.name} FAILED: {told}", flush=True)
            ready = [job for job in waiting if all(file.is_file() for file in job.needs)]
            if not ready and not running:
                break
            for job in ready[: at_once - len(running)]:
                waiting.remove(job)
                log = (logs / job.name).open("w")
                job.process = subprocess.Popen([sys.executable, *job.arguments], stdout=log, stderr=subprocess.STDOUT)
                job.started = time.monotonic()
                running.append(job)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:  # after Ctrl-C, too: what ran on would be trained a second time beside the next start
        for job in running:
            assert job.process
            job.process.terminate()
            job.process.wait()
    return [*failed, *running, *waiting]


def last_line(path: Path) -> str:
    """The last line about an epoch, or else of all, that a job has written."""
    lines = path.read_text(errors="replace").splitlines() or [""]
    return next((line for line in reversed(lines) if line.startswith("epoch ")), lines[-1])


def find_parts(job: Job, known: set[Path], options: str) -> list[Job]:
    """What a job needs that is not there, and what that needs, in the order in which they are to be done.

    Args:
        job: Of which nothing is done.
        known: The `output` of all that is planned; what is found is added.
        options: Of `training.train`.
    """
    parts = []
    for need in job.needs:
        if need in known or need.is_file():
            continue
        if need.parent.name.startswith("seed-"):
            recipe, seed = need.parent.parent.name, need.parent.name.removeprefix("seed-")
            part = make_job(f"{recipe} {options} --seed {seed}")
        elif name := find_views().get(need):
            part = make_job(name)
        else:
            continue  # of the user: "not finished" names what waits for it
        known.add(need)
        parts += [*find_parts(part, known, options), part]
    return parts


@cache
def find_views() -> dict[Path, str]:
    """The names of the files of views, by `Job.output`."""
    return {make_job(path.stem).output: path.stem for path in FOLDER.glob("views*.yaml")}


def read_jobs(path: str, options: str = "") -> list[Job]:
    """The jobs of a list, each recipe's with further options of `training.train`, each after what it needs.

    Args:
        path: Of the list, or the name of a recipe, such as `baseline.tuned`.
        options: Of `training.train`.

    Raises:
        OSError: The list or a recipe cannot be read.
        ValueError: It is no list.
    """
    lines = read_settings(Path(path), "lists no recipes", list) if path.endswith(".yaml") else [path]
    jobs = [make_job(line if is_views(line) else f"{line} {options}") for line in lines]
    known = {job.output for job in jobs}
    return [one for job in jobs for one in (*find_parts(job, known, options), job)]


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.train_all", description=__doc__)
    parser.add_argument("jobs", help="a YAML list such as training/train_all.yaml, or a recipe such as baseline.tuned")
    parser.add_argument("--before", action="store_true", help="of a recipe, only what it goes on from")
    parser.add_argument("--at-once", type=at_least(1), default=1, help="runs side by side")
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="for archives of finished runs; by default none")
    parser.add_argument("--pack-megabytes", type=float, default=15.5, help="size of an archive")
    parser.add_argument("--minutes", type=float, help="stop after so long, and go on another time; by default never")
    parser.add_argument(
        "--options", help="of training.train for every run, such as '--report_to trackio'; by default none"
    )
    parser.add_argument("--logs", type=Path, metavar="FOLDER", default=RUNS_DIR / "logs", help="what the runs print")
    arguments = parser.parse_args(argv)
    if arguments.before and arguments.jobs.endswith(".yaml"):
        parser.error("--before is for one recipe, not for a list.")
    jobs = read_jobs(arguments.jobs, arguments.options or "")
    if arguments.before:
        jobs.pop()
        if jobs:
            print(f"Before {arguments.jobs}: {', '.join(job.name for job in jobs)}.", flush=True)
    if arguments.pack:
        arguments.pack.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        left = train_all(
            jobs,
            arguments.at_once,
            arguments.logs,
            arguments.pack,
            int(arguments.pack_megabytes * 2**20),
            math.inf if arguments.minutes is None else time.monotonic() + 60 * arguments.minutes,
        )
    except KeyboardInterrupt:
        sys.exit("Interrupted. The same command goes on from the newest checkpoints.")
    if left:
        sys.exit(f"error: not finished: {', '.join(job.name for job in left)}. The same command goes on.")


if __name__ == "__main__":
    main()
