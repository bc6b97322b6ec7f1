"""The live layer: each location's replica on this node, and the sockets that watch it.

Belongs here: sessions, rooms, fan-out, presence. Does not belong here: judging or changing anything (``server.service``),
queries (``server.storage``) and the shape of messages (``server.wire``).
"""
