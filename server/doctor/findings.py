"""What a check found, and how it is told.

Belongs here: the value and its two forms. Does not belong here: checks.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is with a part."""

    OK = "ok"
    WARNING = "warning"
    """It works, but somebody should know."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of one part; ``mend`` is what to do about it, empty where nothing has to be done."""

    part: str
    state: State
    told: str
    mend: str = ""


def ok(part: str, told: str) -> Finding:
    """All is well."""
    return Finding(part=part, state=State.OK, told=told)


def warning(part: str, told: str, mend: str) -> Finding:
    """It works, but."""
    return Finding(part=part, state=State.WARNING, told=told, mend=mend)


def failed(part: str, told: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(part=part, state=State.FAILED, told=told, mend=mend)


def as_lines(finding: Finding) -> Iterator[str]:
    """For people: a line, and below it how to mend."""
    yield f"{finding.state:<8} {finding.part}: {finding.told}"
    if finding.mend:
        yield f"{'':<8} → {finding.mend}"


def as_json(findings: Iterable[Finding]) -> str:
    """For programs: a list of objects with ``part``, ``state``, ``told`` and ``mend``."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
