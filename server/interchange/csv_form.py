"""CSV: one list a file, told by its header; cells as text.

Comma, semicolon or tab separate the cells, whichever the header has most of. An empty cell is as good as none, but for those
of ``columns.CLEARABLE``. Belongs here: that form, both ways. Does not belong here: what a column may hold (``columns``).
"""

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, TextIO

from server.interchange.columns import (
    CLEARABLE,
    NOUNS,
    SEPARATOR,
    checked,
    names_of,
    required_of,
    unknown_column,
)
from server.interchange.files import TextFile
from server.service.exporting import Rows
from server.service.importing import Fault, Noun, Place, Report, Row

LONGEST_LINE: Final = 1 << 20
"""Characters; a longer one is no line of a table."""
_DELIMITERS: Final = ",;\t"


class _TooLongError(Exception):
    """A line that is none; ``line`` is its number."""

    def __init__(self, line: int) -> None:
        super().__init__(f"a line has more than {LONGEST_LINE} characters")
        self.line = line


class CsvFiles:
    """CSV files, each with one of the lists."""

    def __init__(self, files: Sequence[TextFile], report: Report) -> None:
        """Looks at the headers, and tells what is wrong with them."""
        self._of: dict[Noun, list[TextFile]] = {noun: [] for noun in NOUNS}
        self._lines = 0
        for file in files:
            try:
                noun = self._noun(file, report)
                with file.opened() as text:
                    lines = sum(1 for _ in _lines(text))
            except (_TooLongError, csv.Error) as error:
                place = Place(file.name, getattr(error, "line", 1))
                report.refuse(place, None, None, str(error))
                continue
            if noun is not None:
                self._of[noun].append(file)
                self._lines += max(0, lines - 1)

    @property
    def total(self) -> int:
        """As many as there are lines, which a cell may have several of."""
        return self._lines

    def rows(self, report: Report) -> Iterator[Row]:
        """As ``Source.rows``."""
        for noun, files in self._of.items():
            for file in files:
                yield from _rows(noun, file, report)

    def _noun(self, file: TextFile, report: Report) -> Noun | None:
        with file.opened() as text:
            header = _header(next(_reader(text), []))
        place = Place(file.name, 1)
        noun = _noun_of(set(header))
        if noun is None:
            told = ", ".join(
                f"{each} ({', '.join(required_of(each) or ['email or phone'])})" for each in NOUNS
            )
            report.refuse(place, None, None, f"has the columns of no list; they are {told}")
            return None
        faults = [(name, unknown_column(noun, name)) for name in header if name not in names_of(noun)]
        faults += [(name, "is required") for name in required_of(noun) if name not in header]
        faults += [
            (name, "is there twice") for name in sorted({each for each in header if header.count(each) > 1})
        ]
        for name, message in faults:
            report.faults.add(Fault(place, noun, name, message))
        return None if faults else noun


def _noun_of(columns: set[str]) -> Noun | None:
    if columns & {"start_time", "end_time"}:
        return "bookings"
    if "timezone" in columns or columns & {"slot_minutes", "policy"}:
        return "locations"
    if columns & {"email", "phone"}:
        return "users"
    return "resources" if {"location", "name"} <= columns else None


def _rows(noun: Noun, file: TextFile, report: Report) -> Iterator[Row]:
    with file.opened() as text:
        reader = _reader(text)
        header = _header(next(reader))
        begins = reader.line_num + 1
        try:
            for cells in reader:
                place = Place(file.name, begins)
                begins = reader.line_num + 1
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) > len(header):
                    report.refuse(place, noun, None, f"has {len(cells)} cells, and the header {len(header)}")
                    continue
                given = {
                    name: cell if cell.strip() else None
                    for name, cell in zip(header, cells, strict=False)
                    if cell.strip() or name in CLEARABLE
                }
                row = checked(noun, place, given, {})
                if isinstance(row, Row):
                    yield row
                else:
                    report.counts[noun].left_out += 1
                    for fault in row:
                        report.faults.add(fault)
        except csv.Error as error:
            report.refuse(Place(file.name, begins), noun, None, f"cannot be read on: {error}")


def _reader(text: TextIO) -> Any:
    lines = _lines(text)
    first = next(lines, "")
    delimiter = max(_DELIMITERS, key=first.count)
    return csv.reader(_again(first, lines), delimiter=delimiter, strict=True)


def _again(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others


def _lines(text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise _TooLongError(number)
        yield line


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()  # spreadsheets leave empty columns behind
    return names


class _Writer:
    """Writes one list."""

    def __init__(self, noun: Noun, out: TextIO) -> None:
        self._names = names_of(noun)
        self._writer = csv.writer(out)
        self._writer.writerow(self._names)

    def write(self, row: Mapping[str, Any]) -> None:
        self._writer.writerow([_cell(row.get(name)) for name in self._names])


async def write_csv_folder(rows: Rows, folder: Path) -> None:
    """A file for each list, in a folder, which is made if need be."""
    _make(folder)
    await _write(rows, lambda name: _own_file(folder / name))


async def write_csv_archive(rows: Rows, path: Path) -> None:
    """A zip archive with a file for each list."""
    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        # Their length is not known before: they may need more than 4 GiB.
        await _write(rows, lambda name: archive.open(name, "w", force_zip64=True))


async def _write(rows: Rows, opened: Callable[[str], IO[bytes]]) -> None:
    """All lists are written, be they empty; rows come list by list."""
    waiting = list(NOUNS)
    row = await anext(rows, None)
    while waiting:
        noun = waiting.pop(0)
        with (
            opened(f"{noun}.csv") as raw,
            io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True) as text,
        ):
            writer = _Writer(noun, text)
            while row is not None and row[0] == noun:
                writer.write(row[1])
                row = await anext(rows, None)


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _own_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb")


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return SEPARATOR.join(value)
        case _:
            return str(value)
