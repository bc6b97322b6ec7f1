"""The WebSocket endpoint: the loop between a socket and its session.

Belongs here: the upgrade (origin, subprotocol, token) and bytes in. Does not belong here: everything else; what is said is
decided in ``server.live``, and goes out past this loop.
"""

from collections.abc import Collection
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from server.edge.authentication import address_of, is_own_origin, token_of
from server.errors import ConfigurationError
from server.live.connection import Connection
from server.live.connections import Connections
from server.live.protocol import EXTENSION, GridSocket
from server.live.session import FORBIDDEN, PROTOCOL_VERSION
from server.service.rate_limits import network_of
from server.wire.messages import SUBPROTOCOL


class WebSocketEndpoint:
    """``/ws``, as an ASGI application. Pages of ``allowed_origins``, and the server's own, may connect (A6)."""

    def __init__(self, connections: Connections, *, allowed_origins: Collection[str] = ()) -> None:
        self._connections = connections
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket to its end."""
        socket = scope["extensions"].get(EXTENSION)
        if not isinstance(socket, GridSocket):
            raise ConfigurationError("Serve /ws with server.live.protocol.websocket_options()")
        websocket = WebSocket(scope, receive, send)
        offered = scope.get("subprotocols", [])
        await receive()  # websocket.connect
        await send(
            {"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in offered else None}
        )
        token, _ = token_of(websocket)
        connection = self._connections.connect(socket, network_of(address_of(websocket)), token)
        socket.listener = connection
        socket.dismiss = partial(self._connections.dismiss, connection)
        self._check(websocket, offered, connection)
        try:
            while True:
                event = await receive()
                if event["type"] == "websocket.disconnect":
                    break
                # A text message has no bytes, and is none of this protocol.
                await connection.receive(event.get("bytes"))
        finally:
            connection.lost()

    def _check(self, websocket: WebSocket, offered: Collection[str], connection: Connection) -> None:
        """After the upgrade, since only then can a page be told why it is turned away."""
        session = connection.session
        if not is_own_origin(websocket, self._allowed_origins):
            connection.perform(session.end(FORBIDDEN, "this origin may not connect"))
        elif offered and SUBPROTOCOL not in offered:
            connection.perform(session.end(PROTOCOL_VERSION, f"this server speaks {SUBPROTOCOL}"))
