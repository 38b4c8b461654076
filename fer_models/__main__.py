"""On a terminal: `python -m fer_models compare photo.jpg`."""

import argparse
import json
import sys
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from .commands import CommandParser, at_least, command, split_list
from .comparison import Comparison
from .export import collect_export, write_files
from .faces import FaceDetector
from .images import read_image
from .inference import LoadedModel, compare, load_models, to_json
from .zoo import NAMESPACE_VARIABLE, REPORT_MODELS, checkpoint_dir, list_models, list_tags

# The title of the row of accuracies, by whose labels they are.
ACCURACIES = {"people": "most people", "fer2013": "test accuracy"}


def format_comparison(comparison: Comparison, models: list[LoadedModel]) -> str:
    """The verdict and a table, labels in rows, models and their average in columns."""
    width = max(len(name) for name in ["average", *(model.name for model in models)]) + 2
    favourite = comparison.favourite or ""
    verdict = "average" if comparison.is_sure else "not sure, perhaps"
    lines = [
        f"{verdict}: {favourite} ({comparison.average[favourite]:.1%})",
        "  ".join(f"{len(names)} of {len(models)}: {label} ({', '.join(names)})" for label, names in comparison.votes),
        "",
        " " * 14 + "".join(f"{name:>{width}}" for name in [*(model.name for model in models), "average"]),
    ]
    for label, average in comparison.average.items():
        columns = [(one.probabilities[label], label == one.winner) for one in comparison.predictions]
        columns.append((average, label == favourite))
        shares = (f"{share:.1%}{'*' if is_best else ' '}" for share, is_best in columns)
        lines.append(f"{label:<14}" + "".join(f"{share:>{width}}" for share in shares))
    times = "".join(f"{f'{prediction.latency_ms:.1f} ms ':>{width}}" for prediction in comparison.predictions)
    lines.append(f"{'time':<14}{times}")
    for labels, title in ACCURACIES.items():
        cells = (f"{model.test_accuracy:.1%} " if model.test_labels == labels else "" for model in models)
        accuracies = "".join(f"{cell:>{width}}" for cell in cells)
        lines += [f"{title:<14}{accuracies}"] if accuracies.strip() else []
    if comparison.hints:
        lines.append(f"{'hints':<16}{', '.join(hint.id for hint in comparison.hints)}")
    return "\n".join(lines)


def run_compare(arguments: argparse.Namespace) -> None:
    if arguments.photo.is_dir():
        raise ValueError(
            f"{arguments.photo} is a folder: name a photo in it. "
            f"`python -m training.scoring.score {arguments.photo} OUTPUT` scores all of them."
        )
    image = read_image(arguments.photo)
    torch.set_num_threads(1)  # as the page does, see app.py
    models = load_models(arguments.models, arguments.tag, arguments.namespace)
    comparison = compare(image, models, FaceDetector(), arguments.whole_image, arguments.face)
    if arguments.json:
        print(json.dumps(to_json(comparison, models), indent=2))
    if comparison.crop is None:
        more = " Only the first of its pictures was looked at." if comparison.hints else ""
        sys.exit(
            f"No face was found in {arguments.photo}.{more} With --whole-image the whole picture is taken for the face."
        )
    if not arguments.json:
        if len(comparison.faces) > 1:
            print(f"face {arguments.face} of {len(comparison.faces)}, counted from 0, the largest")
        if comparison.face and comparison.face.turned_degrees:
            print(f"the photo was turned by {comparison.face.turned_degrees:.0f} degrees counterclockwise")
        print(format_comparison(comparison, models))


def run_list(arguments: argparse.Namespace) -> None:
    for name in list_models():
        print(f"{name:<20}{', '.join(list_tags(name)) or 'not bundled'}")


def run_export(arguments: argparse.Namespace) -> None:
    name, _, tag = arguments.model.partition(".")
    directory = checkpoint_dir(name, tag or None)
    files = collect_export(directory)
    if arguments.onnx:
        from .onnx_export import ONNX_FILE, export_onnx

        files[ONNX_FILE] = export_onnx(directory)
    write_files(files, arguments.directory)
    print(f"{directory.name}: {arguments.directory}")


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m fer_models", description="Facial-expression models.")
    commands = parser.add_subparsers(required=True, metavar="command")
    compare_parser = commands.add_parser("compare", help="what each model makes of a face in a photo")
    compare_parser.add_argument("photo", type=Path, help="file with a picture, such as JPEG or PNG")
    compare_parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    four = ",".join(REPORT_MODELS)  # as on the page
    compare_parser.add_argument(
        "--models", type=split_list, default=four, metavar="NAME,NAME", help="which to ask, with commas between them"
    )
    compare_parser.add_argument(
        "--tag", help="what the models learned from, such as report; by default the one that `load` takes"
    )
    which = compare_parser.add_mutually_exclusive_group()
    which.add_argument(
        "--face", type=at_least(0), default=0, metavar="N", help="which face, counted from 0, the largest"
    )
    which.add_argument("--whole-image", action="store_true", help="take the whole picture for the face")
    compare_parser.add_argument(
        "--namespace",
        help=f"user or organization of the Hub to load the models from; by default what {NAMESPACE_VARIABLE} says, "
        "else the bundled ones",
    )
    compare_parser.set_defaults(run=run_compare)
    list_parser = commands.add_parser("list", help="the models, and the tags in which they are bundled")
    list_parser.set_defaults(run=run_list)
    export_parser = commands.add_parser("export", help="write a model as a folder that plain transformers loads")
    export_parser.add_argument("model", metavar="NAME[.TAG]", help="such as baseline, or baseline.report")
    export_parser.add_argument("directory", type=Path, metavar="DIR", help="an empty folder, or a new one")
    export_parser.add_argument("--onnx", action="store_true", help="add onnx/model.onnx, for onnxruntime")
    export_parser.set_defaults(run=run_export)
    arguments = parser.parse_args(argv)
    disable_progress_bar()  # the weights load in milliseconds
    arguments.run(arguments)


if __name__ == "__main__":
    main()
