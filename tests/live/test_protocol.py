"""Our socket beside uvicorn's private class: what we override we mean to, and what we add it does not have."""

import inspect
import re

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.live.protocol import GridSocket

OVERRIDDEN = {
    "connection_lost",
    "connection_made",
    "data_received",
    "handle_close",
    "handle_connect",
    "handle_parser_exception",
    "keepalive_timeout",
    "pause_writing",
    "resume_writing",
    "send_keepalive_ping",
    "shutdown",
}


def test_only_what_is_meant_to_be_is_overridden() -> None:
    ours = {name for name in vars(GridSocket) if not name.startswith("__")}
    source = inspect.getsource(WebSocketsSansIOProtocol)
    theirs = {name for name in ours if hasattr(WebSocketsSansIOProtocol, name)}
    assigned = set(re.findall(r"self\.(\w+)\s*[:=]", source))
    assert theirs == OVERRIDDEN
    assert not (ours - OVERRIDDEN) & assigned
