"""Results as CSV that spreadsheets open as they should."""

import csv
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

# By this Excel recognises UTF-8; without it accents turn to rubbish.
BYTE_ORDER_MARK = "\ufeff"
# A cell of text that begins like this is run as a formula, and the names of files are strangers' words.
FORMULA_STARTS = tuple(
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)


def write_csv(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[Any]], decimal_comma: bool = False) -> None:
    """Write a table.

    Args:
        file: Opened with `newline=""` and encoding UTF-8.
        header: The names of the columns.
        rows: Text, numbers, or None for an empty cell.
        decimal_comma: Write `0,5` and semicolons between the cells, as spreadsheets expect where that is the custom.
    """
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file, delimiter=";" if decimal_comma else ",")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_to_cell(value, decimal_comma) for value in row])


def _to_cell(value: Any, decimal_comma: bool) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, float):
        value = str(round(value, 4))
        return value.replace(".", ",") if decimal_comma else value
    return value


__all__ = ["write_csv"]
