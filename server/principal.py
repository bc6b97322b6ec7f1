"""Who is asking: the one value that every door makes of a token and every decision is made from."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from grid_engine.interval import Instant
from rules.model import Role

AccountRole: TypeAlias = Literal["admin", "operator", "staff", "customer", "kiosk"]
HolderKind: TypeAlias = Literal["user", "device", "api_key"]
"""What a token can belong to."""


@dataclass(frozen=True, slots=True, order=True)
class Credential:
    """What somebody shows at a door, as it is looked up.

    ``name`` is the id of a user's token family, or the hash (in hex) of a device's token or of an API key.
    """

    holder: HolderKind
    name: str


class Mode(StrEnum):
    """How much of Baygrid is switched on; each mode includes those before it. ``service.access`` says what is in which."""

    CONTEXT = "context"
    """Support context, and setting up."""
    VIEW = "view"
    """The grid, to be looked at."""
    OPERATE = "operate"
    """Changes of the bookings that there are: cancel, reschedule, confirm."""
    FULL = "full"

    def includes(self, other: "Mode") -> bool:
        """Whether all of the other is switched on with this one."""
        order = list(Mode)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A signed-in account, a paired kiosk or an API key; the last two have an id of their own in place of a ``user_id``.

    ``location_ids`` are where a staff member works or the kiosk stands, and what an API key is limited to, if to any.
    ``scopes`` are what an API key may do of what its role may; None is all. ``session_id`` is the name of the credential, so
    that it can be revoked (A5). ``expires_at`` is the instant at which the token is refused, tolerance included, so that
    open sockets end with it; it is no part of who somebody is. ``mode`` is how much the server that let them in has
    switched on; whoever makes a principal hands it on.
    """

    user_id: int | None
    role: AccountRole
    location_ids: frozenset[int] = frozenset()
    name: str = ""
    session_id: str = ""
    device_id: int | None = None
    api_key_id: int | None = None
    scopes: frozenset[str] | None = None
    expires_at: Instant | None = field(default=None, compare=False)
    mode: Mode = Mode.FULL

    @property
    def holder(self) -> HolderKind:
        """Whether it is a person, a device or an API key."""
        if self.device_id is not None:
            return "device"
        return "user" if self.api_key_id is None else "api_key"

    @property
    def credential(self) -> Credential:
        """What it was let in by."""
        return Credential(self.holder, self.session_id)

    @property
    def key(self) -> str:
        """The name under which idempotency keys and rate limits are kept."""
        ids = {"user": self.user_id, "device": self.device_id, "api_key": self.api_key_id}
        return f"{self.holder}:{ids[self.holder]}"

    @property
    def cause(self) -> str:
        """What the audit says of why something was done: a person gave a command, or which device or key did (A8)."""
        return "command" if self.holder == "user" else self.key

    @property
    def is_confined(self) -> bool:
        """Whether there is nothing for it but ``location_ids``: a kiosk's, or those of an API key that has any."""
        return self.role == "kiosk" or (self.api_key_id is not None and bool(self.location_ids))

    def role_at(self, location_id: int) -> Role:
        """What the account is at a location: staff of others are customers there (A1)."""
        if self.role == "admin":
            return Role.ADMIN
        if self.role == "operator":
            return Role.OPERATOR
        if self.role == "staff" and location_id in self.location_ids:
            return Role.STAFF
        return Role.CUSTOMER
