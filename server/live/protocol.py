"""The socket: uvicorn's WebSocket protocol, opened up so that frames built elsewhere are written straight to its transport.

Belongs here: everything that relies on uvicorn's private classes (its version is pinned for that), and on the socket's own
options. Does not belong here: what is written (``connection``).

What was measured with a thousand sockets: ``send`` through ASGI makes about 35 % as many deliveries per core as a loop of
``send()`` in C, a prebuilt frame written to each transport 64 %, and one sent by each socket's own ``send``, where the
transport has nothing waiting, 85 to 90 %. So that is what is done, for as long as it may be.
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

    def rerouted(self) -> None: ...

    def lost(self) -> None: ...


class GridSocket(WebSocketsSansIOProtocol):
    """One upgraded connection. ``listener`` and ``dismiss`` are set by whoever serves it.

    While the transport's buffer is known to be empty, frames may go to the socket itself, past the transport (``_direct``).
    Everything else that writes to the transport is followed by ``_look``, so that nothing overtakes what it left there.
    """

    listener: Listener | None = None
    dismiss: Callable[[], None] | None = None
    """Called when the server shuts down, to say goodbye."""

    _raw: socket.socket | None = None
    """The transport's socket; None where it cannot be written to past the transport (TLS)."""
    _direct = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES, low=LOW_WATER_BYTES)
        own = transport.get_extra_info("socket")
        if own is None or own.family not in (socket.AF_INET, socket.AF_INET6):
            return
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
        if _TCP_USER_TIMEOUT is not None:
            own.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        if transport.get_extra_info("sslcontext") is None:
            # The transport's descriptor, not one more: it is let go of before the transport closes it.
            self._raw = socket.socket(own.family, own.type, own.proto, fileno=own.fileno())

    def handle_connect(self, event: Request) -> None:
        # The application's task starts in a later turn of the loop, and so finds the scope complete.
        super().handle_connect(event)
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = self

    @property
    def push(self) -> Callable[[bytes], int]:
        """The socket's own ``send`` while the transport has nothing waiting, otherwise a way past which nothing goes."""
        return self._raw.send if self._direct and self._raw is not None else self._push_by_transport

    def _push_by_transport(self, frame: bytes) -> int:
        if self._raw is not None and not self.buffered and not self.transport.is_closing():
            self._route(direct=True)
            return self._raw.send(frame)
        self.write(frame)
        return len(frame)

    def rest(self, frame: bytes, sent: int) -> None:
        """What the socket did not take, the transport keeps."""
        self.write(frame[sent:])

    def write(self, frame: bytes) -> None:
        """Takes a whole frame; never waits. Does nothing once the connection is closing."""
        if self.close_sent or self.transport.is_closing():
            return
        self.transport.write(frame)
        self._look()

    def _look(self) -> None:
        if self._direct and self.buffered:
            self._route(direct=False)

    def _route(self, *, direct: bool) -> None:
        self._direct = direct
        if self.listener is not None:
            self.listener.rerouted()

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

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()  # a ping was answered, perhaps

    def send_keepalive_ping(self) -> None:
        super().send_keepalive_ping()
        self._look()

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
        if self._raw is not None:
            self._raw.detach()
            self._raw = None
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
        """Before anything else: a fan-out in this very turn must not write to a connection that is closing."""
        self._direct = False
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
