"""What a node needs to know of a location besides its records."""

from dataclasses import dataclass
from functools import cached_property

from grid_engine.records import Blackout, Record, Resource
from rules.policy import LocationPolicy


@dataclass(frozen=True, kw_only=True)
class LocationState:
    """A location's configuration as of ``config_version``, the version of its last ``reload`` (G6).

    ``resources`` are all of them, active or not, in column order.
    """

    id: int
    name: str
    timezone: str
    slot_minutes: int
    policy: LocationPolicy
    active: bool
    config_version: int
    resources: tuple[Resource, ...] = ()
    blackouts: tuple[Blackout, ...] = ()

    @cached_property
    def active_resources(self) -> tuple[Resource, ...]:
        """The columns of the grid."""
        return tuple(resource for resource in self.resources if resource.active)

    @cached_property
    def resource_by_id(self) -> dict[int, Resource]:
        """All resources by their id."""
        return {resource.id: resource for resource in self.resources}


@dataclass(frozen=True, kw_only=True)
class LoadedLocation:
    """A location, its version and its records, all of one instant of the database."""

    state: LocationState
    epoch: str
    version: int
    records: tuple[Record, ...]
