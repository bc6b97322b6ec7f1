"""The socket: uvicorn's WebSocket protocol, opened up so that frames built elsewhere are written straight to its transport.

Belongs here: everything that relies on uvicorn's private classes (its version is pinned for that), and on the socket's own
options. Does not belong here: what is written (``connection``).

What was measured: one prebuilt frame written to every transport costs about a third of ``send`` through ASGI.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from server.wire.messages import MAX_MESSAGE_BYTES

EXTENSION: Final = "baygrid.socket"
"""Where in ``scope["extensions"]`` the application finds the socket."""

HIGH_WATER_BYTES: Final = 64 * 1024
"""From so much unsent on, the other side counts as slow."""
LOW_WATER_BYTES: Final = 16 * 1024
KERNEL_BUFFER_BYTES: Final = 64 * 1024
"""What the kernel holds for a slow client besides (it doubles the figure for its own book-keeping). Left to itself it
would take megabytes, and a client would be seen to be slow only after those (W3)."""
UNACKNOWLEDGED_MS: Final = 30_000
"""A peer that vanished is noticed this long after something was sent to it; the heartbeat sends something."""
CLOSE_SECONDS: Final = 3.0
"""How long the other side may take to answer a close frame."""

_TCP_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)


class Listener(Protocol):
    """Whoever has the socket's other end (``connection``)."""

    def paused(self) -> None: ...

    def drained(self) -> None: ...

    def lost(self) -> None: ...


class GridSocket(WebSocketsSansIOProtocol):
    """One upgraded connection. ``listener`` and ``dismiss`` are set by whoever serves it."""

    listener: Listener | None = None
    dismiss: Callable[[], None] | None = None
    """Called when the server shuts down, to say goodbye."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES, low=LOW_WATER_BYTES)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
            if _TCP_USER_TIMEOUT is not None:
                raw.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def handle_connect(self, event: Request) -> None:
        # The application's task starts in a later turn of the loop, and so finds the scope complete.
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes a whole frame; never waits. Not to be called once the listener was told ``lost`` or ``finish`` was called."""
        return self.transport.write

    @property
    def buffered(self) -> int:
        """Bytes written and not yet handed to the kernel."""
        return self.transport.get_write_buffer_size()

    def finish(self, code: int, reason: str) -> None:
        """Send a close frame and end the connection when it is answered, or after ``CLOSE_SECONDS``, sent or not."""
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # Not close(): that waits for what is buffered, and a slow peer may never take it.
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    # What happens to the socket

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.listener is not None:
            self.listener.paused()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.listener is not None:
            self.listener.drained()

    def handle_close(self, event: Frame) -> None:
        self._lost()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self._lost()
        super().handle_parser_exception()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        if not self.writable.is_set():
            # The ping waits behind what the other side takes slowly; whether too slowly, the connection decides.
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        self._lost()
        super().keepalive_timeout()

    def shutdown(self) -> None:
        if self.dismiss is None or self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.dismiss()

    def _lost(self) -> None:
        """Before anything else: a fan-out in this very turn must not write to a transport that is closing."""
        if self.listener is not None:
            self.listener.lost()


def websocket_options() -> dict[str, Any]:
    """What to pass to ``uvicorn.Config`` so that ``/ws`` works as it should."""
    return {
        "ws": GridSocket,
        "ws_max_size": MAX_MESSAGE_BYTES,
        "ws_per_message_deflate": False,
        "ws_ping_interval": 20.0,
        "ws_ping_timeout": 20.0,
    }
