"""What an account may book, in the words of the contract, as calculated at this moment (R20)."""

from collections.abc import Sequence
from typing import Any

from grid_engine.interval import Instant
from rules.policy import (
    LocationPolicy,
    Restriction,
    RestrictionKind,
    Tier,
    denied_locations,
    is_banned,
    policy_for,
)
from server.storage.accounts import Account
from server.storage.administration import StoredRestriction
from server.storage.configuration import StoredLocation


def permissions_of(
    account: Account, location: StoredLocation | None, kept: Sequence[StoredRestriction], now: Instant
) -> dict[str, Any]:
    """``can_book, max_advance_days, max_concurrent_bookings, denied_locations`` at a location.

    Without one they are what the defaults of a policy give. ``kept`` are the account's restrictions that were not lifted.
    """
    restrictions = [
        Restriction(kind=RestrictionKind(each.restriction_type), value=each.value, expires_at=each.expires_at)
        for each in kept
    ]
    policy = policy_for(
        LocationPolicy() if location is None else LocationPolicy.from_json(location.policy),
        Tier(account.membership_tier) if account.membership_tier else None,
        account.tags,
        restrictions,
        now,
    )
    denied = denied_locations(restrictions, now)
    may_book = policy.can_book and not is_banned(restrictions, now)
    return {
        "can_book": may_book and (location is None or location.id not in denied),
        "max_advance_days": policy.advance_days,
        "max_concurrent_bookings": policy.concurrent_limit,
        "denied_locations": sorted(denied),
    }
