"""What an import is given: a file, a folder or an archive, as texts with a bounded length of line.

Belongs here: encodings, archives, and bounds on what is read. Does not belong here: YAML and CSV.
"""

import codecs
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from server.errors import ConfigurationError

MOST_BYTES: Final = 4 * 1024**3
"""Of all files together, as they are when unpacked."""
MOST_FILES: Final = 1_000
_CHUNK: Final = 1 << 20
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD_ENCODING: Final = "cp1252"
"""What spreadsheets write where they do not write UTF-8."""


@dataclass(frozen=True)
class TextFile:
    """A text to be read, as often as need be."""

    name: str
    encoding: str
    _open: Callable[[], BinaryIO]

    @contextmanager
    def opened(self) -> Iterator[io.TextIOWrapper]:
        """The text from its beginning; line ends are left as they are."""
        with (
            self._open() as raw,
            io.TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline="") as text,
        ):
            yield text

    @property
    def guessed(self) -> bool:
        """Whether the encoding had to be guessed, as the bytes are no UTF-8."""
        return self.encoding == OLD_ENCODING


def files_of(path: Path) -> list[TextFile]:
    """The file itself; of a folder or a zip archive the CSV files in it, by name.

    Raises:
        ConfigurationError: if there is nothing to be read, or too much.
    """
    try:
        if path.is_dir():
            found = [_on_disk(each) for each in sorted(path.glob("*.csv"))]
        elif zipfile.is_zipfile(path):
            found = _in_archive(path)
        else:
            found = [_on_disk(path)]
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    if not found:
        raise ConfigurationError(f"{path} holds no CSV files")
    return found


def _on_disk(path: Path) -> TextFile:
    if path.stat().st_size > MOST_BYTES:
        raise ConfigurationError(f"{path} is larger than {MOST_BYTES >> 30} GiB")
    return _text(path.name, lambda: path.open("rb"))


def _in_archive(path: Path) -> list[TextFile]:
    with zipfile.ZipFile(path) as archive:
        members = [each for each in archive.infolist() if each.filename.lower().endswith(".csv")]
    if len(members) > MOST_FILES or sum(each.file_size for each in members) > MOST_BYTES:
        raise ConfigurationError(f"{path} unpacks to more than {MOST_BYTES >> 30} GiB or {MOST_FILES} files")

    def opener(member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
        # Opened afresh each time: an open archive can be read in one place only.
        return lambda: _Member(path, member)

    return [_text(each.filename, opener(each)) for each in sorted(members, key=lambda each: each.filename)]


class _Member(io.BufferedReader):
    """A file in an archive, which closes the archive with itself."""

    def __init__(self, path: Path, member: zipfile.ZipInfo) -> None:
        self._archive = zipfile.ZipFile(path)
        super().__init__(self._archive.open(member))  # type: ignore[arg-type]  # it is raw enough to be buffered

    def close(self) -> None:
        super().close()
        self._archive.close()


def _text(name: str, open_: Callable[[], BinaryIO]) -> TextFile:
    with open_() as raw:
        first = raw.read(_CHUNK)
        for mark, encoding in _BOMS:
            if first.startswith(mark):
                return TextFile(name, encoding, open_)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            chunk = first
            while chunk:
                decoder.decode(chunk)
                chunk = raw.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return TextFile(name, OLD_ENCODING, open_)
    return TextFile(name, "utf-8", open_)
