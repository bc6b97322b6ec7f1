"""What has to be done once a backup is restored (G6).

A restored database has gone back in time, while nodes and screens hold versions that it does not have. The epoch tells the
streams of versions apart: with a new one, whatever anybody holds is taken afresh.
"""

from server.clock import Clock
from server.service.identifiers import new_epoch
from server.storage import Database
from server.storage.restoring import lock_all_locations, write_epochs


async def renew_epochs(database: Database, clock: Clock) -> int:
    """Gives every location a new epoch, in one transaction, and tells how many there are. Nodes that run notice within a
    second.

    Raises:
        Unavailable: if Postgres is away.
    """
    async with database.transaction() as connection:
        epochs = {location_id: new_epoch() for location_id in await lock_all_locations(connection)}
        await write_epochs(connection, epochs, clock.now())
    return len(epochs)
