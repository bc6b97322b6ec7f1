"""The innermost loop: the same bytes to many sockets.

Belongs here: that loop and nothing slower. Does not belong here: building frames (``ring``), or deciding who is in step
(``watchers``).

What is in the loop costs as often as there are sockets, and with many sockets it is cache misses that cost: so it touches a
socket's own ``send`` and nothing else of it. Whether that may be used, the socket says beforehand (``Outlet.push``); slow
sockets take themselves out of the cohort, and closing ones before they close.
"""

from collections.abc import Callable, Iterator

from server.live.watch import Watch


class Cohort:
    """Those who were all sent the same last version."""

    def __init__(self) -> None:
        self._sends: dict[Watch, Callable[[bytes], int]] = {}
        self._listed: tuple[list[Watch], list[Callable[[bytes], int]]] | None = None

    def __len__(self) -> int:
        return len(self._sends)

    def __iter__(self) -> Iterator[Watch]:
        return iter(list(self._sends))

    def __contains__(self, watch: Watch) -> bool:
        return watch in self._sends

    def put(self, watch: Watch) -> None:
        """Add it or, if it is here, take note of the way its outlet wants to be written to now."""
        self._sends[watch] = watch.outlet.push
        self._listed = None

    def discard(self, watch: Watch) -> bool:
        """Whether it was here."""
        self._listed = None
        return self._sends.pop(watch, None) is not None

    def fan_out(self, frame: bytes) -> None:
        """Write the frame to all. O(sockets)."""
        if self._listed is None:
            self._listed = list(self._sends), list(self._sends.values())
        watches, sends = self._listed
        size = len(frame)
        unfinished: list[tuple[Watch, int]] = []
        for place, send in enumerate(sends):
            try:
                sent = send(frame)
            except OSError:
                sent = 0  # full, or broken: the outlet finds out which
            if sent != size:
                unfinished.append((watches[place], sent))
        for watch, sent in unfinished:
            watch.outlet.rest(frame, sent)

    def fan_out_but(self, frame: bytes, session: str) -> None:
        """Write the frame to all but one session's."""
        for watch in self:
            if watch.session != session:
                watch.outlet.write(frame)
