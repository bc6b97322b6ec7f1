"""G6: a restored backup gets a new epoch, and whoever holds what came after it lets go of that."""

from server.clock import ManualClock
from tests.running_node import running_node
from tests.test_command_line import run
from tests.venues import Town


async def test_g6_a_restored_backup_gets_a_new_epoch_by_one_command_and_screens_start_afresh(
    database_url: str, clock: ManualClock
) -> None:
    town = Town(database_url)
    venue, other = await town.venue(), await town.venue()
    sam = await town.person("Sam", "staff", [venue])
    async with running_node(database_url, clock) as node, node.socket(sam) as client:
        before = await client.subscribe(venue.id, "2027-06-02")
        status, out, _ = await run("new-epoch", BAYGRID_DATABASE_URL=database_url)
        assert (status, out) == (0, "2 locations have a new epoch: nodes and screens take them afresh\n")
        assert (await client.next_of("resync"))["location"] == venue.id
        after = await client.subscribe(
            venue.id, "2027-06-02", since={"epoch": before["epoch"], "version": before["version"]}
        )
        assert after["t"] == "snapshot"
        assert after["epoch"] != before["epoch"]
    rows = await town.fetch("SELECT id, epoch FROM locations ORDER BY id")
    assert [row["id"] for row in rows] == [venue.id, other.id]
    assert len({row["epoch"] for row in rows} | {"epoch-1"}) == 3
    events = await town.fetch("SELECT event_type, metadata FROM audit_events")
    assert [(event["event_type"], event["metadata"]["cause"]) for event in events] == [
        ("new_epoch", "restore")
    ] * 2
