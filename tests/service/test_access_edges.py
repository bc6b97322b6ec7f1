"""Small print of who may do what to bookings."""

import pytest

from grid_engine.interval import HOUR, MINUTE
from server.clock import ManualClock
from server.errors import Forbidden, Refused
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
