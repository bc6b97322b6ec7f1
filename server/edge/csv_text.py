"""Tables as CSV, for spreadsheets (RFC 4180).

Belongs here: how cells are written. Does not belong here: what is in them.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Cell: TypeAlias = str | int | float | None

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes the beginning of a text for; the wide forms, too, where the language has them."""


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table in UTF-8, its lines ended by CRLF; what is None is empty.

    A text that a spreadsheet would take for a formula begins with an apostrophe, by which it is shown as it is: a location
    that somebody named ``=HYPERLINK(…)`` must not act on whoever opens the file.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return written.getvalue().encode()


def _cell(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return cell
