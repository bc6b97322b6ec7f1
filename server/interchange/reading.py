"""Reading what is to be imported, in whichever form it comes.

Belongs here: telling the forms apart, and what is told of a file as a whole. Does not belong here: each form.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from server.errors import ConfigurationError
from server.interchange.csv_form import CsvFiles
from server.interchange.files import OLD_ENCODING, files_of
from server.interchange.yaml_form import YamlFile
from server.service.importing import Place, Report, Row


class Source(Protocol):
    """Rows to be read. What cannot be read is told to the report, and left out."""

    def rows(self, report: Report) -> Iterator[Row]:
        """All rows, in the order of ``columns.NOUNS`` and within each as they stand."""

    @property
    def total(self) -> int:
        """How many there are, at least about."""


def source_of(path: Path, report: Report) -> Source:
    """What to read from the path: a YAML document, a CSV file, or a folder or zip archive of CSV files.

    Raises:
        ConfigurationError: if there is nothing there that can be read.
    """
    if not path.exists():
        raise ConfigurationError(f"There is no file {path}")
    files = files_of(path)
    for file in files:
        if file.guessed:
            told = f"is not UTF-8, and was read as {OLD_ENCODING}: look at the names in it"
            report.warn(Place(file.name, 1), None, None, told)
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        return YamlFile(files[0], report)
    return CsvFiles(files, report)
