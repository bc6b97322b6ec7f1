"""Bringing in what another system, or another Baygrid, knows: venues, accounts and bookings (``baygrid import``).

Belongs here: what rows come to, and their writing. Does not belong here: files and their forms (``server.interchange``), SQL
(``storage.staged_users``, ``storage.staged_bookings``).

Everything is looked at before anything is written. Rows are staged in temporary tables of one connection, so that a file of
any size takes the same memory, and what they come to is decided in three steps: ``venues``, then ``people``, then
``bookings``. ``running`` tells the story.

A row is known again by its natural key: a location by its name, a resource by location and name, an account by its address
or else its phone, a booking by its ``external_id`` or else by resource, times and customer. So the same file again creates
nothing twice, and a run that was interrupted is gone on with by starting it again.
"""

from server.service.importing.report import Conflict, Counts, Fault, Noun, Place, Progress, Report, Row
from server.service.importing.running import Import, Options

__all__ = [
    "Conflict",
    "Counts",
    "Fault",
    "Import",
    "Noun",
    "Options",
    "Place",
    "Progress",
    "Report",
    "Row",
]
