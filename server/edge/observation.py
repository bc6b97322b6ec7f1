"""What is counted of every HTTP request.

Belongs here: the metrics of the edge. Does not belong here: those of other parts, which stand beside what they count.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "baygrid_http_requests", "HTTP requests answered, by route as declared", ("route", "method", "status")
)
SECONDS = Histogram(
    "baygrid_http_request_seconds",
    "Seconds from a request's head to its answer",
    ("route", "method"),
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Seen:
    """What became of a request."""

    status: int = 500


@contextmanager
def observed(route: str, method: str) -> Iterator[Seen]:
    """Counts what happens inside as one request; ``route`` is a template, so that ids make no new series."""
    seen = Seen()
    counted = method if method in _METHODS else "other"
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        yield seen
    finally:
        REQUESTS.labels(route, counted, str(seen.status)).inc()
        SECONDS.labels(route, counted).observe(loop.time() - begun)
