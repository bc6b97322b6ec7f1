"""Small print of who may do what to bookings."""

from typing import Any

import asyncpg
import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.commands import Operation
from server.errors import Forbidden, NotFound, Refused
from server.live.desk import Answer, Done
from tests.service.conftest import Node
from tests.service.test_booking import START, book, command, span
from tests.venues import Town


async def test_a4_customers_write_no_internal_notes(node: Node, town: Town) -> None:
    venue, ann = await town.venue(), await town.person("Ann")
    with pytest.raises(Forbidden):
        await book(node, ann, venue.bays[0], internal_note="sneaky")


async def test_a2_a_banned_owner_does_not_check_in(node: Node, town: Town, clock: ManualClock) -> None:
    venue, ann = await town.venue(), await town.person("Ann")
    booking = await book(node, ann, venue.bays[0])
    await town.restrict(ann, "BOOKING_BAN")
    clock.advance(23 * HOUR + 45 * MINUTE)
    with pytest.raises(Refused) as refused:
        await node.desk.perform(ann, command("confirm", booking["id"]))
    assert refused.value.code == "booking_ban"


async def test_b1_what_an_admin_writes_on_a_block_is_the_reason_that_the_grid_shows(
    node: Node, town: Town
) -> None:
    venue, ada = await town.venue(), await town.person("Ada", "admin")
    done = await node.desk.perform(
        ada,
        command("create", resource_id=venue.bays[0], type="MAINTENANCE", note="net torn", **span(START)),
    )
    assert done.body["reason"] == "net torn"
    changed = await node.desk.perform(ada, command("update", done.body["id"], note="net mended"))
    assert changed.body["reason"] == "net mended"
    room = await node.rooms.open(venue.id)
    assert getattr(room.grid.get(done.body["id"]), "reason", None) == "net mended"


@pytest.mark.parametrize(
    ("op", "body"),
    [("cancel", {}), ("update", {"note": "mine"}), ("reschedule", span(START + HOUR)), ("confirm", {})],
)
async def test_a2_a_booking_that_was_passed_on_meanwhile_is_not_its_former_owners(
    node: Node, town: Town, clock: ManualClock, op: Operation, body: dict[str, Any]
) -> None:
    venue, ann, bob = await town.venue(), await town.person("Ann"), await town.person("Bob")
    staff = await town.person("Sam", "staff", [venue])
    booking = await book(node, ann, venue.bays[0])
    clock.advance(23 * HOUR + 45 * MINUTE)
    passed_on, too_late = list[Answer](), list[Answer]()
    other = await asyncpg.connect(town.url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM locations WHERE id = $1 FOR UPDATE", venue.id)
            give = command("update", booking["id"], user_id=bob.user_id, override_reason="asked to")
            await node.desk.execute(staff, give, passed_on.append)
            await node.desk.execute(ann, command(op, booking["id"], **body), too_late.append)
    finally:
        await other.close()
    await node.desk.idle()
    assert isinstance(passed_on[0], Done)
    assert isinstance(too_late[0], NotFound)
    [row] = await town.fetch("SELECT user_id, status, version, attended_at FROM bookings")
    assert dict(row) == {
        "user_id": bob.user_id,
        "status": "confirmed",
        "version": passed_on[0].version,
        "attended_at": None,
    }
