"""The innermost loop: the same bytes to many sockets.

Belongs here: that loop and nothing slower. Does not belong here: building frames (``ring``), or deciding who is in step
(``watchers``). What is in the loop costs as often as there are sockets: a dictionary of bound writes, no check per socket.
Slow sockets take themselves out of the cohort when their buffer passes its mark, and closing ones before they close.
"""

from collections.abc import Callable, MutableMapping

from server.live.watch import Watch

Cohort = MutableMapping[Watch, Callable[[bytes], None]]
"""Those who were all sent the same last version, each with the write of its socket."""


def fan_out(frame: bytes, cohort: Cohort, *, but: str | None = None) -> None:
    """Write the frame to all, or to all but one session's. Sockets that cannot be written to any more are put out."""
    for watch, write in list(cohort.items()):
        if but is not None and watch.session == but:
            continue
        try:
            write(frame)
        except (RuntimeError, OSError):
            # The transport was closed in this very turn of the loop; its connection is told of that by itself.
            cohort.pop(watch, None)
