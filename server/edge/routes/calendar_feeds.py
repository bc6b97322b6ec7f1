"""Calendar feeds: the caller's link, and the calendar behind it."""

import asyncio
from typing import Any

from starlette.requests import Request

from server.edge.authentication import address_of
from server.edge.endpoint import Answer, Endpoints
from server.edge.fields import Told, ToldInstant
from server.edge.icalendar import icalendar_of, icalendar_tag
from server.edge.parsing import none_match
from server.errors import Forbidden, NotFound, TooMany, Unavailable
from server.principal import Principal
from server.service.access import Action
from server.service.calendar_feeds import CalendarFeeds
from server.service.rate_limits import RateLimits


class FeedBody(Told):
    """Since when the caller has a link; null without one."""

    created_at: ToldInstant | None


class NewFeedBody(Told):
    """The caller's link. It is shown this once: whoever has it sees when and where the caller's bookings are."""

    url: str
    created_at: ToldInstant


def calendar_feed_endpoints(
    feeds: CalendarFeeds, limits: RateLimits, public_url: str | None = None
) -> Endpoints:
    """One's own bookings, for a calendar to subscribe to. Links begin with ``public_url``, or as the caller called us."""
    endpoints = Endpoints("Calendar")

    @endpoints.get("/api/me/calendar", summary="Whether I have a calendar link", answer=FeedBody)
    async def read_own(caller: Principal) -> FeedBody:
        """The link itself is not kept: whoever has lost it makes another."""
        return FeedBody(created_at=await feeds.created_at(caller))

    @endpoints.post("/api/me/calendar", summary="Make my calendar link", answer=NewFeedBody, status=201)
    async def create(caller: Principal, request: Request) -> NewFeedBody:
        """A new link, for a calendar to subscribe to. The one before opens nothing from now on."""
        token, created_at = await feeds.create(caller)
        base = public_url or str(request.base_url).rstrip("/")
        return NewFeedBody(url=f"{base}/calendar/{token}.ics", created_at=created_at)

    @endpoints.delete("/api/me/calendar", summary="Revoke my calendar link")
    async def revoke(caller: Principal) -> None:
        """It opens nothing from now on; without one nothing changes."""
        await feeds.revoke(caller)

    administered: dict[str, Any] = {"action": Action.ADMINISTER}

    @endpoints.delete(
        "/api/admin/users/{user_id}/calendar", summary="Revoke an account's calendar link", **administered
    )
    async def revoke_of(caller: Principal, user_id: int) -> None:
        """It opens nothing from now on; without one nothing changes."""
        await feeds.revoke_of(caller, user_id)

    @endpoints.get(
        "/calendar/{token}.ics",
        summary="A person's bookings as iCalendar",
        answer=str,
        media_type="text/calendar",
        conditional=True,
        faults=(Forbidden, TooMany, Unavailable),
    )
    async def calendar(request: Request, token: str) -> Answer:
        """Those of the last thirty days and all to come, cancelled ones too. A booking keeps its UID; its SEQUENCE grows
        with every change. Where nothing changed the answer to ``If-None-Match`` is 304.
        """
        address = address_of(request)
        await limits.show_link(address)
        try:
            bookings = await feeds.read(token)
        except NotFound:
            await limits.count_wrong_link(address)
            raise
        etag = icalendar_tag(bookings)
        if none_match(request, etag):
            return Answer(etag=etag)
        return Answer(
            # In a thread: a long calendar takes longer than others should wait for.
            body=await asyncio.to_thread(icalendar_of, bookings),
            etag=etag,
            headers=(("content-disposition", 'inline; filename="baygrid.ics"'), ("x-robots-tag", "noindex")),
        )

    return endpoints
