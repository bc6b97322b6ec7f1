"""Frames of RFC 6455 as a server sends them.

Belongs here: the few bytes round a payload. Does not belong here: reading frames, or closing (the websockets library's).
"""

from server.wire.codec import encode
from server.wire.messages import ServerMessage

_BINARY = 0x82  # FIN, opcode 2


def frame(payload: bytes) -> bytes:
    """The payload as one unmasked binary frame (RFC 6455, section 5.2); any number of sockets may be sent the same bytes."""
    length = len(payload)
    if length < 126:
        header = bytes((_BINARY, length))
    elif length < 1 << 16:
        header = bytes((_BINARY, 126)) + length.to_bytes(2, "big")
    else:
        header = bytes((_BINARY, 127)) + length.to_bytes(8, "big")
    return header + payload


def frame_of(message: ServerMessage) -> bytes:
    """The message, encoded and framed."""
    return frame(encode(message))
