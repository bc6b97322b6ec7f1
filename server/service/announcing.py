"""Telling this node's room and all other nodes that a location's configuration was changed."""

from server.live.rooms import Rooms


async def announce(rooms: Rooms, location_id: int) -> None:
    """Brings the room, where there is one, to the new version; other nodes hear of it, or find it within a second."""
    room = rooms.loaded(location_id)
    if room is None:
        return
    before = room.version
    await room.catch_up()
    for diff in room.since(before) or ():
        await rooms.publish(location_id, room.epoch, diff)
