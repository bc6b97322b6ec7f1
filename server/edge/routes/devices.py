"""Kiosks: as admins keep them, and the door at which one is paired."""

from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request

from server.commands import Id, Name, Text
from server.edge.authentication import address_of, device_cookies
from server.edge.endpoint import Answer, Endpoint, Endpoints
from server.edge.fields import Asked, Changes, Told, ToldInstant, changed
from server.edge.paging import Page, PageQuery, page_of
from server.errors import NotActive, NotFound, TooMany, Unauthenticated, Unavailable
from server.principal import Principal
from server.service.access import Action
from server.service.administration.devices import Devices, Offered
from server.service.rate_limits import RateLimits
from server.storage.devices import StoredDevice


class DevicePost(Asked):
    """A new kiosk."""

    location_id: Id
    name: Name


class DevicePatch(Changes):
    """What is to change. ``pair_again`` asks for a new pairing code, with which another screen takes the kiosk's place."""

    location_id: Id = 0
    name: Name = ""
    pair_again: bool = False


class DeviceQuery(PageQuery):
    """Which devices: of a location or of all, and those in use or those that were revoked."""

    location_id: Id | None = None
    revoked: bool = False


class Pairing(Asked):
    """The code that an admin was shown, in any case, with spaces or dashes."""

    pairing_code: Annotated[Text, Field(min_length=1, max_length=50)]


class Device(Told):
    """A kiosk, as it is told itself."""

    id: int
    location_id: int
    name: str


class AdministeredDevice(Device):
    """A kiosk as admins see it. ``pairing_code`` and ``expires_at`` are there where a code was just made, and once."""

    paired_at: ToldInstant | None
    last_seen_at: ToldInstant | None
    revoked_at: ToldInstant | None
    created_by: int | None
    created_at: ToldInstant
    pairing_code: str | None = None
    expires_at: ToldInstant | None = None


class Paired(Told):
    """A kiosk's token, which is good until it is revoked."""

    access_token: str
    device: Device


def told_device(device: StoredDevice) -> AdministeredDevice:
    """The device as admins are told of it."""
    return AdministeredDevice(**_told(device))


def offered_device(offered: Offered) -> AdministeredDevice:
    """The device, with its code if one was made."""
    told = _told(offered.device)
    if offered.pairing_code is not None:
        told |= {"pairing_code": offered.pairing_code, "expires_at": offered.device.pairing_expires_at}
    return AdministeredDevice(**told)


def _told(device: StoredDevice) -> dict[str, Any]:
    return {
        "id": device.id,
        "location_id": device.location_id,
        "name": device.name,
        "paired_at": device.paired_at,
        "last_seen_at": device.last_seen_at,
        "revoked_at": device.revoked_at,
        "created_by": device.created_by,
        "created_at": device.created_at,
    }


def device_endpoints(devices: Devices, limits: RateLimits) -> list[Endpoint]:
    """Keeping kiosks, and pairing them."""
    return [*_administration(devices), *_pairing(devices, limits)]


def _pairing(devices: Devices, limits: RateLimits) -> Endpoints:
    endpoints = Endpoints("Sign-in")

    @endpoints.post(
        "/api/auth/device",
        summary="Pair a kiosk",
        answer=Paired,
        faults=(Unauthenticated, TooMany, Unavailable),
        own_origin=True,
        example={"pairing_code": "7K2M9P"},
    )
    async def pair(request: Request, body: Pairing) -> Answer:
        """The code is good once. A code that is wrong, used or over is answered alike. The token is set as a cookie too,
        and does not end by itself.
        """
        await limits.pair(address_of(request))
        device, token = await devices.pair(body.pairing_code)
        paired = Paired(
            access_token=token,
            device=Device(id=device.id, location_id=device.location_id, name=device.name),
        )
        return Answer(body=paired, headers=device_cookies(request, token))

    return endpoints


def _administration(devices: Devices) -> Endpoints:
    endpoints = Endpoints("Administration")
    admins: dict[str, Any] = {"action": Action.ADMINISTER}

    @endpoints.get(
        "/api/admin/devices",
        summary="List the kiosks",
        answer=Page[AdministeredDevice],
        example={"location_id": 1},
        **admins,
    )
    async def list_devices(caller: Principal, query: DeviceQuery) -> Page[AdministeredDevice]:
        """In order of id; those that were revoked with ``revoked=true``."""
        after = query.after(int)
        found = await devices.listed(
            caller,
            location_id=query.location_id,
            revoked=query.revoked,
            after=after[0] if after else None,
            limit=query.limit + 1,
        )
        return page_of(found, query.limit, told_device, lambda each: (each.id,))

    @endpoints.post(
        "/api/admin/devices",
        summary="Register a kiosk",
        answer=AdministeredDevice,
        status=201,
        faults=(NotFound,),
        example={"location_id": 1, "name": "Lobby screen"},
        **admins,
    )
    async def register(caller: Principal, body: DevicePost) -> AdministeredDevice:
        """Answers with the six characters that pair it, for ten minutes and once."""
        return offered_device(await devices.register(caller, body.location_id, body.name))

    @endpoints.get("/api/admin/devices/{device_id}", summary="A kiosk", answer=AdministeredDevice, **admins)
    async def read(caller: Principal, device_id: int) -> AdministeredDevice:
        return told_device(await devices.get(caller, device_id))

    @endpoints.patch(
        "/api/admin/devices/{device_id}",
        summary="Change a kiosk",
        answer=AdministeredDevice,
        faults=(NotActive,),
        example={"name": "Lobby screen, left", "pair_again": True},
        **admins,
    )
    async def change(caller: Principal, device_id: int, body: DevicePatch) -> AdministeredDevice:
        """What is left out stays. With ``pair_again`` it answers with a new code; the screen that is paired goes on until
        the code is used.
        """
        changes = changed(body)
        changes.pop("pair_again", None)
        return offered_device(await devices.change(caller, device_id, changes, pair_again=body.pair_again))

    @endpoints.delete("/api/admin/devices/{device_id}", summary="Revoke a kiosk", **admins)
    async def revoke(caller: Principal, device_id: int) -> None:
        """It is signed out within seconds, on open sockets too, and cannot be paired any more."""
        await devices.revoke(caller, device_id)

    return endpoints
