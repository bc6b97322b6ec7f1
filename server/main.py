"""The command line: ``baygrid``.

Belongs here: what can be typed, and how failures read. Does not belong here: what the commands do.
"""

import asyncio
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from server.clock import Clock
from server.demo import DemoAccounts, seed
from server.doctor import Finding, State, as_json, as_lines, examine
from server.edge.routes.users import UserPost
from server.errors import ConfigurationError, Problem
from server.hosting import host, on_database, prepare_database, run_once
from server.interchange import export_file, import_file
from server.service.administration.configuration import Configuration
from server.service.administration.locations import Locations
from server.service.administration.users import Users, new_account
from server.service.importing import Options, Report
from server.service.passwords import Passwords
from server.service.restoring import renew_epochs
from server.settings import Settings, load_settings, masked, unknown_variables
from server.storage import Database

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


class AccountKind(StrEnum):
    """The roles that an account can be given."""

    ADMIN = "admin"
    OPERATOR = "operator"
    STAFF = "staff"
    CUSTOMER = "customer"


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


@app.command()
def demo(
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes on one address.")] = None,
) -> None:
    """Serve two made-up venues, with accounts to sign in as, on an embedded database unless one is configured."""
    accounts: list[DemoAccounts] = []

    async def prepare(settings: Settings, clock: Clock) -> None:
        async def fill(database: Database) -> None:
            accounts.append(await seed(database, clock))

        await on_database(settings, fill)

    host(
        load_settings(workers=workers),
        prepare=prepare,
        ready=lambda address: _introduce(address, accounts[0]),
    )


async def _create_account(database: Database, *, clock: Clock, wanted: UserPost) -> None:
    async def nobody_listens(_: int) -> None:
        """Nodes find a change of locations by themselves; a new account is none."""

    configuration = Configuration(database, clock, nobody_listens)
    users = Users(configuration, Locations(configuration), Passwords(), lambda _: None)
    given = wanted.model_dump(exclude={"password"})
    await users.create(None, new_account(**given), wanted.password)


def _introduce(address: str, accounts: DemoAccounts) -> None:
    """Tells whoever started a demo where to go and who to be."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Sign in as", "Email", "Password"):
        table.add_column(heading)
    for sign_in in accounts.sign_ins:
        table.add_row(sign_in.role, sign_in.email, sign_in.password)
    console = Console(highlight=False)
    console.print(f"\n[bold]Baygrid is at {address}[/bold]   (the API: {address}/api/docs)\n")
    console.print(table)
    console.print("\nOpen it in two windows and drag a booking in one. Ctrl-C stops it; the data stays.\n")


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A YAML document, a CSV file, or a folder or zip archive of CSV files.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and what is wrong.")
    ] = False,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Write all rows but those with faults.")
    ] = False,
    only_new: Annotated[
        bool, typer.Option("--only-new", help="Create what is not there, and change nothing that is.")
    ] = False,
) -> None:
    """Bring in locations, resources, users and bookings; nothing is written while anything is wrong."""
    options = Options(dry_run=dry_run, skip_faulty=skip_faulty, only_new=only_new)
    reports: list[Report] = []

    async def work(database: Database, clock: Clock) -> None:
        reports.append(await import_file(database, clock=clock, path=file, options=options, say=typer.echo))

    try:
        asyncio.run(run_once(load_settings(), work))
    except KeyboardInterrupt:
        raise ConfigurationError(
            "Stopped. What was written is whole: run it again, and it goes on."
        ) from None
    if reports[0].faults.count:
        raise typer.Exit(1)


@app.command(name="export")
def export_(
    output: Annotated[
        Path | None,
        typer.Option(help="A file, or for CSV a folder or FILE.zip; standard output unless given."),
    ] = None,
    format_: Annotated[Literal["yaml", "csv"], typer.Option("--format", help="The form.")] = "yaml",
) -> None:
    """Write locations, resources, users and bookings in the form that import reads."""
    asyncio.run(run_once(load_settings(), partial(export_file, output=output, form=format_)))


@app.command(name="doctor")
def doctor_(
    *,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look at each part, and say how to mend it; the exit status is 1 if something failed."""

    async def look() -> list[Finding]:
        found: list[Finding] = []
        async for finding in examine(load_settings()):
            found.append(finding)
            for line in () if json else as_lines(finding):
                typer.echo(line)
        return found

    found = asyncio.run(look())
    if json:
        typer.echo(as_json(found))
    if any(finding.state is State.FAILED for finding in found):
        raise typer.Exit(1)


@app.command(name="new-epoch")
def new_epoch_() -> None:
    """Tell nodes and screens that the database has gone back in time: to be done once a backup is restored."""

    async def work(database: Database, clock: Clock) -> None:
        count = await renew_epochs(database, clock)
        typer.echo(f"{count} locations have a new epoch: nodes and screens take them afresh")

    asyncio.run(run_once(load_settings(), work))


user_commands = typer.Typer(no_args_is_help=True, help="Accounts.")
app.add_typer(user_commands, name="user")


@user_commands.command()
def create(
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, help="At least ten characters.")],
    role: Annotated[AccountKind, typer.Option(help="What the account may do.")],
    name: Annotated[
        str | None, typer.Option(help="The person's name; the address's first part unless given.")
    ] = None,
    location: Annotated[
        list[int] | None, typer.Option(help="Where a staff member works; may be repeated.")
    ] = None,
) -> None:
    """Create an account."""
    try:
        wanted = UserPost(
            email=email,
            password=password,
            role=role.value,
            name=name or email.partition("@")[0],
            location_ids=location or [],
        )
    except ValidationError as error:
        problems = (f"{each['loc'][0]}: {each['msg']}" for each in error.errors(include_input=False))
        raise ConfigurationError("\n".join(problems)) from None
    try:
        asyncio.run(run_once(load_settings(), partial(_create_account, wanted=wanted)))
    except Problem as problem:
        raise ConfigurationError(problem.detail) from problem
    typer.echo(f"{wanted.email} can sign in as {wanted.role}")
