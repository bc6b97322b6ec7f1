"""Ids and codes that are made here, unguessable where they must be."""

import hashlib
import secrets
import uuid

from server.clock import Clock

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0, 1, I, L, O or U: a guest reads the code out to somebody who types it."""
CODE_LENGTH = 6
BLOCK_CODE_LENGTH = 12
"""Nobody reads a block's out, and thousands are made at once: they must not use up the short ones."""
GRID_ID_BYTES = 16


def new_booking_id(clock: Clock) -> str:
    """A UUID of version 7 (RFC 9562): ordered by the millisecond it was made in, random otherwise."""
    milliseconds = int(clock.now_precise() * 1000) & (1 << 48) - 1
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def new_grid_id() -> str:
    """The id under which a record is shown to those who may not know its booking (A4)."""
    return secrets.token_urlsafe(GRID_ID_BYTES)


def new_code(length: int = CODE_LENGTH) -> str:
    """The short code of a booking or of a pairing; unique among those that count, by a constraint and not by luck."""
    number = secrets.randbelow(len(CODE_ALPHABET) ** length)  # asked once: thousands may be made at once
    drawn = []
    for _ in range(length):
        number, place = divmod(number, len(CODE_ALPHABET))
        drawn.append(CODE_ALPHABET[place])
    return "".join(drawn)


def tidied_code(text: str) -> str:
    """A code as it is kept, of one as somebody typed it or read it out: in any case, with spaces or dashes."""
    return "".join(character for character in text.upper() if not character.isspace() and character != "-")


def hash_of_code(code: str) -> bytes:
    """What is kept of a code that lets somebody in. It has too few bits to withstand whoever reads the database: it is
    good for minutes, and once.
    """
    return hashlib.sha256(code.encode()).digest()


def new_epoch() -> str:
    """The name of a new version stream (G6)."""
    return secrets.token_urlsafe(9)
