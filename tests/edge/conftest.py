"""The edge on a real Postgres, without rooms: sign-in, administration, documentation, operations."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from server.clock import ManualClock
from server.edge.authentication import Doorkeeper
from server.edge.endpoint import Endpoint
from server.edge.headers import SecurityHeaders
from server.edge.routes.administration import administration_endpoints
from server.edge.routes.api_keys import api_key_endpoints
from server.edge.routes.calendar_feeds import calendar_feed_endpoints
from server.edge.routes.codes import code_endpoints
from server.edge.routes.context import context_endpoints
from server.edge.routes.devices import device_endpoints
from server.edge.routes.documentation import documentation_endpoints
from server.edge.routes.operations import Check, operation_endpoints
from server.edge.routes.sign_in import sign_in_endpoints
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.service.administration.api_keys import ApiKeys
from server.service.administration.configuration import Configuration
from server.service.administration.devices import Devices
from server.service.administration.locations import Locations
from server.service.administration.users import Users, new_account
from server.service.calendar_feeds import CalendarFeeds
from server.service.code_sign_in import CodeSignIn
from server.service.codes import Codes
from server.service.context import Context
from server.service.identity import Identity
from server.service.notifications.outbox import Outbox
from server.service.passwords import Passwords
from server.service.rate_limits import RateLimits
from server.service.tokens import SigningKeys
from server.storage import Database
from server.storage.accounts import Account, Accounts
from server.storage.location_state import LocationState

PASSWORD = "correct horse battery"
CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
"""Argon2 for those who cannot wait."""


@dataclass
class Edge:
    """An app on a database of its own, and the parts a test looks into."""

    app: Starlette
    database: Database
    clock: ManualClock
    identity: Identity
    users: Users
    limits: RateLimits
    endpoints: list[Endpoint]
    announced: list[int] = field(default_factory=list)
    replicas: list[LocationState] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)

    def client(self, token: str | None = None, **options: Any) -> httpx2.AsyncClient:
        """A client from an address of its own choice, signed in by a token."""
        headers = options.pop("headers", {}) | ({} if token is None else {"authorization": f"Bearer {token}"})
        address = options.pop("address", "192.0.2.1")
        transport = httpx2.ASGITransport(self.app, client=(address, 1), raise_app_exceptions=False)
        return httpx2.AsyncClient(
            transport=transport,
            base_url=options.pop("base_url", "http://baygrid.test"),
            headers=headers,
            **options,
        )

    async def account(self, role: str, **fields: Any) -> Account:
        """A new account with ``PASSWORD``."""
        name = fields.pop("name", role.title())
        fields.setdefault("email", f"{name.lower().replace(' ', '.')}@example.com")
        return await self.users.create(None, new_account(name=name, role=role, **fields), PASSWORD)

    async def signed_in(self, role: str, **fields: Any) -> httpx2.AsyncClient:
        """A client signed in as somebody new."""
        session = await self.identity.begin(await self.account(role, **fields))
        return self.client(session.access_token)

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """Rows of a query."""
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def make_edge(database: Database, clock: ManualClock) -> AsyncIterator[Callable[..., Edge]]:
    """Makes an edge with rates and settings of one's own."""
    passwords = Passwords(**CHEAP)
    made: list[Edge] = []

    def make(
        *,
        login_rate: str = "1000/minute",
        write_rate: str = "1000/minute",
        insight_rate: str = "1000/minute",
        redis_url: str | None = None,
        allowed_origins: tuple[str, ...] = (),
        secret_keys: str | None = None,
        extra: tuple[Endpoint, ...] = (),
    ) -> Edge:
        accounts = Accounts(database)
        identity = Identity(
            accounts=accounts,
            keys=SigningKeys(accounts, clock, secret_keys),
            passwords=passwords,
            clock=clock,
        )
        limits = RateLimits(
            login_rate=login_rate, write_rate=write_rate, insight_rate=insight_rate, redis_url=redis_url
        )
        codes = Codes(database, passwords, clock)
        code_sign_in = CodeSignIn(
            database=database,
            identity=identity,
            codes=codes,
            passwords=passwords,
            deliverer=Outbox(),
            forget=identity.forget,
            clock=clock,
        )
        announced: list[int] = []
        replicas: list[LocationState] = []
        checks: dict[str, Check] = {}

        async def announce(location_id: int) -> None:
            announced.append(location_id)

        endpoints: list[Endpoint] = [
            *sign_in_endpoints(identity, limits),
            *code_endpoints(code_sign_in, limits),
            *administration_endpoints(
                database,
                clock,
                passwords,
                announce,
                codes=codes,
                limits=limits,
                forget=identity.forget,
                replicas=lambda: replicas,
            ),
            *context_endpoints(Context(database, clock)),
            *api_key_endpoints(ApiKeys(database, clock, partial(identity.forget, holder="api_key"))),
            *device_endpoints(Devices(database, clock, partial(identity.forget, holder="device")), limits),
            *calendar_feed_endpoints(CalendarFeeds(database, clock), limits),
            *operation_endpoints(checks),
            *extra,
        ]
        endpoints += documentation_endpoints(endpoints, version="1.2.3")
        configuration = Configuration(database, clock, announce)
        app = Starlette(
            routes=routes_of(endpoints, Doorkeeper(identity, limits, allowed_origins)),
            middleware=[Middleware(SecurityHeaders)],
            exception_handlers=EXCEPTION_HANDLERS,
        )
        made.append(
            Edge(
                app=app,
                database=database,
                clock=clock,
                identity=identity,
                users=Users(configuration, Locations(configuration), passwords, identity.forget),
                limits=limits,
                endpoints=endpoints,
                announced=announced,
                replicas=replicas,
                checks=checks,
            )
        )
        return made[-1]

    yield make
    for edge in made:
        await edge.limits.close()
    passwords.close()


@pytest.fixture
def edge(make_edge: Callable[..., Edge]) -> Edge:
    """An edge with generous rates."""
    return make_edge()
