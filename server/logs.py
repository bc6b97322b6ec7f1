"""Logging: one line per happening, from our code and from libraries alike, for people or for machines.

Belongs here: how lines look and where they go. Does not belong here: what is worth a line.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal

import structlog

__all__ = ["configure_logging"]

MASK: Final = "********"
SECRETS: Final = ("password", "secret", "token", "authorization", "cookie", "api_key")

NOISY: Final = ("alembic.runtime", "httpcore2", "httpx2", "uvicorn.access", "uvicorn.error")
"""Loggers that say at INFO what our own lines and metrics say already."""


def configure_logging(level: str = "info", form: Literal["auto", "console", "json"] = "auto") -> None:
    """Send everything that is logged to standard error, from ``level`` up. Call once per process, before the first line.

    Our own code logs with ``structlog.get_logger()`` and key-value pairs; values under keys that name secrets are masked.
    """
    for_people = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if for_people else "iso", utc=not for_people),
        _mask_secrets,
    ]
    renderer: list[structlog.typing.Processor] = (
        # The renderer's own choice where rich is there shows every local variable: passwords, codes, tokens.
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def _mask_secrets(
    logger: Any,  # noqa: ARG001 (structlog's signature)
    method: str,  # noqa: ARG001 (structlog's signature)
    line: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    for name in line:
        if any(secret in name.lower() for secret in SECRETS):
            line[name] = MASK
    return line
