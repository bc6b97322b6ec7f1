"""Requests made of what the API's document says: every operation, asked for by its own example with ids of one's choice.

Belongs here: from the document to requests. Does not belong here: which ids, and what is looked for in the answers. A new
endpoint is in all tests that use this as soon as it is declared.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

METHODS = ("get", "head", "post", "put", "patch", "delete")


@dataclass(frozen=True, kw_only=True)
class Names:
    """What to name, by the name of the parameter or field: any of several in a path, one in a query or a body.

    ``queries`` are sets of parameters; each operation is asked with those of a set that it takes, where it takes any.
    """

    path: Mapping[str, Sequence[Any]]
    queries: Sequence[Mapping[str, Any]] = ()
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; ``operation`` is what the document calls it: ``GET /api/bookings/{booking_id}``."""

    operation: str
    method: str
    path: str
    params: Mapping[str, Any]
    json: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path} {dict(self.params)} {self.json}"


def signed_in_operations(document: Mapping[str, Any]) -> list[str]:
    """The operations that want to know who asks."""
    return [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in METHODS
        if method in operations and operations[method].get("security")
    ]


def requests_of(document: Mapping[str, Any], names: Names) -> Iterator[Request]:
    """Every operation, once for each combination of the ids in its path and each set of parameters of its query."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method not in operations:
                continue
            operation = operations[method]
            for filled, query in itertools.product(_paths(path, names), list(_queries(operation, names))):
                yield Request(
                    operation=f"{method.upper()} {path}",
                    method=method,
                    path=filled,
                    params=query,
                    json=_body(operation, names),
                )


def _paths(path: str, names: Names) -> Iterator[str]:
    placeholders = [part.partition("}")[0] for part in path.split("{")[1:]]
    for chosen in itertools.product(*(names.path.get(name, ("1",)) for name in placeholders)):
        yield path.format(**dict(zip(placeholders, chosen, strict=True)))


def _queries(operation: Mapping[str, Any], names: Names) -> Iterator[dict[str, Any]]:
    parameters = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
    example = {each["name"]: each["example"] for each in parameters if each.get("example") is not None}
    known = dict(names.queries[0]) if names.queries else {}
    yield {name: known.get(name, value) for name, value in example.items()}
    taken = {each["name"] for each in parameters}
    for query in names.queries:
        chosen = {name: value for name, value in query.items() if name in taken}
        if chosen:
            yield chosen


def _body(operation: Mapping[str, Any], names: Names) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    example = content.get("example") or {}
    if not isinstance(example, Mapping):
        return example
    return {name: names.body.get(name, value) for name, value in example.items()}
