"""The first start: accounts, venues, a blackout and a restriction, as an admin would have made them a month ago.

Belongs here: what is made once. Does not belong here: bookings (``planning``).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from random import Random
from typing import Any

from grid_engine.calendar_day import calendar_day, day_of
from grid_engine.interval import DAY, HOUR, Instant
from rules.policy import LocationPolicy
from server.demo.blueprint import ADMIN, OPERATOR, SOUTHBANK, VENUES, Venue, Worker
from server.demo.people import Person
from server.demo.writing import (
    write_accounts,
    write_created,
    write_resources,
    write_version,
    write_workplaces,
)
from server.service.identifiers import new_epoch
from server.storage.administration import StoredRestriction, insert_restriction
from server.storage.configuration import StoredBlackout, StoredLocation, insert_blackout, insert_location
from server.storage.database import Connection

MONTH = 30 * DAY
"""The venues are said to have been founded so long ago; nothing is booked before."""


async def found_accounts(connection: Connection, people: Sequence[Person], now: Instant) -> dict[str, int]:
    """Everybody's account, made in the months before; ids by address.

    Raises:
        Duplicate: if somebody has one of the addresses or phones.
    """
    random = Random("baygrid demo accounts")  # noqa: S311  # the same days every time is the point
    founded = now - MONTH
    workers = [ADMIN, OPERATOR, *(worker for venue in VENUES for worker in venue.staff)]
    made = [(_worker(worker), founded - DAY) for worker in workers]
    made += [(_customer(person), founded - random.randrange(300 * DAY)) for person in people]
    ids = await write_accounts(
        connection,
        [account | {"created_at": dt.datetime.fromtimestamp(at, dt.UTC).isoformat()} for account, at in made],
    )
    audited = [
        (ids[account["email"]], account | {"password": "set", "language": "en", "active": True}, at)
        for account, at in made
    ]
    await write_created(connection, "user", ids[ADMIN.email], audited)
    return ids


async def found_venue(connection: Connection, venue: Venue, ids: dict[str, int], now: Instant) -> int:
    """The venue with its bays and staff, as so many changes of its configuration; gives the location's id."""
    founded = now - MONTH
    admin = ids[ADMIN.email]
    location = StoredLocation(
        id=0,
        name=venue.name,
        timezone=venue.timezone,
        slot_minutes=venue.slot_minutes,
        policy=LocationPolicy.from_json(venue.policy).to_json(),
        active=True,
        version=0,
    )
    location_id = await insert_location(connection, location, new_epoch(), founded)
    kept = {name: value for name, value in asdict(location).items() if name not in ("id", "version")}
    await write_created(connection, "location", admin, [(location_id, kept, founded)])

    bays = await write_resources(connection, location_id, venue.bays)
    resources: list[tuple[int, dict[str, Any], Instant]] = [
        (
            id_,
            {"id": id_, "location_id": location_id, "name": name, "position": position, "active": True},
            founded,
        )
        for position, (id_, name) in enumerate(zip(bays, venue.bays, strict=True))
    ]
    await write_created(connection, "resource", admin, resources)
    await write_workplaces(connection, location_id, [ids[worker.email] for worker in venue.staff])

    version = len(bays)
    if venue is SOUTHBANK:
        await _close_for_a_morning(connection, location_id, venue, admin, now)
        version += 1
    await write_version(connection, location_id, version, founded, configured=True)
    return location_id


async def ban_somebody(
    connection: Connection, people: Sequence[Person], ids: dict[str, int], now: Instant
) -> None:
    """A booking ban for one of the customers."""
    banned_at = now - DAY
    restriction = StoredRestriction(
        id=0,
        user_id=ids[people[-1].email],
        restriction_type="BOOKING_BAN",
        value=None,
        expires_at=now + 14 * DAY,
        reason="Did not come three times in a month",
        created_by=ids[ADMIN.email],
        created_at=banned_at,
    )
    id_ = await insert_restriction(connection, restriction)
    await write_created(
        connection, "restriction", ids[ADMIN.email], [(id_, asdict(restriction) | {"id": id_}, banned_at)]
    )


async def _close_for_a_morning(
    connection: Connection, location_id: int, venue: Venue, admin: int, now: Instant
) -> None:
    date = day_of(now, venue.timezone) + dt.timedelta(days=3)
    midnight = calendar_day(date, venue.timezone, venue.slot_minutes).start
    blackout = StoredBlackout(
        id=0,
        location_id=location_id,
        resource_ids=None,
        start_time=midnight + 8 * HOUR,
        end_time=midnight + 11 * HOUR,
        reason="Fire alarm test",
    )
    id_ = await insert_blackout(connection, blackout)
    await write_created(connection, "blackout", admin, [(id_, asdict(blackout) | {"id": id_}, now - MONTH)])


def _worker(worker: Worker) -> dict[str, Any]:
    return asdict(worker) | {"tags": [], "membership_tier": None, "sms_consent": False}


def _customer(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "role": "customer",
        "tags": list(person.tags),
        "membership_tier": person.tier,
        "sms_consent": person.sms_consent,
    }
