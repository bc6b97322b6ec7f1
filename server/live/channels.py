"""What the nodes say to each other, and on which channels.

Belongs here: names and envelopes. Every message starts with the id of the node that sent it, since a node also hears itself.
"""

import secrets
from typing import Final

NODE_ID_BYTES: Final = 8

NODES: Final = "nodes"
"""One for all nodes: accounts and devices changed, so look again at whose sockets are open (A5)."""


def location_channel(location_id: int) -> str:
    """Where a location's diffs are published after their commit."""
    return f"location:{location_id}"


def presence_channel(location_id: int) -> str:
    """Where the drags at a location are published."""
    return f"presence:{location_id}"


def new_node_id() -> bytes:
    """An id that no other node has."""
    return secrets.token_bytes(NODE_ID_BYTES)
