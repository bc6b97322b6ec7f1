"""Log lines: one shape for ours and the libraries', with no secret in them."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server.logs import configure_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is a process's, so it is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_json_lines_carry_the_pairs_and_mask_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    structlog.get_logger("server.test").info("signed in", user_id=7, access_token="hush", Password="hush")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "signed in"
    assert line["user_id"] == 7
    assert line["level"] == "info"
    assert line["logger"] == "server.test"
    assert line["timestamp"].endswith("Z")
    assert line["access_token"] == line["Password"] == "********"


def test_libraries_lines_look_the_same_and_exceptions_stay_on_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info", "json")
    logging.getLogger("library").error("it broke %s", "badly", exc_info=ZeroDivisionError())
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert line["event"] == "it broke badly"
    assert "ZeroDivisionError" in line["exception"]


def test_lines_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", "json")
    structlog.get_logger("server.test").info("quiet")
    logging.getLogger("library").info("quiet")
    assert capsys.readouterr().err == ""


def test_people_get_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "console")
    structlog.get_logger("server.test").info("signed in", user_id=7)
    said = capsys.readouterr().err
    assert "signed in" in said
    assert "user_id=7" in said
    assert "\x1b" not in said


def test_people_are_shown_where_it_broke_and_nothing_of_what_was_being_handled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info", "console")

    def sign_in(password: str) -> None:
        raise ZeroDivisionError(len(password))

    try:
        sign_in("hush" * 2)
    except ZeroDivisionError:
        structlog.get_logger("server.test").exception("unexpected")
    said = capsys.readouterr().err
    assert "sign_in" in said
    assert "ZeroDivisionError" in said
    assert "hushhush" not in said
