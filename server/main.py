"""The command line: ``baygrid``.

Belongs here: what can be typed, and how failures read. Does not belong here: what the commands do.
"""

import asyncio
import sys
from typing import Annotated, Any

import typer

from server.errors import ConfigurationError
from server.hosting import host, prepare_database
from server.settings import load_settings, masked, unknown_variables

__all__ = ["app"]


class _Commands(typer.Typer):
    """Turns what an operator can mend into a message and exit status 1, with no traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except ConfigurationError as error:
            typer.echo(error, err=True)
            sys.exit(1)


app = _Commands(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold passwords
    help="Baygrid: a live booking grid for venues that rent resources by the half hour.",
)


@app.callback()
def _main() -> None:
    """Keeps the commands named even while there is only one."""


@app.command()
def settings() -> None:
    """Print the settings in force, secrets masked."""
    for name, value in masked(load_settings()).items():
        typer.echo(f"{name}={value}")
    for name in unknown_variables():
        typer.echo(f"{name} is set, but there is no such setting: is it misspelt?", err=True)


@app.command()
def serve(
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes on one address.")] = None,
) -> None:
    """Serve until told to stop, on the configured database or an embedded one."""
    host(load_settings(workers=workers), ready=lambda address: typer.echo(f"Baygrid is at {address}"))


@app.command(name="migrate")
def migrate_() -> None:
    """Bring the configured database up to date."""
    settings = load_settings()
    if settings.database_url is None:
        raise ConfigurationError("Set BAYGRID_DATABASE_URL: an embedded database is migrated when it starts")
    asyncio.run(prepare_database(settings))
    typer.echo("The database is up to date")
