"""The policy of a location, and how the one in force for a customer is calculated from it (R20).

Belongs here: a location's policy, restrictions, and how values are replaced and tightened. Does not belong
here: judging (``checks``), and reading or writing JSON (``policy_document``).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from grid_engine.interval import Instant
from rules.policy_document import PolicyError, PolicyFault, read_policy, write_overrides, write_values
from rules.policy_values import OpeningHours, OpenSpan, Overrides, Policy, Tier, more_generous

__all__ = [
    "LocationPolicy",
    "OpenSpan",
    "OpeningHours",
    "Overrides",
    "Policy",
    "PolicyError",
    "PolicyFault",
    "Restriction",
    "RestrictionKind",
    "Tier",
    "denied_locations",
    "is_banned",
    "policy_for",
    "write_values",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationPolicy:
    """A location's own values, and what its tiers and tags set in their place; never changed once made."""

    values: Policy = field(default_factory=Policy)
    tiers: Mapping[Tier, Overrides] = field(default_factory=dict)
    tags: Mapping[str, Overrides] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: object) -> "LocationPolicy":
        """The policy that a JSON value (as ``json.loads`` gives it) describes; keys left out take the defaults.

        Raises:
            PolicyError: with every fault: unknown keys, wrong types, integers out of range, times that are no
                times, spans of a day that overlap, are out of order or end before they start, and a minimum
                duration above the maximum, at the location, for a tier or tag on top of it, or for a tag on top
                of a tier.
        """
        values, tiers, tags = read_policy(document)
        return cls(values=values, tiers=tiers, tags=tags)

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `from_json` reads as this policy; it names every key."""
        return write_values(self.values) | {
            "tiers": {tier.value: write_overrides(overrides) for tier, overrides in self.tiers.items()},
            "tags": {tag: write_overrides(overrides) for tag, overrides in self.tags.items()},
        }


class RestrictionKind(Enum):
    """What a restriction takes from a customer."""

    BOOKING_BAN = "BOOKING_BAN"
    MAX_ADVANCE_DAYS = "MAX_ADVANCE_DAYS"
    MAX_CONCURRENT = "MAX_CONCURRENT"
    DENY_LOCATION = "DENY_LOCATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """Something that a customer may not, until ``expires_at`` or, with None, until it is lifted.

    ``value`` is the limit of a MAX_…, the location's id of a DENY_LOCATION, and None of a ban.

    Raises:
        ValueError: if a kind that needs a value has none, or a ban has one.
    """

    kind: RestrictionKind
    value: int | None = None
    expires_at: Instant | None = None

    def __post_init__(self) -> None:
        if (self.value is None) is not (self.kind is RestrictionKind.BOOKING_BAN):
            raise ValueError(f"{self.kind.value} cannot have the value {self.value}")

    def in_force(self, now: Instant) -> bool:
        """Whether it has not expired; at ``expires_at`` it has."""
        return self.expires_at is None or now < self.expires_at


def policy_for(
    location_policy: LocationPolicy,
    tier: Tier | None,
    tags: Iterable[str],
    restrictions: Collection[Restriction],
    now: Instant,
) -> Policy:
    """The policy in force for a customer (R20); for a visitor it is the location's own ``values``.

    The location's values, replaced by what the tier sets, replaced by the most generous value that any of the
    tags sets (even where the tier was more generous still), and the limits tightened by restrictions in force.
    Bans and denied locations are no values: see `is_banned` and `denied_locations`. Tags and tiers unknown to
    the location change nothing.
    """
    chosen: dict[str, Any] = {}
    if tier is not None and tier in location_policy.tiers:
        chosen.update(location_policy.tiers[tier].values())
    generous: dict[str, Any] = {}
    for tag in tags:
        for key, value in location_policy.tags.get(tag, _NO_OVERRIDES).values().items():
            generous[key] = more_generous(key, generous.get(key, value), value)
    policy = replace(location_policy.values, **(chosen | generous))
    return replace(
        policy,
        advance_days=_tightened(policy.advance_days, RestrictionKind.MAX_ADVANCE_DAYS, restrictions, now),
        concurrent_limit=_tightened(
            policy.concurrent_limit, RestrictionKind.MAX_CONCURRENT, restrictions, now
        ),
    )


def is_banned(restrictions: Iterable[Restriction], now: Instant) -> bool:
    """Whether a booking ban is in force (R2)."""
    return any(each.kind is RestrictionKind.BOOKING_BAN and each.in_force(now) for each in restrictions)


def denied_locations(restrictions: Iterable[Restriction], now: Instant) -> frozenset[int]:
    """The ids of locations at which the customer may not book (R3)."""
    return frozenset(_values_in_force(RestrictionKind.DENY_LOCATION, restrictions, now))


_NO_OVERRIDES = Overrides()


def _tightened(value: int, kind: RestrictionKind, restrictions: Iterable[Restriction], now: Instant) -> int:
    return min([value, *_values_in_force(kind, restrictions, now)])


def _values_in_force(kind: RestrictionKind, restrictions: Iterable[Restriction], now: Instant) -> list[int]:
    return [
        each.value
        for each in restrictions
        if each.kind is kind and each.value is not None and each.in_force(now)
    ]
