"""What can be seen without any server: Python, settings, folders, ports, the web app."""

import errno
import os
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from server.doctor.findings import Finding, failed, ok, warning
from server.edge.pages import missing_pages
from server.settings import Settings, unknown_variables

_OLDEST = (3, 11)


def look_at_machine(settings: Settings) -> Iterator[Finding]:
    """Everything that takes no waiting."""
    yield _python()
    yield from _settings(settings)
    yield _folder(settings)
    yield _web_app()
    yield _port(settings)


def _python() -> Finding:
    told = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] < _OLDEST:
        return failed("python", told, "install Python 3.11 or newer, and Baygrid with it")
    if platform.system() != "Linux" or shutil.which("setpriv") is None:
        return warning(
            "python",
            f"{told}: after kill -9 embedded servers may stay behind until the next start",
            "nothing, with a Postgres of your own; else run on Linux with util-linux installed",
        )
    return ok("python", told)


def _settings(settings: Settings) -> Iterator[Finding]:
    unknown = unknown_variables()
    if unknown:
        yield warning(
            "settings",
            f"{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} set, and there is no such setting",
            "correct the spelling, or unset it: baygrid settings lists those that there are",
        )
    else:
        yield ok("settings", f"{settings.env}, mode {settings.mode}")
    if settings.env != "production":
        yield warning(
            "environment",
            f"BAYGRID_ENV is {settings.env}: .env is read, and the clock may be moved",
            "set BAYGRID_ENV=production where business is done",
        )
    if settings.now is not None:
        yield warning("clock", "BAYGRID_NOW moves the clock: nothing is what time it is", "unset BAYGRID_NOW")


def _folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    if settings.database_url is not None and (settings.redis_url is not None or settings.workers == 1):
        return ok("data folder", "not needed: the database is elsewhere")
    there = folder
    while not there.exists():
        there = there.parent
    mend = "make it writable for this user, or set BAYGRID_DATA_DIR to another folder"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return failed("data folder", f"{folder} cannot be written to", mend)
    if there == folder and _others_may_write(folder):
        return warning("data folder", f"others may write to {folder}", f"chmod go-w {folder}")
    return ok("data folder", f"{folder}{'' if there == folder else ', which is made at the first start'}")


def _others_may_write(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o022)


def _web_app() -> Finding:
    missing = missing_pages()
    if missing:
        return failed("web app", f"{', '.join(missing)} not built", "make install")
    return ok("web app", "built")


def _port(settings: Settings) -> Finding:
    where = f"{settings.host} port {settings.port}"
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return warning(
                "port",
                f"{where} is in use: by Baygrid, if it runs",
                "if it does not, stop what uses it, or set BAYGRID_PORT",
            )
        return failed(
            "port", f"{where} cannot be listened on: {error.strerror}", "set BAYGRID_HOST and BAYGRID_PORT"
        )
    return ok("port", f"{where} is free")
