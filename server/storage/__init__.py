"""Postgres: tables, migrations, queries and the transaction that commits a batch of changes.

Only this package sees tables and SQL; no exception of a database library leaves it (see ``database``).
"""

from server.storage.database import Database
from server.storage.migrations import migrate

__all__ = ["Database", "migrate"]
