"""Locations and resources of an import: what their rows come to, their writing, and what bookings find by their names.

There are few of them, so they are kept in memory. Belongs here: that. Does not belong here: accounts and bookings.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rules.policy import LocationPolicy, PolicyError
from server.service.administration.configuration import Configuration
from server.service.identifiers import new_epoch
from server.service.importing.report import Fault, Noun, Place, Report, Row
from server.storage.administration import audit
from server.storage.configuration import (
    StoredLocation,
    StoredResource,
    booked_ahead,
    insert_location,
    insert_resource,
    list_locations,
    list_resources,
    update_location,
    update_resource,
)
from server.storage.database import Connection

CAUSE = "import"
_MOST = 1_000_000


@dataclass(slots=True)
class _Planned:
    """A row's location or resource: as it is in the database, if it is, and as it will be."""

    place: Place
    before: Any
    after: Any


@dataclass(slots=True)
class KnownLocation:
    """A location that rows can name. ``id`` is below zero until it is written."""

    state: StoredLocation
    resources: dict[str, list[StoredResource]] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.state.id


class Venues:
    """All locations and resources, as the database and the file have them together."""

    def __init__(self, report: Report, *, only_new: bool = False) -> None:
        self._report = report
        self._only_new = only_new
        self._known: dict[str, list[KnownLocation]] = {}
        self._locations: dict[str, _Planned] = {}
        self._resources: dict[tuple[str, str], _Planned] = {}
        self._next_id = -1
        self._written: dict[int, int] = {}
        """What ids below zero became."""

    async def load(self, connection: Connection) -> None:
        """Reads what there is."""
        for state in await list_locations(connection, after=None, limit=_MOST, inactive=True):
            known = KnownLocation(state)
            for resource in await list_resources(connection, state.id, inactive=True):
                known.resources.setdefault(resource.name, []).append(resource)
            self._known.setdefault(state.name, []).append(known)

    # Names

    def location(self, name: str) -> KnownLocation | str:
        """The location of that name, or what is wrong with the name."""
        found = self._known.get(name, [])
        if len(found) > 1:
            found = [each for each in found if each.state.active] or found
        if not found:
            return f"there is no location called {name!r}"
        return found[0] if len(found) == 1 else f"several locations are called {name!r}: rename all but one"

    def resource(self, location: KnownLocation, name: str) -> StoredResource | str:
        """The resource of that name there, or what is wrong with the name."""
        found = location.resources.get(name, [])
        if len(found) > 1:
            found = [each for each in found if each.active] or found
        if not found:
            return f"there is no resource called {name!r} at {location.state.name}"
        return (
            found[0]
            if len(found) == 1
            else f"several resources of {location.state.name} are called {name!r}: rename all but one"
        )

    def present_id(self, id_: int) -> int:
        """The id that a location or resource has in the database, once it is written; until then the one given."""
        return self._written.get(id_, id_)

    @property
    def new_ids(self) -> Mapping[int, int]:
        """Ids below zero, and what they became."""
        return self._written

    @property
    def names(self) -> dict[int, tuple[str, str]]:
        """Resource id → (its location's name, its own)."""
        return {
            self.present_id(resource.id): (location.state.name, resource.name)
            for found in self._known.values()
            for location in found
            for resources in location.resources.values()
            for resource in resources
        }

    # What rows come to

    async def take_location(self, connection: Connection, row: Row, now: int) -> None:
        """Notes what a row of ``locations`` comes to."""
        fields = dict(row.fields)
        name: str = fields["name"]
        if (earlier := self._locations.get(name)) is not None:
            return self._refuse(row, "name", f"{name!r} is there before, at {earlier.place}")
        if "policy" in fields:
            try:
                fields["policy"] = LocationPolicy.from_json(dict(fields["policy"])).to_json()
            except PolicyError as error:
                first, *others = error.faults
                for fault in others:
                    self._report.faults.add(
                        Fault(row.place, row.noun, f"policy{fault.pointer}", fault.message)
                    )
                return self._refuse(row, f"policy{first.pointer}", first.message)
        known = self.location(name) if name in self._known else None
        if isinstance(known, str):
            return self._refuse(row, "name", known)
        if known is None:
            if "timezone" not in fields:
                return self._refuse(row, "timezone", "is needed for a new location")
            given: dict[str, Any] = {
                "slot_minutes": 30,
                "policy": LocationPolicy().to_json(),
                "active": True,
            } | fields
            state = StoredLocation(id=self._new_id(), version=0, **given)
            self._known[name] = [KnownLocation(state)]
            self._locations[name] = _Planned(row.place, None, state)
            self._report.counts["locations"].created += 1
            return None
        before = known.state
        after = before if self._only_new else replace(before, **fields)
        if (after.timezone, after.slot_minutes) != (before.timezone, before.slot_minutes) and (
            await booked_ahead(connection, before.id, now, limit=1)
        ):
            return self._refuse(
                row,
                "timezone" if after.timezone != before.timezone else "slot_minutes",
                "does not change by an import: bookings lie ahead, at times that were chosen on the present grid",
            )
        known.state = after
        self._locations[name] = _Planned(row.place, before, after)
        self._count("locations", before, after)
        return None

    def take_resource(self, row: Row) -> None:
        """Notes what a row of ``resources`` comes to."""
        fields = dict(row.fields)
        location = self.location(fields.pop("location"))
        if isinstance(location, str):
            return self._refuse(row, "location", location)
        name: str = fields["name"]
        key = (location.state.name, name)
        if (earlier := self._resources.get(key)) is not None:
            return self._refuse(row, "name", f"{name!r} of {key[0]} is there before, at {earlier.place}")
        if name not in location.resources:
            positions = [each.position for found in location.resources.values() for each in found]
            resource = StoredResource(
                id=self._new_id(),
                location_id=location.id,
                **{"position": max(positions, default=-1) + 1, "active": True} | fields,
            )
            location.resources[name] = [resource]
            self._resources[key] = _Planned(row.place, None, resource)
            self._report.counts["resources"].created += 1
            return None
        known = self.resource(location, name)
        if isinstance(known, str):
            return self._refuse(row, "name", known)
        after = known if self._only_new else replace(known, **fields)
        location.resources[name] = [after if each is known else each for each in location.resources[name]]
        self._resources[key] = _Planned(row.place, known, after)
        self._count("resources", known, after)
        return None

    # Writing

    async def write(self, configuration: Configuration) -> None:
        """Writes what the rows come to, each location in a transaction of its own with one version (G6)."""
        for planned in self._locations.values():
            if planned.before is None:
                await self._create(configuration, planned.after)
        changed = {
            planned.after.id: planned
            for planned in self._locations.values()
            if planned.before is not None and planned.after != planned.before
        }
        resources: dict[int, list[_Planned]] = {}
        for planned in self._resources.values():
            if planned.after != planned.before:
                resources.setdefault(self.present_id(planned.after.location_id), []).append(planned)
        for location_id in sorted(changed.keys() | resources.keys()):
            async with configuration.change(location_id, None, cause=CAUSE) as change:
                if location_id in changed:
                    before, after = changed[location_id].before, changed[location_id].after
                    await update_location(change.connection, after)
                    await change.record("location", location_id, "updated", _kept(before), _kept(after))
                for planned in resources.get(location_id, []):
                    before, after = planned.before, replace(planned.after, location_id=location_id)
                    if before is None:
                        after = replace(after, id=await insert_resource(change.connection, after))
                        self._written[planned.after.id] = after.id
                    else:
                        await update_resource(change.connection, after)
                    event = "created" if before is None else "updated"
                    await change.record("resource", after.id, event, before, after)

    async def _create(self, configuration: Configuration, location: StoredLocation) -> None:
        now = configuration.clock.now()
        async with configuration.database.transaction() as connection:
            id_ = await insert_location(connection, location, new_epoch(), now)
            await audit(
                connection,
                "location",
                id_,
                "created",
                actor_id=None,
                before=None,
                after=_kept(location),
                now=now,
                cause=CAUSE,
            )
        self._written[location.id] = id_

    def _new_id(self) -> int:
        self._next_id -= 1
        return self._next_id

    def _count(self, noun: Noun, before: object, after: object) -> None:
        counts = self._report.counts[noun]
        if before == after:
            counts.unchanged += 1
        else:
            counts.changed += 1

    def _refuse(self, row: Row, field_: str, message: str) -> None:
        self._report.refuse(row.place, row.noun, field_, message)


def _kept(location: StoredLocation) -> dict[str, Any]:
    """What the audit keeps: not the id it is filed under, and not the version, which it takes after."""
    return {name: value for name, value in asdict(location).items() if name not in ("id", "version")}
