"""The sessions that watch one location on this node, and what is sent to them when it changes.

Belongs here: who is in step and who is behind, pacing, and the order of messages. Does not belong here: the location's
state (``room``), the encoded versions (``ring``), or sockets.

Everybody in step was sent exactly ``sent``. Whoever drains is taken out of step and costs nothing until it drained; then
the ring serves what it missed, joined into one message (W3).
"""

from collections.abc import Callable, Iterator
from typing import Final

from grid_engine.audience import Audience
from server.live.fanout import Cohort
from server.live.frames import frame_of
from server.live.presence import Ghosts
from server.live.ring import Ring
from server.live.timers import Timer, Timers
from server.live.watch import Watch
from server.wire.messages import Presence, StaleMessage

WINDOW_SECONDS: Final = 0.010
"""After something was sent, what follows within this time is joined and sent at its end. The first is never held back."""
SECONDS_PER_SOCKET: Final = 10e-6
"""Added to the window for every socket: about what sending to it costs, so that at most half the time goes into it."""

OwnFrame = Callable[[int], tuple[bytes, bool]]
"""Of a customer: the ``own`` frame as of now, and whether it has any records."""


class Watchers:
    """Who watches one location; ``sent`` is the version that all in step were sent."""

    def __init__(self, location_id: int, ring: Ring, timers: Timers, own: OwnFrame) -> None:
        self._location_id = location_id
        self._ring = ring
        self._timers = timers
        self._own = own
        self._cohorts = {audience: Cohort() for audience in Audience}
        self._behind: dict[Watch, None] = {}
        self._customers: dict[int, dict[Watch, None]] = {}
        self._quiet_until = float("-inf")
        self._flush_timer: Timer | None = None
        self._stale: str | None = None
        self.ghosts = Ghosts(location_id)
        self.sent = ring.version

    def __len__(self) -> int:
        return sum(map(len, self._cohorts.values())) + len(self._behind)

    def __iter__(self) -> Iterator[Watch]:
        for cohort in self._cohorts.values():
            yield from cohort
        yield from list(self._behind)

    def version_sent_to(self, watch: Watch) -> int:
        """The version that the watch was sent last."""
        return self.sent if watch in self._cohorts[watch.audience] else watch.have

    # Coming and going

    def join(self, watch: Watch) -> None:
        """Add a watch that was sent everything up to ``watch.have``; it is sent the rest, now or when it drained."""
        self._behind[watch] = None
        if watch.user_id is not None:
            self._customers.setdefault(watch.user_id, {})[watch] = None
        self.serve(watch)

    def leave(self, watch: Watch) -> None:
        """Send it nothing any more. Does nothing if it is not here."""
        self._cohorts[watch.audience].discard(watch)
        self._behind.pop(watch, None)
        if watch.user_id is not None:
            theirs = self._customers.get(watch.user_id, {})
            theirs.pop(watch, None)
            if not theirs:
                self._customers.pop(watch.user_id, None)

    def fall_behind(self, watch: Watch) -> None:
        """Its outlet began to drain: queue nothing for it. O(1)."""
        if self._cohorts[watch.audience].discard(watch):
            watch.have = self.sent
            watch.ghosts_seen = self.ghosts.sessions - {watch.session}
            self._behind[watch] = None

    def reroute(self, watch: Watch) -> None:
        """Its outlet wants to be written to in another way. O(1)."""
        cohort = self._cohorts[watch.audience]
        if watch in cohort:
            cohort.put(watch)

    def serve(self, watch: Watch) -> None:
        """Its outlet can be written to: send what it missed, and take it back into step unless it drains again."""
        outlet = watch.outlet
        if watch not in self._behind or outlet.draining:
            return
        self.flush()
        if not self._ring.holds(watch.have):
            self.leave(watch)
            outlet.resync(self._location_id, "too far behind")
            return
        if watch.have < self.sent:
            if watch.user_id in self._ring.customers(watch.have, self.sent):
                watch.own_due = True
            missed = self._ring.frame(watch.have, self.sent, watch.audience)
            watch.have = self.sent
            outlet.write(missed)
        if watch.own_due and not outlet.draining:
            self._tell_own(watch)
        if watch.stale_told != self._stale and not outlet.draining:
            watch.stale_told = self._stale
            outlet.write(self._stale_frame())
        if watch.audience is Audience.STAFF and not outlet.draining:
            self._show_ghosts(watch)
        if not outlet.draining:
            del self._behind[watch]
            self._cohorts[watch.audience].put(watch)

    def reset(self, ring: Ring, reason: str) -> None:
        """The version stream was broken off and ``ring`` begins another: everybody has to subscribe afresh (W2)."""
        self._ring = ring
        self.sent = ring.version
        self.give_up(reason)

    def give_up(self, reason: str) -> None:
        """Send everybody away, to subscribe afresh."""
        everybody = list(self)
        for watch in everybody:
            self.leave(watch)
        for watch in everybody:
            watch.outlet.resync(self._location_id, reason)

    # Telling

    def announce(self) -> None:
        """The ring has versions that were not sent: send them now or, when much is going on, soon and joined. O(sockets)."""
        if self._flush_timer is not None:
            return
        wait = self._quiet_until - self._timers.time()
        if wait <= 0:
            self.flush()
        else:
            self._flush_timer = self._timers.call_later(wait, self.flush)

    def flush(self) -> None:
        """Send what the ring has to all who are in step. O(sockets), and a few microseconds where there is nothing to send."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        base, version = self.sent, self._ring.version
        if base == version:
            return
        self.sent = version
        sockets = 0
        for audience, cohort in self._cohorts.items():
            if cohort:
                sockets += len(cohort)
                cohort.fan_out(self._ring.frame(base, version, audience))
        if self._customers:
            for user_id in self._ring.customers(base, version):
                for watch in list(self._customers.get(user_id, ())):
                    watch.own_due = True
                    if watch not in self._behind and not watch.outlet.draining:
                        self._tell_own(watch)
        self._quiet_until = self._timers.time() + WINDOW_SECONDS + sockets * SECONDS_PER_SOCKET

    def tell_stale(self, reason: str | None) -> None:
        """What is shown may be out of date, for this reason; or, with None, it is not any more (P2)."""
        if reason == self._stale:
            return
        self._stale = reason
        told = self._stale_frame()
        for cohort in self._cohorts.values():
            for watch in cohort:
                watch.stale_told = reason
            cohort.fan_out(told)

    def show(self, presence: Presence) -> bool:
        """A session's drag, or its end, for all staff but itself. Whether there was anything to show."""
        shown = self.ghosts.take(presence, self._timers.time())
        if shown is not None:
            self._cohorts[Audience.STAFF].fan_out_but(shown, presence.session)
        return shown is not None

    def bury(self) -> None:
        """Take away the ghosts of sessions that have been silent for too long (G9)."""
        for session, ended in self.ghosts.expire(self._timers.time()):
            self._cohorts[Audience.STAFF].fan_out_but(ended, session)

    def _tell_own(self, watch: Watch) -> None:
        assert watch.user_id is not None
        told, any_records = self._own(watch.user_id)
        watch.own_due, watch.own_sent = False, any_records
        watch.outlet.write(told)

    def _stale_frame(self) -> bytes:
        return frame_of(StaleMessage(self._location_id, self._stale is not None, self._stale or "up to date"))

    def _show_ghosts(self, watch: Watch) -> None:
        ghosts = self.ghosts
        frames = [ghosts.end_of(session) for session in watch.ghosts_seen - ghosts.sessions]
        frames += [frame for session, frame in ghosts.frames.items() if session != watch.session]
        watch.ghosts_seen = frozenset()
        if frames:
            watch.outlet.write(b"".join(frames))
