"""The composition root: what a node is made of, and the order in which it starts and stops.

Belongs here: construction and wiring. Does not belong here: any behaviour; nothing imports this but what hosts a node.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from server.bus.memory import MemoryBus
from server.bus.port import Bus
from server.bus.redis import RedisBus
from server.clock import Clock
from server.edge.authentication import Doorkeeper
from server.edge.endpoint import Endpoint
from server.edge.headers import SecurityHeaders
from server.edge.pages import page_routes
from server.edge.problems import describe
from server.edge.routes.administration import administration_endpoints
from server.edge.routes.analytics import analytics_endpoints
from server.edge.routes.api_keys import api_key_endpoints
from server.edge.routes.availability import availability_endpoints
from server.edge.routes.blocks import block_endpoints
from server.edge.routes.bookings import booking_endpoints
from server.edge.routes.bulk import bulk_endpoints
from server.edge.routes.calendar_feeds import calendar_feed_endpoints
from server.edge.routes.check_in import check_in_endpoints
from server.edge.routes.codes import code_endpoints
from server.edge.routes.context import context_endpoints
from server.edge.routes.devices import device_endpoints
from server.edge.routes.documentation import documentation_endpoints
from server.edge.routes.grid import grid_endpoints
from server.edge.routes.hubspot import hubspot_endpoints
from server.edge.routes.insights import insight_endpoints
from server.edge.routes.notifications import notification_endpoints
from server.edge.routes.operations import operation_endpoints
from server.edge.routes.patterns import pattern_endpoints
from server.edge.routes.sign_in import sign_in_endpoints
from server.edge.routes.simulation import simulation_endpoints
from server.edge.routes.twilio import twilio_endpoints
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.edge.signatures import HubSpotSignature, TwilioSignature
from server.edge.websocket import WebSocketEndpoint
from server.integrations.claude import Claude
from server.live.connections import Connections
from server.live.rooms import Rooms
from server.principal import HolderKind
from server.service.administration.api_keys import ApiKeys
from server.service.administration.configuration import Configuration
from server.service.administration.devices import Devices
from server.service.administration.locations import Locations as ConfiguredLocations
from server.service.administration.users import Users
from server.service.analytics.reports import Reports
from server.service.analytics.rolling import keep_rolled_up
from server.service.announcing import announce
from server.service.block_desk import BlockDesk
from server.service.bulk_desk import BulkDesk
from server.service.calendar_feeds import CalendarFeeds
from server.service.code_sign_in import CodeSignIn
from server.service.codes import Codes
from server.service.context import Context
from server.service.customer_cache import CustomerCache
from server.service.desk import BookingDesk
from server.service.hubspot.contacts import Contacts
from server.service.identity import Identity
from server.service.insights.insights import Insights
from server.service.learning import Learning
from server.service.limited_desk import LimitedDesk
from server.service.notifications.callbacks import Callbacks
from server.service.notifications.messages import Messages
from server.service.notifications.outbox import Outbox
from server.service.passwords import Passwords
from server.service.rate_limits import RateLimits
from server.service.reading import Reading
from server.service.refusals import RefusalLog
from server.service.simulation import Simulation
from server.service.tokens import SigningKeys
from server.service.upkeep import keep_up
from server.settings import Settings
from server.storage import Database
from server.storage.accounts import Accounts
from server.storage.locations import Locations

VERSION = version("baygrid")

log = structlog.get_logger(__name__)


class Node:
    """One process's share of Baygrid; many nodes share a Postgres and, through Redis, what was committed."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """``settings.database_url`` must be set, and the database migrated.

        Raises:
            ValueError: if it is not set.
        """
        if settings.database_url is None:
            raise ValueError("a node needs a database URL")
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=settings.database_pool_size)
        self.bus: Bus = RedisBus(settings.redis_url) if settings.redis_url else MemoryBus()
        self.locations = Locations(self.database, clock)
        self.rooms = Rooms(store=self.locations, bus=self.bus, clock=clock)
        self.customers = CustomerCache(self.database, clock)
        self.refusals = RefusalLog(self.database, clock)
        outbox = Outbox()
        self.desk = BookingDesk(
            rooms=self.rooms,
            database=self.database,
            clock=clock,
            customers=self.customers,
            refusals=self.refusals,
            describe=describe,
            deliverer=outbox,
        )
        self.reading = Reading(
            rooms=self.rooms, database=self.database, clock=clock, customers=self.customers
        )
        self.accounts = Accounts(self.database)
        secret_keys = settings.secret_keys.get_secret_value() if settings.secret_keys else None
        self.passwords = Passwords()
        self.identity = Identity(
            accounts=self.accounts,
            keys=SigningKeys(self.accounts, clock, secret_keys),
            passwords=self.passwords,
            clock=clock,
            mode=settings.mode,
        )
        self.limits = RateLimits(
            login_rate=settings.login_rate,
            write_rate=settings.write_rate,
            insight_rate=settings.insight_rate,
            redis_url=settings.redis_url,
        )
        self.messages = Messages(self.database, outbox, clock)
        self.codes = Codes(self.database, self.passwords, clock)
        self.code_sign_in = CodeSignIn(
            database=self.database,
            identity=self.identity,
            codes=self.codes,
            passwords=self.passwords,
            deliverer=outbox,
            forget=self.account_changed,
            clock=clock,
        )
        self.claude = _claude(settings)
        self.connections = Connections(
            rooms=self.rooms,
            desk=LimitedDesk(self.desk, self.limits),
            identity=self.identity,
            clock=clock,
            bus=self.bus,
            per_account=settings.sockets_per_account,
            per_address=settings.sockets_per_address,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The node at work; on leaving it finishes the commands under way and lets go of everything."""
        async with AsyncExitStack() as stack:
            await self.database.open()
            stack.push_async_callback(self.database.close)
            stack.callback(self.passwords.close)
            stack.push_async_callback(self.limits.close)
            if self.claude is not None:
                stack.push_async_callback(self.claude.close)
            for work in (
                self.rooms.run(),
                self.identity.run(),
                self.connections.run(),
                self.refusals.run(),
                keep_up(self.desk, self.database, self.clock),
                keep_rolled_up(self.database, self.clock),
            ):
                task = asyncio.create_task(work)
                task.add_done_callback(_end_with)
                stack.push_async_callback(_ended, task)
            stack.push_async_callback(self.refusals.write)
            stack.push_async_callback(self.desk.idle)
            stack.push_async_callback(self.connections.finish)
            yield

    def account_changed(self, holder_id: int, holder: HolderKind = "user") -> None:
        """Has an account or a device looked up afresh, and its open sockets too, on all nodes (A5)."""
        self.identity.forget(holder_id, holder)
        self.connections.accounts_changed()

    async def postgres_answers(self) -> str | None:
        """For readiness: None if it does, else what is the matter."""
        async with self.database.connection() as connection:
            await connection.execute("SELECT 1")
        return None

    async def replicas_fresh(self) -> str | None:
        """For readiness: None if what this node holds is at Postgres's versions, as of the last second's comparison."""
        return "they may be out of date" if self.rooms.stale else None

    async def bus_connected(self) -> str | None:
        """For readiness: None if this node hears the others."""
        return None if self.rooms.bus_connected else "not connected: changes of other nodes come by polling"


def _end_with(task: asyncio.Task[None]) -> None:
    """A node without one of its tasks looks well and is not: it ends, to be started again by whoever keeps it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("A task of the node died", task=task.get_name(), exc_info=error)
        signal.raise_signal(signal.SIGTERM)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _claude(settings: Settings) -> Claude | None:
    if settings.anthropic_api_key is None:
        return None
    return Claude(
        settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url,
        model=settings.anthropic_model,
        seconds=settings.anthropic_seconds,
    )


def callback_endpoints(node: Node) -> list[Endpoint]:
    """The doors for providers, each checked by what it signs."""
    settings = node.settings
    configuration = Configuration(node.database, node.clock, partial(announce, node.rooms))
    users = Users(configuration, ConfiguredLocations(configuration), node.passwords, node.account_changed)
    return [
        *hubspot_endpoints(
            Contacts(node.database, users),
            HubSpotSignature(settings.hubspot_client_secret, node.clock, settings.public_url),
            tags_property=settings.hubspot_tags_property,
            tier_property=settings.hubspot_tier_property,
        ),
        *twilio_endpoints(
            Callbacks(node.database, node.clock),
            TwilioSignature(settings.twilio_auth_token, settings.public_url),
        ),
    ]


def create_app(node: Node) -> Starlette:
    """The node's doors. Serve it by ``hosting``: its WebSocket needs a protocol of our own."""
    settings = node.settings
    door = Doorkeeper(node.identity, node.limits, settings.allowed_origins)
    endpoints = [
        *callback_endpoints(node),
        *insight_endpoints(Insights(node.database, node.clock, node.claude, node.limits)),
        *sign_in_endpoints(node.identity, node.limits),
        *code_endpoints(node.code_sign_in, node.limits),
        *booking_endpoints(node.desk, node.reading),
        *check_in_endpoints(node.desk, node.limits),
        *block_endpoints(BlockDesk(node.desk, node.rooms, node.database)),
        *bulk_endpoints(BulkDesk(node.desk, node.database)),
        *availability_endpoints(node.reading),
        *pattern_endpoints(Learning(node.database, node.clock)),
        *simulation_endpoints(Simulation(node.database)),
        *grid_endpoints(node.rooms, node.locations),
        *administration_endpoints(
            node.database,
            node.clock,
            node.passwords,
            partial(announce, node.rooms),
            codes=node.codes,
            limits=node.limits,
            forget=node.account_changed,
            replicas=node.rooms.states,
        ),
        *context_endpoints(Context(node.database, node.clock)),
        *api_key_endpoints(
            ApiKeys(node.database, node.clock, partial(node.account_changed, holder="api_key"))
        ),
        *analytics_endpoints(Reports(node.database)),
        *device_endpoints(
            Devices(node.database, node.clock, partial(node.account_changed, holder="device")), node.limits
        ),
        *calendar_feed_endpoints(
            CalendarFeeds(node.database, node.clock, settings.mode), node.limits, settings.public_url
        ),
        *notification_endpoints(node.messages),
        *operation_endpoints(
            {"postgres": node.postgres_answers, "replicas": node.replicas_fresh},
            told={"bus": node.bus_connected},
        ),
    ]
    endpoints += documentation_endpoints(endpoints, version=VERSION)
    websocket = WebSocketEndpoint(node.connections, allowed_origins=settings.allowed_origins)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with node.running():
            yield

    return Starlette(
        routes=[
            WebSocketRoute("/ws", websocket),
            *routes_of(endpoints, door),
            *page_routes(),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
