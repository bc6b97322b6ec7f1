"""YAML: one document with the four lists, in any order.

It is read event by event, so that a document of any length takes the memory of one row. Nothing in it can make an object, and
aliases are refused, which might make a small document a huge one. Scalars are taken as they are written, but inside of
documents (a policy): +15551230000 is no number, and a date no time. Belongs here: that form, both ways. Does not belong here: what a column
may hold (``columns``).
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

import yaml

from server.interchange.columns import DOCUMENTS, NOUNS, checked, names_of
from server.interchange.files import TextFile
from server.service.exporting import Rows
from server.service.importing import Noun, Place, Report, Row

MOST_BETWEEN: Final = 4 << 20
"""Characters that are read without coming to anything: no row has such a value."""
MOST_NODES: Final = 10_000
"""Values in one row."""
DEEPEST: Final = 12

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Final = yaml.SafeLoader("")


class _WrongError(Exception):
    """Something about the document as a whole, after which it is not read on."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class _Events:
    """The document's events, with bounds on what it takes to come to the next one."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._read = 0
        self._line = 1
        self._events = yaml.parse(self, Loader=_LOADER)
        self._next: Any = None

    def read(self, size: int = -1, /) -> str:
        """For the parser."""
        chunk = self._text.read(size)
        self._read += len(chunk)
        if self._read > MOST_BETWEEN:
            raise _WrongError(self._line, f"more than {MOST_BETWEEN} characters are one value")
        return chunk

    def peek(self) -> Any:
        """The next event, which stays the next."""
        if self._next is None:
            self._next = self._advance()
        return self._next

    def take(self) -> Any:
        """The next event."""
        event = self.peek()
        self._next = None
        return event

    def skip(self) -> None:
        """Passes over the next value, whatever it holds."""
        depth = 0
        while True:
            event = self.take()
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return

    def _advance(self) -> Any:
        try:
            event = next(self._events)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _WrongError(mark.line + 1 if mark else self._line, f"is no YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise _WrongError(self._line, f"is no YAML: {error}") from None
        self._read = 0
        self._line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            raise _WrongError(self._line, "aliases (*name) are not taken: write the value out")
        return event


class YamlFile:
    """A YAML document with some of the lists."""

    def __init__(self, file: TextFile, report: Report) -> None:
        """Reads it once for its outline, and tells what is wrong with that."""
        self._file = file
        self._lengths: dict[Noun, int] = {}
        try:
            for noun, events in self._lists():
                self._lengths[noun] = 0
                while not isinstance(events.peek(), yaml.SequenceEndEvent):
                    events.skip()
                    self._lengths[noun] += 1
                events.take()
        except _WrongError as error:
            report.refuse(Place(file.name, error.line), None, None, str(error))
            self._lengths = {}

    @property
    def total(self) -> int:
        """The number of rows."""
        return sum(self._lengths.values())

    def rows(self, report: Report) -> Iterator[Row]:
        """As ``Source.rows``. The document is read as often as its order is not theirs."""
        try:
            yield from self._rows(report)
        except _WrongError as error:
            report.refuse(Place(self._file.name, error.line), None, None, str(error))

    def _rows(self, report: Report) -> Iterator[Row]:
        wanted = [noun for noun in NOUNS if noun in self._lengths]
        while wanted:
            for noun, events in self._lists():
                mine = bool(wanted) and noun == wanted[0]
                if mine:
                    wanted.pop(0)
                while not isinstance(events.peek(), yaml.SequenceEndEvent):
                    if mine:
                        yield from self._row(noun, events, report)
                    else:
                        events.skip()
                events.take()
                if not wanted:
                    return

    def _row(self, noun: Noun, events: _Events, report: Report) -> Iterator[Row]:
        start = events.peek()
        place = Place(self._file.name, _line(start))
        if not isinstance(start, yaml.MappingStartEvent):
            events.skip()
            return report.refuse(place, noun, None, "is no mapping of columns to values")
        cells, lines, repeated = _mapping(events)
        for name in repeated:
            report.refuse(Place(self._file.name, lines[name]), noun, name, "is there twice")
        row = None if repeated else checked(noun, place, cells, lines)
        if isinstance(row, Row):
            yield row
        elif row is not None:
            report.counts[noun].left_out += 1
            for fault in row:
                report.faults.add(fault)
        return None

    def _lists(self) -> Iterator[tuple[Noun, _Events]]:
        """Each list as it comes; whoever asks reads it to its end, which is the ``SequenceEndEvent``."""
        with self._file.opened() as text:
            events = _Events(text)
            events.take()
            if not isinstance(events.take(), yaml.DocumentStartEvent):
                return  # nothing at all, or comments
            start = events.take()
            if isinstance(start, yaml.ScalarEvent) and not start.value:
                return
            if not isinstance(start, yaml.MappingStartEvent):
                raise _WrongError(_line(start), f"is no mapping with some of {', '.join(NOUNS)}")
            seen = set()
            while not isinstance(key := events.take(), yaml.MappingEndEvent):
                place = Place(self._file.name, _line(key))
                name = getattr(key, "value", None)
                if name not in NOUNS:
                    raise _WrongError(place.line, f"{name!r} is none of the lists {', '.join(NOUNS)}")
                if name in seen:
                    raise _WrongError(place.line, f"{name} are there twice")
                seen.add(name)
                value = events.take()
                if isinstance(value, yaml.SequenceStartEvent):
                    yield name, events
                elif not (isinstance(value, yaml.ScalarEvent) and _as_written(value) is None):
                    raise _WrongError(place.line, f"{name} must be a list")
            events.take()
            if not isinstance(events.take(), yaml.StreamEndEvent):
                raise _WrongError(_line(events.peek()), "a second document is not read")


def _mapping(events: _Events) -> tuple[dict[str, Any], dict[str, int], list[str]]:
    """(a row's values by name, the line of each, names that are there twice)."""
    start = events.take()
    cells: dict[str, Any] = {}
    lines: dict[str, int] = {}
    repeated: list[str] = []
    room = [MOST_NODES]
    while not isinstance(key := events.take(), yaml.MappingEndEvent):
        if not isinstance(key, yaml.ScalarEvent):
            raise _WrongError(_line(start), "a column's name must be a word")
        name = key.value
        if name in cells:
            repeated.append(name)
        lines[name] = _line(key)
        cells[name] = _value(events, room, _resolved if name in DOCUMENTS else _as_written)
    return cells, lines, repeated


def _value(events: _Events, room: list[int], taken: Callable[[yaml.ScalarEvent], Any], depth: int = 0) -> Any:
    """The next value, each of its scalars as ``taken`` has it."""
    event = events.take()
    room[0] -= 1
    if room[0] < 0 or depth > DEEPEST:
        raise _WrongError(_line(event), "a row holds too much")
    match event:
        case yaml.ScalarEvent():
            return taken(event)
        case yaml.SequenceStartEvent():
            members = []
            while not isinstance(events.peek(), yaml.SequenceEndEvent):
                members.append(_value(events, room, taken, depth + 1))
            events.take()
            return members
        case _:
            document: dict[str, Any] = {}
            while not isinstance(key := events.take(), yaml.MappingEndEvent):
                if not isinstance(key, yaml.ScalarEvent):
                    raise _WrongError(_line(key), "a key must be a word")
                document[key.value] = _value(events, room, taken, depth + 1)
            return document


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _kind(value: str, implicit: tuple[bool, bool], tag: str | None = None) -> str:
    """What YAML takes a scalar for: ``str``, ``int``, ``null`` …"""
    resolver: Any = _RESOLVER
    return str(tag or resolver.resolve(yaml.ScalarNode, value, implicit)).rpartition(":")[2]


def _as_written(event: yaml.ScalarEvent) -> str | None:
    return None if _kind(event.value, event.implicit, event.tag) == "null" else event.value


def _resolved(event: yaml.ScalarEvent) -> Any:
    """Nothing, a truth, a number; all else is text, dates too."""
    match _kind(event.value, event.implicit, event.tag):
        case "null":
            return None
        case "bool":
            return event.value.lower() in ("true", "yes", "on")
        case "int" if re.fullmatch(r"[-+]?[0-9]{1,18}", event.value):
            return int(event.value)
        case "float" if re.fullmatch(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}", event.value):
            return float(event.value)
        case _:
            return event.value


async def write_yaml(rows: Rows, out: TextIO) -> None:
    """The document, list by list as the rows come; what is None is left out."""
    last = None
    async for noun, row in rows:
        if noun != last:
            out.write(f"{noun}:\n")
            last = noun
        lead = "- "
        for name in names_of(noun):
            if row.get(name) is not None:
                out.write(f"{lead}{name}: {_written(row[name])}\n")
                lead = "  "


_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_@./+-]*(?: [A-Za-z0-9_@./+-]+)*")
_BREAKS: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _written(value: Any) -> str:
    if isinstance(value, bool | int | dict | list):
        return _escaped(json.dumps(value, ensure_ascii=False))
    text = str(value)
    if _PLAIN.fullmatch(text) and _kind(text, (True, False)) == "str":
        return text
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    """JSON is YAML but for some characters, which YAML takes for ends of lines or for none."""
    return _BREAKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
