"""Ids and codes for demo data: the same ones for the same seed, so not to be kept secret.

Belongs here: their making. Does not belong here: those of real bookings (``server.service.identifiers``).
"""

import base64
import uuid
from random import Random

from grid_engine.interval import Instant
from server.service.identifiers import CODE_ALPHABET, CODE_LENGTH, GRID_ID_BYTES


def booking_id(random: Random, instant: Instant) -> str:
    """A UUID of version 7 (RFC 9562), as if made then."""
    milliseconds = instant * 1000 + random.randrange(1000)
    value = (
        milliseconds << 80 | 0x7 << 76 | random.getrandbits(12) << 64 | 0b10 << 62 | random.getrandbits(62)
    )
    return str(uuid.UUID(int=value))


def grid_id(random: Random) -> str:
    """The id under which a record is shown to those who may not know its booking (A4)."""
    return base64.urlsafe_b64encode(random.randbytes(GRID_ID_BYTES)).rstrip(b"=").decode()


def code(random: Random, taken: set[str]) -> str:
    """A code that is not taken yet, and now is."""
    while (found := "".join(random.choices(CODE_ALPHABET, k=CODE_LENGTH))) in taken:
        pass
    taken.add(found)
    return found
