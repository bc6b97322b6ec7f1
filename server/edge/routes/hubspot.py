"""What HubSpot calls when its contacts change.

Belongs here: the shape of HubSpot's events, and what each is to us. Does not belong here: what an account takes of them
(``server.service.hubspot``).
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, cast

import structlog
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from server.commands import Name, Phone
from server.edge.endpoint import Endpoints, Signature
from server.edge.fields import Email
from server.edge.routes.accounts import Tier
from server.edge.routes.users import Tags
from server.errors import Unavailable
from server.service.hubspot.contacts import ContactDeleted, ContactEvent, Contacts, ContactsMerged
from server.service.hubspot.ownership import Property, PropertyChange

CONTACTS = "0-1"
"""HubSpot's id of the type of contacts, in events of its newer kind."""
MOST_EVENTS = 1_000
"""HubSpot sends a hundred at most."""

_READERS: dict[Property, TypeAdapter[Any]] = {
    "tags": TypeAdapter(Tags),
    "tier": TypeAdapter(Tier),
    "first_name": TypeAdapter(Name),
    "last_name": TypeAdapter(Name),
    "email": TypeAdapter(Email),
    "phone": TypeAdapter(Phone),
}

_log = structlog.get_logger(__name__)


class HubSpotEvent(BaseModel):
    """One thing that happened in HubSpot, in HubSpot's words. Fields that are not named here are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subscriptionType: str = Field(examples=["contact.propertyChange"])  # noqa: N815  # HubSpot's name
    occurredAt: int = Field(ge=0, lt=2**53)  # noqa: N815  # HubSpot's name
    eventId: int | None = None  # noqa: N815  # HubSpot's name
    objectId: int | None = None  # noqa: N815  # HubSpot's name
    objectTypeId: str | None = None  # noqa: N815  # HubSpot's name
    propertyName: str | None = None  # noqa: N815  # HubSpot's name
    propertyValue: str | int | float | bool | None = None  # noqa: N815  # HubSpot's name
    changeSource: str = ""  # noqa: N815  # HubSpot's name
    primaryObjectId: int | None = None  # noqa: N815  # HubSpot's name
    mergedObjectIds: list[int] = Field(default_factory=list)  # noqa: N815  # HubSpot's name
    newObjectId: int | None = None  # noqa: N815  # HubSpot's name


HubSpotEvents = Annotated[list[HubSpotEvent], Field(max_length=MOST_EVENTS)]


def hubspot_endpoints(
    contacts: Contacts, signature: Signature, *, tags_property: str, tier_property: str
) -> Endpoints:
    """Where HubSpot's webhooks lead. The properties are the names that tags and tier have in HubSpot."""
    endpoints = Endpoints("Callbacks")
    properties: dict[str, Property] = {
        tags_property: "tags",
        tier_property: "tier",
        "firstname": "first_name",
        "lastname": "last_name",
        "email": "email",
        "phone": "phone",
    }

    @endpoints.post(
        "/api/webhooks/hubspot",
        summary="HubSpot's contacts changed",
        signature=signature,
        faults=(Unavailable,),
        example=[
            {
                "eventId": 3816279340,
                "subscriptionType": "contact.propertyChange",
                "objectId": 1246965,
                "propertyName": tier_property,
                "propertyValue": "GOLD",
                "changeSource": "CRM_UI",
                "occurredAt": 1_812_225_600_000,
            }
        ],
    )
    async def take(body: HubSpotEvents) -> None:
        """For HubSpot, which signs what it sends (version 3): 403 without its signature, or if it signed more than five minutes
        ago. Contacts that are changed, deleted or merged change the accounts that they are linked to before this answers.
        What came before, or comes late, changes nothing, nor do contacts that nobody is linked to and events of other kinds.
        404 where HubSpot is not configured.
        """
        await contacts.take(each for event in body for each in _events(event, properties))

    return endpoints


def _events(event: HubSpotEvent, properties: dict[str, Property]) -> Iterator[ContactEvent]:
    """What the event is to us: nothing or one thing."""
    noun, _, happening = event.subscriptionType.partition(".")
    if noun != "contact" and not (noun == "object" and event.objectTypeId == CONTACTS):
        return
    when: dict[str, Any] = {"occurred_at": event.occurredAt, "digest": _digest(event)}
    match happening:
        case "propertyChange" if event.objectId is not None and event.propertyName in properties:
            named = properties[event.propertyName]
            try:
                value = _value(named, event.propertyValue)
            except ValidationError:
                _log.warning("hubspot_value_unusable", contact_id=event.objectId, property=event.propertyName)
                return
            yield PropertyChange(
                contact_id=str(event.objectId), property=named, value=value, source=event.changeSource, **when
            )
        case "deletion" | "privacyDeletion" if event.objectId is not None:
            yield ContactDeleted(contact_id=str(event.objectId), **when)
        case "merge" if event.primaryObjectId is not None:
            left = event.primaryObjectId if event.newObjectId is None else event.newObjectId
            yield ContactsMerged(
                contact_id=str(left),
                primary_id=str(event.primaryObjectId),
                merged_ids=tuple(str(each) for each in event.mergedObjectIds),
                **when,
            )


def _value(named: Property, told: Any) -> str | tuple[str, ...] | None:
    """A property's value as an account may hold it; HubSpot's empty text is none.

    Raises:
        ValidationError: if no account can hold it.
    """
    raw: Any = told.strip() if isinstance(told, str) else told
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        match named:
            case "tags":
                raw = tuple(tag.strip() for tag in raw.split(";") if tag.strip())
            case "tier":
                raw = raw.upper()
            case "phone":
                raw = re.sub(r"[\s().\-/]", "", raw)
    return cast("str | tuple[str, ...]", _READERS[named].validate_python(raw, strict=True))


def _digest(event: HubSpotEvent) -> bytes:
    """Tells events apart whose ids HubSpot does not promise to be unique; the same for every attempt at one."""
    return hashlib.sha256(json.dumps(event.model_dump(), sort_keys=True).encode()).digest()
