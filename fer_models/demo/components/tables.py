"""Tables of figures, as HTML that scrolls inside itself on a narrow screen."""

from collections.abc import Sequence
from html import escape

Row = Sequence[str]


def render_table(
    caption: str, columns: Sequence[str], groups: Sequence[tuple[str, Sequence[Row]]], kind: str = ""
) -> str:
    """A table whose first column names its rows.

    Args:
        caption: Text above the table.
        columns: HTML of the column headers.
        groups: Groups of rows, each with its title as HTML, empty for none. A row is the HTML of its cells, its header
            first.
        kind: One more CSS class.
    """
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    bodies = "".join(
        f"<tbody>{_render_group_title(title, len(columns))}{''.join(map(_render_row, rows))}</tbody>"
        for title, rows in groups
    )
    return (
        f'<div class="fer-scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table class="fer-table {kind}"><caption><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def render_column(title: str, note: str = "") -> str:
    """A column header with a small line below."""
    return f"{escape(title)}{f'<small>{escape(note)}</small>' if note else ''}"


def _render_group_title(title: str, width: int) -> str:
    return f'<tr><th scope="rowgroup" colspan="{width}"><span>{title}</span></th></tr>' if title else ""


def _render_row(cells: Row) -> str:
    header, *others = cells
    return f'<tr><th scope="row">{header}</th>{"".join(map(_render_cell, others))}</tr>'


def _render_cell(html: str) -> str:
    return html if html.startswith("<td") else f"<td>{html}</td>"


class Scale:
    """A common scale for small pictures in the cells of a table: shares, widened to whole tens of per cent."""

    def __init__(self, shares: Sequence[float]) -> None:
        percents = [100 * share for share in shares] or [0.0, 100.0]
        self.low = int(min(percents) // 10 * 10)
        self.high = max(int(-(-max(percents) // 10) * 10), self.low + 10)

    def place(self, share: float) -> str:
        """Where a share lies, as CSS."""
        return f"{(100 * share - self.low) / (self.high - self.low):.2%}"

    def render(self, marks: Sequence[tuple[str, float]], interval: Sequence[float] = ()) -> str:
        """A line with marks, and an interval as a thick piece of it.

        The numbers stand beside it, so it is hidden from screen readers.

        Args:
            marks: CSS classes and shares.
            interval: Low and high share, or nothing.
        """
        thick = ""
        if interval:
            low, high = interval
            thick = f'<i class="fer-interval" style="left:{self.place(low)};right:calc(100% - {self.place(high)})"></i>'
        dots = "".join(f'<i class="{kind}" style="left:{self.place(share)}"></i>' for kind, share in marks)
        return f'<span class="fer-scale" aria-hidden="true">{thick}{dots}</span>'
