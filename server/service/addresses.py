"""Email addresses and phone numbers that people sign in by.

Belongs here: what makes two of them the same, and taking one from an account that only claimed it. Does not belong here:
what they must look like (``edge.fields``).
"""

import itertools
import re
import string
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from grid_engine.interval import Instant
from server.service.views import audited_account
from server.storage.accounts import Account
from server.storage.addresses import Field, read_claimants, release_address
from server.storage.administration import audit, lock_account, read_account
from server.storage.database import Connection
from server.storage.notifications import Channel

_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_MOST_NAME = 200
FIELDS: tuple[Field, ...] = ("email", "phone")


@dataclass(frozen=True, slots=True)
class Address:
    """An address as somebody named it."""

    field: Field
    text: str

    @property
    def channel(self) -> Channel:
        """How something is sent there."""
        return "email" if self.field == "email" else "sms"

    @property
    def key(self) -> str:
        """The same for what is the same mailbox or phone.

        Only the case of ASCII letters is ignored: Unicode folds letters together that name different mailboxes, and a code
        that was sent to one must open nothing of the other.
        """
        return self.text.translate(_SMALL)

    def is_proven_of(self, account: Account) -> bool:
        """Whether the account has this very address, and more is known of it than that its owner said so."""
        return self._is_of(account) and self._proven(account)

    def is_claimed_by(self, account: Account) -> bool:
        """Whether the account has this very address, but nobody has proven it."""
        return self._is_of(account) and not self._proven(account)

    def name(self) -> str:
        """What somebody is called of whom no more is known: ``ada.lovelace@example.com`` is Ada Lovelace."""
        if self.field == "phone":
            return f"Guest {self.text[-4:]}"
        local = self.text.partition("@")[0].partition("+")[0]
        words = [word for word in re.split(r"[._\-\s]+", local) if word]
        return " ".join(word[:1].upper() + word[1:] for word in words)[:_MOST_NAME] or "Guest"

    def _is_of(self, account: Account) -> bool:
        kept: str | None = getattr(account, self.field)
        return kept is not None and Address(self.field, kept).key == self.key

    def _proven(self, account: Account) -> bool:
        return bool(getattr(account, f"{self.field}_proven"))


async def take_claims(
    connection: Connection,
    addresses: Collection[Address],
    *,
    keeper: int | None,
    by: int | None,
    now: Instant,
) -> None:
    """Takes addresses that ``by`` knows to be somebody's from all other accounts that only claim them: ``keeper`` is whose
    they are, or None, whose account is yet to be made. Whoever has proven one keeps it.
    """
    known = {(address.field, address.key): address for address in addresses}
    emails, phones = ([address.text for address in addresses if address.field == field] for field in FIELDS)
    claimants = set(await read_claimants(connection, emails=emails, phones=phones)) - {keeper}
    if not claimants:
        return
    for id_ in sorted(claimants if keeper is None else {*claimants, keeper}):
        await lock_account(connection, id_)
    for id_, field in itertools.product(sorted(claimants), FIELDS):
        claimant = await read_account(connection, id_)
        claimed: str | None = getattr(claimant, field)
        address = known.get((field, Address(field, claimed).key)) if claimed else None
        if claimant is not None and address is not None and address.is_claimed_by(claimant):
            await take_address(connection, address, claimant, by=by, now=now)


async def take_address(
    connection: Connection, address: Address, holder: Account, *, by: int | None, now: Instant
) -> None:
    """Takes an address from the locked account that only claimed it: ``by`` has proven that it is theirs, or None, who
    is yet to be given an account.
    """
    await release_address(connection, address.field, holder.id)
    without: dict[str, Any] = {address.field: None, f"{address.field}_proven": True}
    await audit(
        connection,
        "user",
        holder.id,
        "updated",
        actor_id=by,
        before=audited_account(holder),
        after=audited_account(replace(holder, **without)),
        now=now,
        cause="proven_by_another",
    )
