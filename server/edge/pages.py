"""The web app's files, as its build left them.

Belongs here: serving them, and for how long they may be kept. Does not belong here: anything under ``/api``.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from server.edge.problems import problem_response
from server.errors import NotFound

PAGES = {"/": "index.html", "/admin": "admin.html"}
"""The address of each app's page, and the file that its build leaves."""


class _HashedFiles(StaticFiles):
    """Files whose names change with their contents: a browser never needs to ask twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def missing_pages(built: Path | None = None) -> list[str]:
    """The files of apps' pages that the build has not left, in order."""
    folder = built or _built()
    return sorted(name for name in set(PAGES.values()) if not (folder / name).is_file())


def _built() -> Path:
    return Path(str(files("web"))) / "dist"


def page_routes(built: Path | None = None) -> list[BaseRoute]:
    """A page for each app, and ``/assets``; where the web app was not built, the pages say how to build it."""
    folder = built or _built()

    def page(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def serve(_: Request) -> Response:
            if not (folder / name).is_file():
                return PlainTextResponse("The web app is not built: run make install", status_code=503)
            return FileResponse(folder / name, headers={"cache-control": "no-cache"})

        return serve

    async def beside(request: Request) -> Response:
        """An icon or the like, which stands beside the page under a name of its own."""
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name == request.path_params["name"] and file.is_file():
                return FileResponse(file, headers={"cache-control": "no-cache"})
        return problem_response(NotFound("There is no such page"))

    return [
        *(Route(path, page(name), methods=["GET"]) for path, name in PAGES.items()),
        Route("/{name}", beside, methods=["GET"]),
        Mount("/assets", _HashedFiles(directory=folder / "assets", check_dir=False), name="assets"),
    ]
