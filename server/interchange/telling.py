"""What an import tells at its end, as lines of text.

Belongs here: English. Does not belong here: what is told (``service.importing.report``).
"""

from collections.abc import Iterator

from server.interchange.columns import NOUNS
from server.service.importing import Report
from server.service.importing.report import Told


def lines_of(report: Report, *, dry_run: bool) -> Iterator[str]:
    """Counts first, then what is wrong, line by line, then what that means."""
    would = "" if report.written else "would be "
    for noun in NOUNS:
        counts = report.counts[noun]
        if counts.rows:
            left_out = f", {counts.left_out:,} with faults" if counts.left_out else ""
            yield (
                f"{noun}: {counts.created:,} {would}created, {counts.changed:,} {would}changed, "
                f"{counts.unchanged:,} unchanged{left_out}"
            )
    yield from _listed(report.warnings, "warning: ")
    yield from _listed(report.faults, "")
    yield _verdict(report, dry_run=dry_run)


def _listed(told: Told, lead: str) -> Iterator[str]:
    for each in told.kept:
        where = f"{each.place}: " + (f"{each.noun}: " if each.noun else "")
        yield f"{lead}{where}{each.field + ': ' if each.field else ''}{each.message}"
    if told.count > len(told.kept):
        yield f"{lead}… and {told.count - len(told.kept):,} more"


def _verdict(report: Report, *, dry_run: bool) -> str:
    faults = f"{report.faults.count:,} fault{'s' * (report.faults.count != 1)}"
    if report.conflicts.count:
        faults += f", {report.conflicts.count:,} of them double bookings"
    if report.written:
        return f"Done, but for rows with {faults}." if report.faults.count else "Done."
    if report.faults.count and not dry_run:
        return f"Nothing was written: {faults}. Mend them, or leave those rows out by --skip-faulty."
    if report.faults.count:
        return f"A dry run: nothing was written. {faults[0].upper()}{faults[1:]}."
    return "A dry run: nothing was written, and nothing is wrong."
