"""The shapes of Claude's answers, and whether what they rest on was given to it (C2).

Belongs here: models, and pure checks of them. Does not belong here: what the figures are.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from server.commands import Text

Kind: TypeAlias = Literal["cancellation_pattern", "schedule_optimisation", "conflict_resolution"]

Prose: TypeAlias = Annotated[Text, Field(min_length=1, max_length=2_000)]
Cited: TypeAlias = Annotated[list[Annotated[Text, Field(max_length=100)]], Field(max_length=50)]


class Part(BaseModel):
    """Part of an answer: nothing that was not asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Claim(Part):
    """Something that Claude says, with the figures (by their paths) and the bookings (by their ids) that it rests on."""

    text: Prose
    figures: Cited
    booking_ids: Cited


Claims: TypeAlias = Annotated[list[Claim], Field(max_length=12)]


class PolicyChange(Part):
    """A value of the policy that Claude would change."""

    key: Literal[
        "min_duration_minutes",
        "max_duration_minutes",
        "advance_days",
        "concurrent_limit",
        "reschedule_limit",
        "cutoff_minutes",
        "buffer_minutes",
    ]
    value: Annotated[int, Field(ge=0, le=1_000_000)]
    why: Claim


class CancellationAnswer(Part):
    """Of a customer who cancels: how, what to say to them, what policy to adjust, what to improve."""

    summary: Claim
    patterns: Claims
    what_to_say: Claim
    policy_changes: Annotated[list[PolicyChange], Field(max_length=6)]
    improvements: Claims


class ScheduleAnswer(Part):
    """Of a location's schedule: how full it is, when, and how to do better."""

    summary: Claim
    peaks: Claims
    quiet_times: Claims
    improvements: Claims
    policy_changes: Annotated[list[PolicyChange], Field(max_length=6)]


class Offer(Part):
    """What to offer those who do not get the time."""

    claim: Annotated[Text, Field(max_length=20)]
    offer: Claim


class ConflictAnswer(Part):
    """Of two or more who claim one time: who should have it, why that is fair, what to offer the others."""

    keep: Annotated[Text, Field(max_length=20)]
    reasons: Annotated[list[Claim], Field(min_length=1, max_length=8)]
    offers: Annotated[list[Offer], Field(max_length=10)]
    fairness: Claim


Answer: TypeAlias = CancellationAnswer | ScheduleAnswer | ConflictAnswer

SHAPES: Mapping[Kind, type[Answer]] = {
    "cancellation_pattern": CancellationAnswer,
    "schedule_optimisation": ScheduleAnswer,
    "conflict_resolution": ConflictAnswer,
}


def claims_of(part: Any) -> Iterator[Claim]:
    """Every claim of an answer."""
    if isinstance(part, Claim):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from claims_of(getattr(part, name))
    elif isinstance(part, list):
        for each in part:
            yield from claims_of(each)


def unfounded(
    answer: Answer, figures: Mapping[str, Any], booking_ids: Collection[str], claims: Collection[str] = ()
) -> str | None:
    """What of the answer rests on nothing that was given; None if all of it does.

    ``claims`` are the names of those who claim a time, of whom an answer about a conflict names one to keep.
    """
    paths = frozenset(paths_of(figures))
    for claim in claims_of(answer):
        if not claim.figures and not claim.booking_ids:
            return "a claim cites nothing"
        if unknown := set(claim.figures) - paths:
            return f"it cites a figure that was not given: {min(unknown)}"
        if unknown := set(claim.booking_ids) - set(booking_ids):
            return f"it cites a booking that was not given: {min(unknown)}"
    if isinstance(answer, ConflictAnswer):
        for name in (answer.keep, *(each.claim for each in answer.offers)):
            if name not in claims:
                return f"it names a claim that was not given: {name}"
    return None


def paths_of(figures: Any, prefix: str = "") -> Iterator[str]:
    """By what paths figures may be cited: ``by_weekday.mon.utilisation``, ``busiest.0``, and all on the way."""
    members: Sequence[tuple[str, Any]] = ()
    if isinstance(figures, Mapping):
        members = [(str(name), member) for name, member in figures.items()]
    elif isinstance(figures, list):
        members = [(str(number), member) for number, member in enumerate(figures)]
    for name, member in members:
        path = f"{prefix}{name}"
        yield path
        yield from paths_of(member, f"{path}.")
