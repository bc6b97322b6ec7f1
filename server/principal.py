"""Who is asking: the one value that every door makes of a token and every decision is made from."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from grid_engine.interval import Instant
from rules.model import Role

AccountRole: TypeAlias = Literal["admin", "operator", "staff", "customer", "kiosk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A signed-in account or a paired kiosk.

    ``user_id`` is None for a kiosk; ``location_ids`` are where a staff member works or the kiosk stands. ``session_id``
    names the token family or the device, so that it can be revoked (A5). ``expires_at`` is the instant at which the token is
    refused, tolerance included, so that open sockets end with it; it is no part of who somebody is.
    """

    user_id: int | None
    role: AccountRole
    location_ids: frozenset[int] = frozenset()
    name: str = ""
    session_id: str = ""
    expires_at: Instant | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """The name under which idempotency keys and rate limits are kept."""
        return f"user:{self.user_id}" if self.user_id is not None else f"device:{self.session_id}"

    def role_at(self, location_id: int) -> Role:
        """What the account is at a location: staff of others are customers there (A1)."""
        if self.role == "admin":
            return Role.ADMIN
        if self.role == "operator":
            return Role.OPERATOR
        if self.role == "staff" and location_id in self.location_ids:
            return Role.STAFF
        return Role.CUSTOMER

    def sees_records_of(self, location_id: int) -> bool:
        """Whether the location's grid is shown whole rather than as busy time (A1, A4)."""
        return self.role_at(location_id) is not Role.CUSTOMER
