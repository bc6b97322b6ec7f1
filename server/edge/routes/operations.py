"""What those who run the server ask it: whether it lives, whether it can serve, and its figures."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Told
from server.errors import Problem

CHECK_SECONDS = 2.0
NOTHING: "Mapping[str, Check]" = MappingProxyType({})

Check: TypeAlias = Callable[[], Awaitable[str | None]]
"""None if all is well, or what is the matter; whatever it raises is the matter too."""


class Health(Told):
    """The process runs and answers."""

    status: str


class Readiness(Told):
    """Each part by its name: ``ok``, or what is the matter with it."""

    status: str
    checks: dict[str, str]


def operation_endpoints(checks: Mapping[str, Check], told: Mapping[str, Check] = NOTHING) -> Endpoints:
    """Health, readiness by the checks given (name → check), metrics.

    What is ``told`` of does not make the node unready: with Redis away every node goes on (P3), and a load balancer that
    let go of all of them at once would do what no outage of Redis does.
    """
    endpoints = Endpoints("Operations")

    @endpoints.get("/healthz", summary="Whether the process lives", answer=Health)
    async def healthz() -> Health:
        """Says nothing of the database or the bus: a restart would not mend those."""
        return Health(status="ok")

    @endpoints.get("/readyz", summary="Whether it can serve", answer=Readiness, also={503: Readiness})
    async def readyz() -> Answer:
        """Postgres and replicas: 503 if either is not as it should be. The bus is told of: nodes go on without it."""
        asked = {**checks, **told}
        found = dict(zip(asked, await asyncio.gather(*map(_checked, asked.values())), strict=True))
        ready = all(found[name] is None for name in checks)
        return Answer(
            body=Readiness(
                status="ready" if ready else "not ready",
                checks={name: each or "ok" for name, each in found.items()},
            ),
            status=200 if ready else 503,
        )

    @endpoints.get("/metrics", summary="Figures for Prometheus", answer=str, media_type="text/plain")
    async def metrics() -> Response:
        """Of this process alone."""
        return Response(
            generate_latest(), media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"}
        )

    return endpoints


async def _checked(check: Check) -> str | None:
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:.0f} s"
    except Exception as error:  # noqa: BLE001  # that it fails is what is asked
        return error.detail if isinstance(error, Problem) else type(error).__name__
