import csv
import io
from typing import Any

from fer_models.tables import write_csv


def read_csv(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=delimiter))


def csv_of(rows: list[list[Any]], **options: Any) -> str:
    file = io.StringIO()
    write_csv(file, ["file", "share"], rows, **options)
    return file.getvalue()


def test_a_table_without_rows_has_its_header() -> None:
    assert csv_of([]) == "\ufefffile,share\r\n"
    assert read_csv(csv_of([])) == []


def test_no_name_of_a_file_becomes_a_formula() -> None:
    formulas = ["=HYPERLINK(1).jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg", "\t=1.jpg", "\uff1d1.jpg"]
    harmless = ["", "photo.jpg", 'a",=1\n.jpg']
    lines = read_csv(csv_of([[name, -0.5] for name in formulas + harmless]))
    assert [line["file"] for line in lines] == [f"'{name}" for name in formulas] + harmless
    assert {line["share"] for line in lines} == {"-0.5"}


def test_where_the_comma_is_decimal_cells_are_parted_by_semicolons() -> None:
    (line,) = read_csv(csv_of([["a,b", 0.25]], decimal_comma=True), ";")
    assert line == {"file": "a,b", "share": "0,25"}
