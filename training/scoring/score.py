"""Score a large collection of faces: `python -m training.scoring.score SOURCE OUTPUT`.

SOURCE is a folder of pictures, a folder of parquet files or a data set's id on the Hub. OUTPUT becomes a folder of
parquet files with one row for each picture: what each model makes of it, their average, or why there is no answer.
Stopped at any moment, it goes on when the same command is given again; no row is lost and none is there twice.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow.dataset import dataset
from tqdm import tqdm
from transformers.utils.logging import disable_progress_bar

from fer_models.commands import CommandParser, at_least, command, split_list
from fer_models.hub import make_fixed_revision
from fer_models.zoo import TAGS, find_checkpoint, get_default_tag, list_models

from ..runtime.files import write_json
from ..runtime.provenance import describe_environment
from .chunks import Job, score_here, score_on_ray
from .pictures import describe_collection, open_collection

JOB_FILE = "_job.json"  # the underscore hides it from those who read the folder as parquet


def describe(job: Job) -> dict[str, Any]:
    """What makes a job another one, whose parts cannot lie in the same folder."""
    checkpoints = {name: find_checkpoint(name, job.tag) for name in job.models}  # the Hub's are named after a commit
    tags = {name: job.tag or get_default_tag(name) for name in job.models}
    return {
        "models": {name: make_fixed_revision(checkpoints[name], tags[name]) for name in job.models},
        "detect": job.detect,
        "chunk_size": job.chunk_size,
        "split": job.split,
        **describe_collection(open_collection(job.source, job.files, job.split)),
    }


def begin(job: Job) -> list[int]:
    """Write down what is to be done, or check that it is what was begun.

    Returns:
        The chunks that are still to be scored.

    Raises:
        ValueError: The folder holds the scores of another job, or of a collection that has changed, or other things;
            or it lies in that of the pictures, of which the scores would become some.
    """
    output = Path(job.output)
    if not job.files and output.resolve().is_relative_to(Path(job.source).resolve()):
        raise ValueError(f"The scores would lie among the pictures of {job.source}. Choose a folder outside of it.")
    description = describe(job)
    if (output / JOB_FILE).is_file():
        before = json.loads((output / JOB_FILE).read_text())
        changed = [key for key, value in description.items() if before.get(key) != value]
        if changed:
            raise ValueError(f"{output} holds the scores of another job (other {', '.join(changed)}). "
                             "Choose another folder.")  # fmt: skip
    elif output.is_dir() and any(output.iterdir()):
        raise ValueError(f"{output} holds something else. Choose another folder.")
    else:
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / JOB_FILE, description | {"source": job.source, **describe_environment()})
    num_chunks = -(-description["rows"] // job.chunk_size)
    return [chunk for chunk in range(num_chunks) if not job.get_part(chunk).is_file()]


def run(job: Job, on_ray: bool = False) -> tuple[int, int]:
    """Score what is not scored yet.

    Returns:
        How many rows there are now, and how many of them hold an error.

    Raises:
        ValueError: The collection cannot be read, or the folder holds something else.
        OSError: A file cannot be written; what was scored before is kept.
        RuntimeError: Rows are missing or there twice, for somebody else writes to the folder.
    """
    missing = begin(job)
    if missing:
        scored = score_on_ray(job, missing) if on_ray else score_here(job, missing)
        for _ in tqdm(scored, total=len(missing), unit="part", disable=not sys.stderr.isatty()):
            pass
    for left_over in Path(job.output).glob(".part-*"):  # of processes that were killed while they wrote
        left_over.unlink(missing_ok=True)
    return count_rows(job)


def count_rows(job: Job) -> tuple[int, int]:
    """How many rows there are, and how many of them hold an error.

    Raises:
        RuntimeError: A row is missing, or there twice.
    """
    output = Path(job.output)
    expected = json.loads((output / JOB_FILE).read_text())["rows"]
    if not expected:
        return 0, 0
    parts = [str(job.get_part(chunk)) for chunk in range(-(-expected // job.chunk_size))]
    table = dataset(parts, format="parquet").to_table(["row", "error"])
    if not np.array_equal(np.sort(table["row"].to_numpy()), np.arange(expected)):
        raise RuntimeError(f"{output} does not hold each of the {expected:,} rows once. Score into a new folder.")
    return expected, expected - table["error"].null_count


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.scoring.score", description=__doc__)
    parser.add_argument("source", help="folder of pictures or of parquet files, or a data set's id on the Hub")
    parser.add_argument("output", help="folder for the scores")
    parser.add_argument(
        "--files", metavar="FILE", help="text file with the pictures' paths in the folder, one a line; by default all"
    )
    parser.add_argument("--split", help="the data set's split, if it has several")
    parser.add_argument(
        "--models", type=split_list, metavar="NAME,NAME", help="which to ask, with commas between them; by default all"
    )
    parser.add_argument(
        "--tag", help=f"what the models learned from; by default the first that a model has of: {', '.join(TAGS)}"
    )
    parser.add_argument(
        "--whole-image", action="store_true", help="take each picture for a face; else its largest face is found"
    )
    parser.add_argument("--chunk-size", type=at_least(1), default=Job.chunk_size, help="pictures in a part")
    parser.add_argument(
        "--batch-size", type=at_least(1), default=Job.batch_size, help="pictures that are computed at once"
    )
    parser.add_argument("--ray", action="store_true", help="on a Ray cluster; needs the extra ray")
    options = vars(parser.parse_args(argv))
    on_ray, options["detect"] = options.pop("ray"), not options.pop("whole_image")
    options["models"] = tuple(options["models"] or list_models(options["tag"]) or list_models())
    if on_ray and find_spec("ray") is None:
        sys.exit("error: Ray is not installed: pip install 'ray[data]'.")
    disable_progress_bar()
    for name in ("source", "output", "files"):  # Ray's workers start in other folders
        if options[name] and (name == "output" or Path(options[name]).exists()):
            options[name] = str(Path(options[name]).resolve())
    try:
        rows, errors = run(Job(**options), on_ray)
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error}. What was scored is kept; mend this, then start again.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. What was scored is kept; the same command does the rest.")
    print(f"{options['output']}: {rows:,} rows, {errors:,} of them with an error.")


if __name__ == "__main__":
    main()
