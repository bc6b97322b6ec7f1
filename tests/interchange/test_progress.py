"""Long work shows that it goes on: a bar on a terminal, a line now and then elsewhere."""

import io

import pytest
from rich.console import Console

from server.interchange import progress


def shown_on(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    out = io.StringIO()

    def console(**_: object) -> Console:
        return Console(file=out, force_terminal=terminal, width=100, highlight=False)

    monkeypatch.setattr(progress, "Console", console)
    with progress.shown() as work:
        work.begin("Reading")
        work.advance(1_500)
        work.begin("Writing bookings", 200_000)
        for _ in range(3):
            work.advance(50_000)
    return out.getvalue()


def test_a_terminal_is_shown_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    said = shown_on(monkeypatch, terminal=True)
    assert "Writing bookings" in said
    assert "150000/200000" in said
    assert "\x1b[" in said


def test_what_is_no_terminal_is_told_in_lines_and_not_often(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown_on(monkeypatch, terminal=False) == ""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    assert shown_on(monkeypatch, terminal=False).splitlines() == [
        "Reading: 1,500",
        "Writing bookings: 50,000 of 200,000",
        "Writing bookings: 100,000 of 200,000",
        "Writing bookings: 150,000 of 200,000",
    ]
