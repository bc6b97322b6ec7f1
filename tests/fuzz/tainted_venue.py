"""A venue full of words that nobody else may read, and the search for them in whatever somebody receives (A4).

Belongs here: whose data it is, and which bytes would give it away. Does not belong here: who asks for it, and how.
"""

import random
import string
import struct
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.acceptance.conftest import span
from tests.fuzz.http_attempts import JUNE_2
from tests.venues import Town, Venue

LARGE_ID = 73_918_264
"""Where the ids of accounts begin: a number that does not stand anywhere by chance."""
HOUR = 3600


@dataclass
class Taints:
    """Words by what they are, drawn at random; ``found_in`` searches bytes of any encoding for them."""

    random: random.Random
    words: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def word(self, what: str) -> str:
        """A word that stands nowhere else, to be put into one field."""
        letters = "".join(self.random.choices(string.ascii_lowercase, k=14))
        return self.words.setdefault(what, f"zq{letters}")

    def phone(self, what: str) -> str:
        """A number to call that stands nowhere else."""
        return self.words.setdefault(what, "+1555" + "".join(self.random.choices(string.digits, k=9)))

    def known(self, what: str, value: str) -> None:
        """An id that somebody was given."""
        self.words.setdefault(what, value)

    def found_in(self, received: bytes) -> list[str]:
        """What of all this stands in the bytes: words in any case, numbers in digits or as msgpack packs them."""
        lowered = received.lower()
        found = [what for what, word in self.words.items() if word.lower().encode() in lowered]
        for what, number in self.numbers.items():
            if str(number).encode() in received or b"\xce" + struct.pack(">I", number) in received:
                found.append(what)
        return found


@dataclass
class TaintedVenue:
    """What was made, and the ids by which strangers will ask for it; ``named`` is by the parameter's name."""

    venue: Venue
    taints: Taints
    victim_id: int
    moving: str
    """A booking that is changed while others watch."""
    named: dict[str, list[Any]] = field(default_factory=dict)


async def tainted_venue(town: Town, venue: Venue, admin: httpx2.AsyncClient, taints: Taints) -> TaintedVenue:
    """Fills the venue by its own doors, as its admin: every field that takes words is given one."""

    async def posted(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await admin.post(path, json=body)
        assert answer.status_code in (200, 201), (path, answer.text)
        made: dict[str, Any] = answer.json()
        return made

    def booking(what: str, made: dict[str, Any]) -> str:
        taints.known(f"id of {what}", made["id"])
        taints.known(f"code of {what}", made["code"])
        return str(made["id"])

    victim = await posted(
        "/api/admin/users",
        {
            "name": f"{taints.word('first name')} {taints.word('last name')}",
            "email": f"{taints.word('address')}@example.com",
            "phone": taints.phone("phone"),
            "hubspot_id": taints.word("HubSpot id"),
            "tags": [taints.word("tag")],
            "membership_tier": "GOLD",
        },
    )
    taints.numbers["account's id"] = victim["id"]
    bays = venue.bays
    theirs = {"user_id": victim["id"]}

    def place(bay: int, hours: int, minutes: int = 60) -> dict[str, Any]:
        return {"resource_id": bays[bay], **span(JUNE_2 + hours * HOUR, minutes)}

    words = {"note": taints.word("note"), "internal_note": taints.word("internal note")}
    first = booking("a booking", await posted("/api/bookings", {**place(0, 0), **theirs, **words}))
    moving = booking("one that moves", await posted("/api/bookings", {**place(1, 0), **theirs}))
    visitor = {"name": taints.word("visitor"), "phone": taints.phone("visitor's phone")}
    walk_in = booking("a visitor's", await posted("/api/bookings", {**place(2, 0), "visitor": visitor}))
    block = booking(
        "a block",
        await posted(
            "/api/bookings", {**place(3, 0), "type": "PRIVATE_EVENT", "note": taints.word("block's reason")}
        ),
    )
    series = await posted(
        "/api/admin/bookings/block",
        {
            "location_id": venue.id,
            "resource_ids": [bays[3]],
            "type": "TRAINING",
            "reason": taints.word("series' reason"),
            "recurrence": "FREQ=DAILY;COUNT=2",
            **span(JUNE_2 + 6 * HOUR),
        },
    )
    taints.words["series' id"] = series["series_id"]
    overridden = {**place(2, 4, minutes=30), **theirs, "override_reason": taints.word("reason to override")}
    short = booking("a short one", await posted("/api/bookings", overridden))
    gone = booking("a cancelled one", await posted("/api/bookings", {**place(0, 4), **theirs}))
    cancelled = await admin.delete(
        f"/api/bookings/{gone}", params={"reason": taints.word("reason to cancel")}
    )
    assert cancelled.status_code == 200, cancelled.text
    blackout = await posted(
        "/api/admin/blackouts",
        {
            "location_id": venue.id,
            "resource_ids": [bays[0]],
            "reason": taints.word("blackout's reason"),
            **span(JUNE_2 + 30 * HOUR),
        },
    )
    restriction = await posted(
        f"/api/admin/users/{victim['id']}/restrictions",
        {"restriction_type": "MAX_ADVANCE_DAYS", "value": 10, "reason": taints.word("restriction's reason")},
    )
    return TaintedVenue(
        venue=venue,
        taints=taints,
        victim_id=victim["id"],
        moving=moving,
        named={
            "booking_id": [first, moving, walk_in, block, short, gone],
            "hold_id": [first],
            "location_id": [venue.id],
            "resource_id": list(bays[:2]),
            "user_id": [victim["id"]],
            "blackout_id": [blackout["id"]],
            "series_id": [series["series_id"]],
            "restriction_id": [restriction["id"]],
        },
    )
