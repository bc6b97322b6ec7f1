"""The bundled Postgres and Valkey: started for a demo, for one venue on one machine, and for the tests.

Belongs here: starting these servers so that they end with the process that started them, whatever ends it. Does not belong
here: anything about what is stored in them. Imports no other part of the server.
"""

from server.embedded.postgres import EmbeddedPostgres, embedded_postgres, has_cluster, running_postgres
from server.embedded.processes import EmbeddedServerError
from server.embedded.valkey import EmbeddedValkey, embedded_valkey

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "EmbeddedValkey",
    "embedded_postgres",
    "embedded_valkey",
    "has_cluster",
    "running_postgres",
]
