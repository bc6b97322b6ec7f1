"""Looking at every part of an installation, and saying how to mend what is wrong (``baygrid doctor``).

Belongs here: checks, which change nothing, and their words. Does not belong here: SQL (``storage.inspection``). No finding holds a
secret: settings are named, and never told.
"""

from server.doctor.examining import examine
from server.doctor.findings import Finding, State, as_json, as_lines

__all__ = ["Finding", "State", "as_json", "as_lines", "examine"]
