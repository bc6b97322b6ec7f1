"""The document of the API, taken at its word: what it allows and what it forbids is sent to a real node.

Belongs here: which operations, how much of each, and the checks. Does not belong here: cases that somebody thought of
(``test_http_doors``). The amount is bounded: the roles share out what schemathesis would send with each of them.
"""

import itertools
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import schemathesis
from schemathesis import engine
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from server.embedded import EmbeddedPostgres
from tests.acceptance.conftest import copied_database, span
from tests.fuzz.http_attempts import JUNE_2
from tests.fuzz.node_doors import ROLES, Doors, open_doors

ANONYMOUS = "anonymous"
load_all_checks()
REFUSED_BY_RULES = ["2xx", "400", "401", "403", "404", "409", "412", "422"]
"""What may come of a request that the document allows: no schema tells of the rules, of what there is, of who asks, or that
an end comes after its start.
"""
SHARES = {"incorrect_type": 20}
"""Of so many deliberate cases of a kind one is sent; of the kinds not named here, one of ``SHARE``."""
SHARE = 3
ADMINISTRATION, EVERYTHING_ELSE, NOTHING = "^/api/admin/", "^/(?!api/admin/)", "^$"
DELIBERATE = {"customer": EVERYTHING_ELSE, "admin": ADMINISTRATION}
"""Where each role sends deliberate cases: to make them up takes longer than to send them. The rest is drawn at random."""
ENDS_THE_SESSION = "/api/auth/logout"
"""Left out: whoever signs out is told 401 by everything after. ``tests/edge`` has it."""


def configured(doors: Doors, role: str) -> SchemathesisConfig:
    """All checks on; signed in as the document says that one signs in."""
    token = doors.tokens.get(role)
    return SchemathesisConfig.from_dict(
        {
            **({} if token is None else {"auth": {"openapi": {"bearer": {"bearer": token}}}}),
            "seed": 20270601,
            "continue-on-failure": True,
            "generation": {"max-examples": 3, "deterministic": True, "no-shrink": True},
            "checks": {name: {"enabled": True} for name in CHECKS.get_all_names()}
            | {"positive_data_acceptance": {"expected-statuses": REFUSED_BY_RULES}},
            "phases": {
                "stateful": {"enabled": False},
                "coverage": {"unexpected-methods": ["put", "trace"]},
            },
            "operations": [
                {
                    "exclude-path-regex": DELIBERATE.get(role, NOTHING),
                    "phases": {"coverage": {"enabled": False}},
                },
            ],
        }
    )


def narrowed(schema: Any, doors: Doors, role: str, bookings: list[str]) -> Any:
    """Without what ends the session, what others prove to be 403, and most of what is alike."""
    schema = schema.exclude(path=ENDS_THE_SESSION)
    if role != "admin":
        schema = schema.exclude(path_regex=ADMINISTRATION)
    seen: Counter[str] = Counter()
    places = itertools.count()

    def filter_case(context: Any, case: Any) -> bool:
        path = case.path_parameters or {}
        if str(path.get("user_id")) == str(doors.user_ids.get(role, "nobody's")) and case.method in (
            "PATCH",
            "DELETE",
        ):
            return False  # whoever closes or demotes their own account is told 401 by everything after
        scenario = scenario_of(case)
        if scenario is None:
            return True
        seen[scenario.value] += 1
        return seen[scenario.value] % SHARES.get(scenario.value, SHARE) == 0

    def map_case(context: Any, case: Any) -> Any:
        """What is made up names nothing that exists: half of it is made to."""
        told = repr((case.path, case.body, case.path_parameters)).encode()
        if scenario_of(case) is not None or zlib.crc32(told) % 2:
            return case
        if "booking_id" in (case.path_parameters or {}):
            case.path_parameters["booking_id"] = bookings[next(places) % len(bookings)]
            case.headers.pop("If-Match", None)
        body = case.body
        if isinstance(body, dict) and isinstance(body.get("resource_id"), int) and "start_time" in body:
            number = next(places)
            body["resource_id"] = doors.venue.bays[number % len(doors.venue.bays)]
            body.update(span(JUNE_2 + number // 3 * 1800))
        return case

    schema.hook(filter_case)
    schema.hook(map_case)
    return schema


def scenario_of(case: Any) -> Any:
    """Which deliberate case it is; None for what was drawn at random."""
    return getattr(case.meta.phase.data, "scenario", None) if case.meta else None


def failures_of(event: events.ScenarioFinished) -> Iterator[str]:
    recorder = event.recorder
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                request = recorder.interactions[case_id].request
                yield (
                    f"{check.name}: {check.failure_info.failure.message}\n"
                    f"    {request.method} {request.uri}\n    {request.body!r}"
                )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def doors(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Doors]:
    """A node of this file's own: admins close its locations."""
    url = await copied_database(postgres_server, template_database, "fuzz_openapi")
    async with open_doors(url, tmp_path_factory.mktemp("openapi") / "node.log") as doors:
        yield doors


async def booked(doors: Doors) -> list[str]:
    """Bookings to be named by requests, one for each role that may change it."""
    made = []
    for number, role in enumerate(ROLES):
        async with doors.client(role) as client:
            place = {"resource_id": doors.venue.bays[-1], **span(JUNE_2 + number * 7200)}
            answer = await client.post("/api/bookings", json=place)
            if answer.status_code == 201:
                made.append(answer.json()["id"])
    return made


@pytest.fixture
async def bookings(doors: Doors) -> list[str]:
    made = await booked(doors)
    rows = await doors.town.fetch("SELECT id::text FROM bookings ORDER BY id")
    return made or [row["id"] for row in rows]


GOT_PAST_THE_DOOR = {200, 201, 400, 404, 409}
"""Things were read and made, and what was refused was refused for more than one reason."""
MET = {ANONYMOUS: {200, 400, 401, 404}}


@pytest.mark.parametrize("role", [ANONYMOUS, *ROLES])
def test_g1_the_document_keeps_its_word_whatever_is_sent(
    doors: Doors, role: str, bookings: list[str]
) -> None:
    schema = schemathesis.openapi.from_url(
        f"{doors.node.address}/api/openapi.json", config=configured(doors, role)
    )
    failures: list[str] = []
    statuses: Counter[int] = Counter()
    operations = set()
    for event in engine.from_schema(narrowed(schema, doors, role, bookings)).execute():
        match event:
            case events.ScenarioFinished():
                failures += failures_of(event)
                operations.add(event.recorder.label)
                answers = [each.response for each in event.recorder.interactions.values()]
                assert None not in answers, f"no answer: {event.recorder.label}"
                statuses.update(answer.status_code for answer in answers if answer is not None)
            case events.NonFatalError():
                failures.append(str(event.info))
            case events.FatalError():
                raise event.exception
    assert failures == [], "\n".join(failures)
    assert len(operations) > 25
    assert MET.get(role, GOT_PAST_THE_DOOR) <= set(statuses), statuses
    if role == ANONYMOUS:
        return
    me = httpx2.get(f"{doors.node.address}/api/me", headers={"authorization": f"Bearer {doors.tokens[role]}"})
    assert (me.status_code, me.json()["user"]["role"]) == (200, role), "the session did not outlive it"
