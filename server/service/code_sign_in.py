"""Signing in, signing up, and setting a new password, by a code that is sent to an address.

Belongs here: what a code is good for. Does not belong here: the code itself (``codes``), or sessions (``identity``).

Whoever asks for a code is told the same whether anybody has the address, and the same is done: a code is made, kept and a
message written. Only the message tells, to whoever reads it, why a code would be of no use to them (A7).

By code alone only customers sign in. Messages lie in an outbox where admins read them, and phone numbers are passed on: to
enter somebody's session in silence must not be worth it. Staff, operators and admins set a new password by a code to their
email address instead, which ends their sessions, so that they notice.
"""

from collections.abc import Callable

from server.clock import Clock
from server.errors import Duplicate, Unauthenticated, Unavailable
from server.service.addresses import Address, take_address
from server.service.administration.users import new_account
from server.service.codes import WRONG, Codes, Proof, Purpose
from server.service.identity import Identity, SignedIn
from server.service.notifications.outbox import Deliverer
from server.service.notifications.wording import NoCode, Wording, code_message, no_code_message
from server.service.passwords import Passwords
from server.service.views import audited_account
from server.storage.accounts import Account, end_all_families
from server.storage.addresses import lock_holder, read_holder
from server.storage.administration import audit, insert_account, read_account, update_password
from server.storage.database import Connection, Database
from server.storage.notifications import Message

_ATTEMPTS = 3
"""An account may come to have the address while another is being opened for it."""


class CodeSignIn:
    """The use cases of codes; one per process. ``forget`` is told of accounts whose tokens have ended."""

    def __init__(
        self,
        *,
        database: Database,
        identity: Identity,
        codes: Codes,
        passwords: Passwords,
        deliverer: Deliverer,
        forget: Callable[[int], None],
        clock: Clock,
    ) -> None:
        self._database = database
        self._identity = identity
        self._codes = codes
        self._passwords = passwords
        self._deliverer = deliverer
        self._forget = forget
        self._clock = clock

    async def send_code(self, purpose: Purpose, address: Address) -> None:
        """Sends the address a code, or the reason why there is none."""
        new = await self._codes.new()
        now = self._clock.now()
        async with self._database.transaction() as connection:
            account = await read_holder(connection, address.field, address.text)
            reason = _no_code(purpose, address, account)
            wording = no_code_message(reason) if reason else code_message(purpose, new.code)
            await self._codes.keep(connection, purpose, address, new, now)
            await self._deliverer.take(connection, [_message(purpose, address, account, wording)], now)

    async def sign_in(self, address: Address, code: str) -> SignedIn:
        """A new session for whoever reads the address; the first time, an account is opened for them.

        Raises:
            Unauthenticated: if the code is wrong, or the account is closed or not a customer's.
        """
        proof = await self._codes.check("sign_in", address, code)
        account = await self._account_of(proof)
        if account is None:
            raise Unauthenticated(WRONG)
        try:
            return await self._identity.begin(account)
        except Unauthenticated:
            raise Unauthenticated(WRONG) from None

    async def reset(self, address: Address, code: str, password: str) -> SignedIn:
        """The account's new password, and a new session in place of all others.

        Raises:
            Unauthenticated: if the code is wrong, or the account is closed.
        """
        proof = await self._codes.check("reset", address, code)
        kept = await self._passwords.hash(password)
        async with self._database.transaction() as connection:
            await proof.spend(connection)
            account = await lock_holder(connection, address.field, address.text)
            if account is None or _no_code("reset", address, account):
                raise Unauthenticated(WRONG)
            now = self._clock.now_precise()
            await update_password(connection, account.id, kept)
            await end_all_families(connection, account.id, now)
            await audit(
                connection,
                "user",
                account.id,
                "updated",
                actor_id=account.id,
                before=audited_account(account),
                after=audited_account(account, password="changed"),  # noqa: S106  # no secret
                now=int(now),
                cause="code",
            )
        self._forget(account.id)
        return await self._identity.begin(account, proven_as_of=now)

    async def _account_of(self, proof: Proof) -> Account | None:
        """The proven address's account, opened where there is none; None if it may not be used. The code is spent."""
        for _ in range(_ATTEMPTS):
            try:
                async with self._database.transaction() as connection:
                    await proof.spend(connection)
                    holder = await lock_holder(connection, proof.address.field, proof.address.text)
                    if holder is not None and proof.address.is_claimed_by(holder):
                        await take_address(connection, proof.address, holder, by=None, now=self._clock.now())
                        holder = None
                    if holder is None:
                        return await self._open(connection, proof.address)
                    return None if _no_code("sign_in", proof.address, holder) else holder
            except Duplicate:
                continue
        raise Unavailable("Somebody else is using this address at this moment")

    async def _open(self, connection: Connection, address: Address) -> Account:
        now = self._clock.now()
        wanted = new_account(
            name=address.name(),
            email=address.text if address.field == "email" else None,
            phone=address.text if address.field == "phone" else None,
        )
        user_id = await insert_account(connection, wanted, None, now)
        opened = await read_account(connection, user_id)
        if opened is None:
            raise LookupError(user_id)
        await audit(
            connection,
            "user",
            user_id,
            "created",
            actor_id=user_id,
            before=None,
            after=audited_account(opened),
            now=now,
            cause="code",
        )
        return opened


def _no_code(purpose: Purpose, address: Address, account: Account | None) -> NoCode | None:
    """Why a code would be of no use to whoever reads the address; None if it is of use."""
    if account is None or address.is_claimed_by(account):
        return "no_account" if purpose == "reset" else None
    if not address.is_proven_of(account):
        return "another_address"
    if not account.active:
        return "closed"
    return "password_only" if purpose == "sign_in" and account.role != "customer" else None


def _message(purpose: Purpose, address: Address, account: Account | None, wording: Wording) -> Message:
    return Message(
        kind=f"{purpose}_code",
        channel=address.channel,
        recipient=address.text,
        subject=wording.subject if address.channel == "email" else None,
        body=wording.body,
        user_id=account.id if account is not None and address.is_proven_of(account) else None,
    )
