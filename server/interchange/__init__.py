"""Files with venues, accounts and bookings: how ``baygrid import`` reads them, and ``baygrid export`` writes them.

    locations · resources · users · bookings      four lists, in one YAML document, or each in a CSV file of its own

What each list's columns are is in ``columns``; ``docs/interchange.md`` tells it to people, with examples. Belongs here: forms
and files, and what a person at a terminal is told. Does not belong here: what rows come to (``service.importing``).
"""

from server.interchange.commands import export_file, import_file

__all__ = ["export_file", "import_file"]
