"""Alembic's entry: runs the revisions on the connection that ``migrate`` handed over."""

from typing import Any

from alembic import context

from server.storage.tables import metadata


def _is_ours(_object: Any, name: str | None, kind: str, *_: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=_is_ours,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
