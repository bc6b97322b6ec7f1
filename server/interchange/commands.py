"""``baygrid import`` and ``baygrid export`` once there is a database: files, progress, and what is told.

Belongs here: putting the parts together. Does not belong here: any of them.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from server.clock import Clock
from server.errors import ConfigurationError, InUse, Unavailable
from server.interchange.csv_form import write_csv_archive, write_csv_folder
from server.interchange.progress import shown
from server.interchange.reading import source_of
from server.interchange.telling import lines_of
from server.interchange.yaml_form import write_yaml
from server.service.administration.configuration import Configuration
from server.service.administration.locations import Locations
from server.service.administration.users import Users
from server.service.exporting import exported
from server.service.importing import Import, Options, Report
from server.storage import Database

Form: TypeAlias = Literal["yaml", "csv"]


class _NoPasswords:
    """Nobody's password is in a file."""

    async def hash(self, password: str) -> str:
        raise NotImplementedError(password)


async def import_file(
    database: Database, *, clock: Clock, path: Path, options: Options, say: Callable[[str], None]
) -> Report:
    """Imports from a path; ``say`` is told what comes of it, line by line.

    Raises:
        ConfigurationError: if there is nothing to be read, another import is at work, or the database went away on the way.
    """

    async def nobody_listens(_: int) -> None:
        """Nodes find new versions by themselves, within a second."""

    report = Report()
    configuration = Configuration(database, clock, nobody_listens)
    users = Users(configuration, Locations(configuration), _NoPasswords(), lambda _: None)
    try:
        with shown() as progress:
            progress.begin("Looking")
            source = source_of(path, report)
            work = Import(
                database=database,
                clock=clock,
                configuration=configuration,
                users=users,
                progress=progress,
                options=options,
            )
            await work.run(source.rows(report), report, source.total)
    except InUse as error:
        raise ConfigurationError(error.detail) from error
    except Unavailable as error:
        raise ConfigurationError(
            "The database went away. What was written is whole: run it again, and it goes on."
        ) from error
    for line in lines_of(report, dry_run=options.dry_run):
        say(line)
    return report


async def export_file(
    database: Database,
    *,
    clock: Clock,  # noqa: ARG001  # all commands are given one
    output: Path | None,
    form: Form,
) -> None:
    """Writes everything: YAML to a file or to standard output, CSV to a folder or to a zip archive.

    A file takes its name once it is whole, and nobody else may read it.

    Raises:
        ConfigurationError: if it cannot be written there, or the database went away on the way.
    """
    if form == "csv" and output is None:
        raise ConfigurationError("CSV is four files: say where, by --output FOLDER or --output FILE.zip")
    try:
        with shown() as progress:
            progress.begin("Writing")
            async with aclosing(exported(database, progress)) as rows:
                if output is None:
                    await write_yaml(rows, sys.stdout)
                elif form == "yaml":
                    with _becoming(output) as made, made.open("w", encoding="utf-8", newline="\n") as text:
                        await write_yaml(rows, text)
                elif output.suffix.lower() == ".zip":
                    with _becoming(output) as made:
                        await write_csv_archive(rows, made)
                else:
                    await write_csv_folder(rows, output)
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror or error}") from error
    except Unavailable as error:
        raise ConfigurationError("The database went away: nothing whole was written") from error


@contextmanager
def _becoming(path: Path) -> Iterator[Path]:
    """A file of this user's alone, which takes the path's name if all goes well."""
    made = path.with_name(f"{path.name}.partial")
    os.close(os.open(made, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        yield made
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
