"""What the programs that measure something have in common: their first options, and the file with the figures."""

from pathlib import Path
from typing import Any

from fer_models.commands import CommandParser

from .. import RESULTS_DIR
from ..data import add_data_option
from .files import write_json
from .provenance import describe_environment


def make_measuring_parser(module: str, description: str | None, result: str, reads_faces: bool = True) -> CommandParser:
    """A parser with `--output` and, where FER2013 is read, `--data`.

    Args:
        module: Below `training`.
        description: Of the module.
        result: The file of `RESULTS_DIR` that is written unless told otherwise.
        reads_faces: Whether FER2013 is read.
    """
    parser = CommandParser(prog=f"python -m training.{module}", description=description)
    if reads_faces:
        add_data_option(parser)
    parser.add_argument(
        "--output", type=Path, default=RESULTS_DIR / result, metavar="FILE", help="file for the figures, JSON"
    )
    return parser


def write_measured(path: Path, figures: dict[str, Any]) -> None:
    """Write figures, and where they come from."""
    write_json(path, figures | describe_environment())
