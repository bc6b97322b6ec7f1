"""A location's policy as the JSON object that administrators write and tables keep (api.md).

Belongs here: reading one with a pointer to each fault, and writing one. Does not belong here: what the values
do.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rules.policy_values import (
    DAY_MINUTES,
    OVERRIDE_KEYS,
    WEEKDAYS,
    OpeningHours,
    OpenSpan,
    Overrides,
    Policy,
    Tier,
)

LARGEST = 1_000_000
"""No integer of a policy is larger (api.md)."""

COUNT_KEYS = (
    "min_duration_minutes",
    "max_duration_minutes",
    "advance_days",
    "concurrent_limit",
    "reschedule_limit",
    "cutoff_minutes",
    "buffer_minutes",
    "hold_seconds",
)
"""The keys whose values are integers from 0 to ``LARGEST``."""

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One thing wrong with a policy; ``pointer`` is a JSON pointer (RFC 6901) into it."""

    pointer: str
    message: str


class PolicyError(ValueError):
    """A JSON value is not a policy; ``faults`` holds everything wrong with it, in the document's order."""

    def __init__(self, faults: tuple[PolicyFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults))
        self.faults = faults


def read_policy(document: object) -> tuple[Policy, dict[Tier, Overrides], dict[str, Overrides]]:
    """What a JSON value says: the location's values, and what tiers and tags set.

    See ``LocationPolicy.from_json``.

    Raises:
        PolicyError: with every fault there is.
    """
    reader = _Reader()
    values, tiers, tags = reader.policy(document)
    if not reader.faults:
        reader.faults.extend(_contradictions(values, tiers, tags))
    if reader.faults:
        raise PolicyError(tuple(reader.faults))
    return values, tiers, tags


def write_values(policy: Policy) -> dict[str, Any]:
    """Values in force as a JSON object: what a booking keeps of the policy it was judged by (R20)."""
    return (
        {"can_book": policy.can_book}
        | {key: getattr(policy, key) for key in COUNT_KEYS}
        | {
            "opening_hours": None
            if policy.opening_hours is None
            else write_opening_hours(policy.opening_hours)
        }
    )


def write_overrides(overrides: Overrides) -> dict[str, int | bool]:
    """What a tier or tag sets, as a JSON object without what it leaves alone."""
    return overrides.values()


def write_opening_hours(hours: OpeningHours) -> dict[str, list[list[str]]]:
    """Opening hours by name of the day, as ``{"mon": [["09:00", "24:00"]]}``; closed days are left out."""
    return {day: write_spans(spans) for day, spans in zip(WEEKDAYS, hours, strict=True) if spans}


def write_spans(spans: tuple[OpenSpan, ...]) -> list[list[str]]:
    """A day's spans as ``[["09:00", "24:00"]]``."""
    return [[write_clock(start), write_clock(end)] for start, end in spans]


def write_clock(minute: int) -> str:
    """Minutes after midnight as ``HH:MM``; 1440 is ``24:00``."""
    return f"{minute // 60:02}:{minute % 60:02}"


class _Reader:
    """Walks a document once and notes each fault on the way, so that all are told at once."""

    def __init__(self) -> None:
        self.faults: list[PolicyFault] = []

    def policy(self, document: object) -> tuple[Policy, dict[Tier, Overrides], dict[str, Overrides]]:
        values: dict[str, Any] = {}
        tiers: dict[Tier, Overrides] = {}
        tags: dict[str, Overrides] = {}
        for key, value, pointer in self._members(document, ""):
            if key == "opening_hours":
                values[key] = self._opening_hours(value, pointer)
            elif key == "tiers":
                for name, overrides, place in self._members(value, pointer):
                    if name in Tier.__members__:
                        tiers[Tier[name]] = self._overrides(overrides, place)
                    else:
                        self._fault(place, f"is not a tier; tiers are {', '.join(Tier.__members__)}")
            elif key == "tags":
                for name, overrides, place in self._members(value, pointer):
                    if name.strip():
                        tags[name] = self._overrides(overrides, place)
                    else:
                        self._fault(place, "must not be a blank tag")
            else:
                self._value(values, key, value, pointer, ("can_book", *COUNT_KEYS))
        return Policy(**values), tiers, tags

    def _fault(self, pointer: str, message: str) -> None:
        self.faults.append(PolicyFault(pointer, message))

    def _members(self, value: object, pointer: str) -> Iterator[tuple[str, object, str]]:
        if not isinstance(value, Mapping):
            self._fault(pointer, "must be an object")
            return
        for key, member in value.items():
            yield str(key), member, _pointer(pointer, str(key))

    def _overrides(self, value: object, pointer: str) -> Overrides:
        values: dict[str, Any] = {}
        for key, member, place in self._members(value, pointer):
            self._value(values, key, member, place, OVERRIDE_KEYS)
        return Overrides(**values)

    def _value(
        self, values: dict[str, Any], key: str, value: object, pointer: str, allowed: tuple[str, ...]
    ) -> None:
        if key not in allowed:
            self._fault(pointer, "is not a key of a policy here")
        elif key == "can_book":
            if isinstance(value, bool):
                values[key] = value
            else:
                self._fault(pointer, "must be true or false")
        elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
            values[key] = value
        else:
            self._fault(pointer, f"must be an integer from 0 to {LARGEST}")

    def _opening_hours(self, value: object, pointer: str) -> OpeningHours | None:
        if value is None:
            return None
        days: dict[str, tuple[OpenSpan, ...]] = {}
        for key, spans, place in self._members(value, pointer):
            if key in WEEKDAYS:
                days[key] = tuple(self._spans(spans, place))
            else:
                self._fault(place, f"is not a day of the week; days are {', '.join(WEEKDAYS)}")
        return tuple(days.get(day, ()) for day in WEEKDAYS)

    def _spans(self, value: object, pointer: str) -> Iterator[OpenSpan]:
        if not isinstance(value, list):
            self._fault(pointer, "must be a list of [start, end] pairs")
            return
        latest = 0
        for index, pair in enumerate(value):
            place = f"{pointer}/{index}"
            if not isinstance(pair, list) or len(pair) != 2:
                self._fault(place, "must be a pair [start, end]")
                continue
            start, end = (self._clock(each, f"{place}/{side}") for side, each in enumerate(pair))
            if start is None or end is None:
                continue
            if end <= start:
                self._fault(place, "must end after it starts; hours past midnight belong to the next day")
            elif start < latest:
                self._fault(place, "must not start before the one before it ends")
            else:
                latest = end
                yield start, end

    def _clock(self, value: object, pointer: str) -> int | None:
        match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self._fault(pointer, 'must be a local time from "00:00" to "24:00"')
            return None
        return int(match[1]) * 60 + int(match[2]) if match[1] else DAY_MINUTES


def _contradictions(
    values: Policy, tiers: Mapping[Tier, Overrides], tags: Mapping[str, Overrides]
) -> Iterator[PolicyFault]:
    """Where the minimum duration would be above the maximum, so that no booking could ever be allowed."""
    if _contradicts(values):
        yield PolicyFault("/min_duration_minutes", "must not be above max_duration_minutes")
        return
    sound = [values]
    for tier, overrides in tiers.items():
        for_tier = replace(values, **overrides.values())
        if _contradicts(for_tier):
            yield PolicyFault(
                _pointer("/tiers", tier.value), "puts min_duration_minutes above max_duration_minutes"
            )
        else:
            sound.append(for_tier)
    for tag, overrides in tags.items():
        if any(_contradicts(replace(each, **overrides.values())) for each in sound):
            yield PolicyFault(
                _pointer("/tags", tag),
                "puts min_duration_minutes above max_duration_minutes, alone or with a tier",
            )


def _contradicts(policy: Policy) -> bool:
    return policy.min_duration_minutes > policy.max_duration_minutes


def _pointer(parent: str, key: str) -> str:
    return f"{parent}/{key.replace('~', '~0').replace('/', '~1')}"
