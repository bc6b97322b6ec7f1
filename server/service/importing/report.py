"""What an import says: rows that came in, what became of them, and what is wrong with which line.

Belongs here: values. Does not belong here: how they are worded or drawn (``server.interchange``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from grid_engine.interval import Interval

Noun: TypeAlias = Literal["locations", "resources", "users", "bookings"]

MOST_KEPT = 1_000
"""So many faults, warnings and conflicts are kept to be told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row begins: a file's name and a line of it, the first being 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read. ``fields`` holds what was given, checked and converted; names stand for what they name."""

    noun: Noun
    place: Place
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong; ``field`` is None where it is no one field's fault. A warning has the same form."""

    place: Place
    noun: Noun | None
    field: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two bookings that share time on a resource (G1): a row, and another row or a booking that is there already.

    Structured, because staff are told of it (N1).
    """

    location: str
    resource: str
    interval: Interval
    """What the row wants."""
    place: Place
    other_interval: Interval
    other_place: Place | None
    other_booking_id: str | None


@dataclass(slots=True)
class Counts:
    """Rows of one noun by what becomes of them."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    left_out: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.created + self.changed + self.unchanged + self.left_out


@dataclass(slots=True)
class Told:
    """Things of which the first are kept and the rest are counted."""

    kept: list[Any] = field(default_factory=list)
    count: int = 0

    def add(self, each: object) -> None:
        """Counts it, and keeps it if there is room."""
        self.count += 1
        if len(self.kept) < MOST_KEPT:
            self.kept.append(each)


@dataclass(slots=True, kw_only=True)
class Report:
    """An import's outcome. ``written`` says whether it was done, rather than only looked at."""

    counts: dict[Noun, Counts] = field(
        default_factory=lambda: {
            "locations": Counts(),
            "resources": Counts(),
            "users": Counts(),
            "bookings": Counts(),
        }
    )
    faults: Told = field(default_factory=Told)
    """Of ``Fault``; conflicts are told here too, so that every fault is."""
    warnings: Told = field(default_factory=Told)
    """Of ``Fault``."""
    conflicts: Told = field(default_factory=Told)
    """Of ``Conflict``."""
    written: bool = False

    def refuse(self, place: Place, noun: Noun | None, field_: str | None, message: str) -> None:
        """Tells a fault of a row, which is left out."""
        self.faults.add(Fault(place, noun, field_, message))
        if noun is not None:
            self.counts[noun].left_out += 1

    def warn(self, place: Place, noun: Noun | None, field_: str | None, message: str) -> None:
        """Tells of something that is taken all the same."""
        self.warnings.add(Fault(place, noun, field_, message))


class Progress(Protocol):
    """Whoever watches a long piece of work."""

    def begin(self, what: str, total: int | None = None) -> None:
        """The next part begins; ``total`` is how many steps it has, if that is known."""

    def advance(self, steps: int = 1) -> None:
        """So many steps more are done."""
