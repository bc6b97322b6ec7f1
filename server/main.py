"""The command line: ``baygrid``.

Belongs here: what can be typed, and how failures read. Does not belong here: what the commands do.
"""

from typing import Any

import click
import typer
import typer.core

from server.errors import ConfigurationError
from server.settings import load_settings, masked, unknown_variables

__all__ = ["app"]


class _Commands(typer.core.TyperGroup):
    """Turns what an operator can mend into a message and exit status 1, with no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from error


app = typer.Typer(
    cls=_Commands,
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
