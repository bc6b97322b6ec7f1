"""Which location a resource belongs to: asked for every command, and for good."""

from server.errors import NotFound
from server.live.rooms import Rooms
from server.storage.locations import Locations


class Directory:
    """Remembers every resource that was ever asked for; there are no more than there are bays."""

    def __init__(self, rooms: Rooms, locations: Locations) -> None:
        self._rooms = rooms
        self._locations = locations
        self._location_by_resource: dict[int, int] = {}

    async def location_of(self, resource_id: int) -> int:
        """The resource's location.

        Raises:
            NotFound: if there is no such resource.
            Unavailable: if it was not asked for before and Postgres is away.
        """
        known = self._location_by_resource.get(resource_id)
        if known is None:
            # What is in memory needs no Postgres, which may be away (P2).
            here = (state.id for state in self._rooms.states() if resource_id in state.resource_by_id)
            known = next(here, None) or await self._locations.location_of_resource(resource_id)
            if known is None:
                raise NotFound
            self._location_by_resource[resource_id] = known
        return known
