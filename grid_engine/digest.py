"""Hashes by which two holders of a grid can tell whether they hold the same.

Belongs here: one canonical form per kind of holder. Does not belong here: comparing, or anything secret.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256

from grid_engine.records import Record


def digest_of_records(records: Iterable[Record]) -> str:
    """A hash of the records in full, whatever their order: 64 hexadecimal digits. O(n log n)."""
    return _digest({"is": type(record).__name__, **asdict(record)} for record in records)


def digest_of_wire_records(records: Iterable[Mapping[str, object]]) -> str:
    """A hash of records as an audience is sent them, whatever their order: 64 hexadecimal digits. O(n log n)."""
    return _digest(records)


def _digest(forms: Iterable[Mapping[str, object]]) -> str:
    lines = sorted(
        json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for form in forms
    )
    return sha256("\n".join(lines).encode(errors="surrogatepass")).hexdigest()
