"""On a terminal: `python -m fer_models compare photo.jpg`."""

import argparse
import json
import sys
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from .configuration_fer import FER_CNN_ARCHITECTURES
from .faces import FaceDetector
from .images import ImageError, read_image
from .inference import Comparison, LoadedModel, compare, load_models, to_json
from .zoo import list_models, list_tags


def format_comparison(comparison: Comparison, models: list[LoadedModel]) -> str:
    """The verdict and a table, labels in rows, networks and their average in columns."""
    width = max(len(model.name) for model in models) + 2
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
    accuracies = "".join(f"{f'{model.test_accuracy:.1%} ':>{width}}" for model in models)
    lines += [f"{'time':<14}{times}", f"{'test accuracy':<14}{accuracies}"]
    if comparison.hints:
        lines.append(f"{'hints':<16}{', '.join(hint.id for hint in comparison.hints)}")
    return "\n".join(lines)


def run_compare(arguments: argparse.Namespace) -> None:
    image = read_image(arguments.photo)
    models = load_models(arguments.networks, arguments.tag, arguments.namespace)
    comparison = compare(image, models, FaceDetector(), arguments.whole_image, arguments.face)
    if arguments.json:
        print(json.dumps(to_json(comparison, models), indent=2))
    elif comparison.crop is None:
        more = " Only the first of its pictures was looked at." if comparison.hints else ""
        sys.exit(
            f"No face was found in {arguments.photo}.{more} With --whole-image the whole picture is taken for the face."
        )
    else:
        if len(comparison.faces) > 1:
            print(f"face {arguments.face} of {len(comparison.faces)}, counted from 0, the largest")
        if comparison.face and comparison.face.turned_degrees:
            print(f"the photo was turned by {comparison.face.turned_degrees:.0f} degrees counterclockwise")
        print(format_comparison(comparison, models))


def run_list(arguments: argparse.Namespace) -> None:
    for name in list_models():
        print(f"{name:<20}{', '.join(list_tags(name)) or 'not bundled'}")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m fer_models", description="Facial-expression networks.")
    commands = parser.add_subparsers(required=True, metavar="command")
    compare_parser = commands.add_parser("compare", help="what each network makes of a face in a photo")
    compare_parser.add_argument("photo", type=Path)
    compare_parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    four = list(FER_CNN_ARCHITECTURES)  # as on the page
    compare_parser.add_argument(
        "--networks", nargs="+", default=four, metavar="NAME", help=f"which to ask (default: {' '.join(four)})"
    )
    compare_parser.add_argument("--tag", help="way of training, such as report; by default the one that `load` takes")
    compare_parser.add_argument(
        "--face", type=int, default=0, metavar="N", help="which face, counted from 0, the largest (default: 0)"
    )
    compare_parser.add_argument("--namespace", help="user or organization of the Hub to load the networks from")
    compare_parser.add_argument("--whole-image", action="store_true", help="take the whole picture for the face")
    compare_parser.set_defaults(run=run_compare)
    list_parser = commands.add_parser("list", help="the networks, and the ways of training in which they are bundled")
    list_parser.set_defaults(run=run_list)
    arguments = parser.parse_args(argv)
    disable_progress_bar()  # the weights load in milliseconds
    try:
        arguments.run(arguments)
    except (ImageError, ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
