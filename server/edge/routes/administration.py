"""All endpoints by which a Baygrid is set up, on the use cases that they share."""

from collections.abc import Callable, Iterable

from server.clock import Clock
from server.edge.endpoint import Endpoint
from server.edge.routes.me import me_endpoints
from server.edge.routes.users import user_endpoints
from server.edge.routes.venues import venue_endpoints
from server.edge.routes.venues_administration import venue_administration_endpoints
from server.service.administration.blackouts import Blackouts
from server.service.administration.configuration import Announce, Configuration
from server.service.administration.locations import Locations
from server.service.administration.resources import Resources
from server.service.administration.restrictions import Restrictions
from server.service.administration.users import Users
from server.service.codes import Codes
from server.service.passwords import Passwords
from server.service.rate_limits import RateLimits
from server.storage.database import Database
from server.storage.location_state import LocationState


def administration_endpoints(
    database: Database,
    clock: Clock,
    passwords: Passwords,
    announce: Announce,
    *,
    codes: Codes,
    limits: RateLimits,
    forget: Callable[[int], None],
    replicas: Callable[[], Iterable[LocationState]] = tuple,
) -> list[Endpoint]:
    """Locations, resources, blackouts, accounts, restrictions, and the caller's own account.

    ``announce`` is awaited for each location that was changed, after the commit; ``forget`` is told of accounts whose
    tokens may be worth something else (``Identity.forget``); ``replicas`` gives the locations that this node holds, from
    which locations and resources are listed while Postgres is away (P2).
    """
    configuration = Configuration(database, clock, announce)
    locations = Locations(configuration, replicas)
    resources = Resources(configuration, locations)
    blackouts = Blackouts(configuration, locations)
    users = Users(configuration, locations, passwords, forget)
    return [
        *me_endpoints(users, codes, limits),
        *venue_endpoints(locations, resources, blackouts),
        *venue_administration_endpoints(locations, resources, blackouts),
        *user_endpoints(users, Restrictions(database, clock)),
    ]
