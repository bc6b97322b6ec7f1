"""The OpenAPI document and the page to try it."""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from server.edge.endpoint import Endpoint, Endpoints
from server.edge.parsing import none_match
from server.errors import NotFound

_PAGES = {"docs.js": "text/javascript", "docs.css": "text/css"}


def documentation_endpoints(described: Iterable[Endpoint], *, version: str) -> Endpoints:
    """The document of all the endpoints given and of these, and the page; the document is made when first asked for."""
    endpoints = Endpoints("Operations")
    made: list[bytes] = []

    @endpoints.get("/api/openapi.json", summary="This document", answer=dict[str, Any], conditional=True)
    async def openapi(request: Request) -> Response:
        """OpenAPI 3.1."""
        if not made:
            # Its models take half a second to import, and few ever ask.
            from server.edge.openapi import openapi_document  # noqa: PLC0415  # see above

            made.append(to_json(openapi_document([*described, *endpoints], version=version)))
        headers = {"etag": f'"{version}-{len(made[0]):x}"', "cache-control": "no-cache"}
        if none_match(request, headers["etag"].strip('"')):
            return Response(status_code=304, headers=headers)
        return Response(made[0], media_type="application/json", headers=headers)

    @endpoints.get("/api/docs", summary="A page to try it", answer=str, media_type="text/html")
    async def page() -> Response:
        """For people."""
        return _file("docs.html", "text/html")

    @endpoints.get("/api/docs/{name}", summary="A part of the page", answer=str, media_type="text/plain")
    async def part(name: str) -> Response:
        """Its script and its style."""
        if name not in _PAGES:
            raise NotFound
        return _file(name, _PAGES[name])

    return endpoints


def _file(name: str, media_type: str) -> Response:
    text = files("server.edge.documentation").joinpath(name).read_text("utf-8")
    return Response(text, media_type=media_type, headers={"cache-control": "no-cache"})
