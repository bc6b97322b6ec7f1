"""Providers' signatures: the vectors that they publish, and whatever else may come in their place."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretStr
from starlette.applications import Starlette
from starlette.testclient import TestClient

from server.clock import ManualClock
from server.edge.endpoint import Endpoints
from server.edge.parsing import FORM
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.edge.signatures import HubSpotSignature, TwilioSignature
from server.integrations import hubspot, twilio
from tests.conftest import NOON
from tests.edge.test_endpoint import OpenDoor

SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
TOKEN = "12345"
PUBLIC = "https://grid.example.com"
NOW = str(NOON * 1000)
FIELDS = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}


class Called(BaseModel):
    model_config = ConfigDict(extra="ignore")
    Digits: str = ""


def client_of(public_url=None, *, secret=SECRET, token=TOKEN, base_url="http://testserver"):
    endpoints = Endpoints("Callbacks")
    clock = ManualClock(NOON)
    by_hubspot = HubSpotSignature(SecretStr(secret) if secret else None, clock, public_url)
    by_twilio = TwilioSignature(SecretStr(token) if token else None, public_url)

    @endpoints.post("/api/json", summary="JSON", signature=by_hubspot, example=[{}])
    async def json(body: list[Called]) -> None:
        pass

    @endpoints.post(
        "/api/form", summary="A form", signature=by_twilio, body_media_type=FORM, example={"Digits": "1"}
    )
    async def form(body: Called) -> None:
        assert isinstance(body.Digits, str)

    app = Starlette(routes=routes_of(endpoints, OpenDoor()), exception_handlers=EXCEPTION_HANDLERS)
    return TestClient(app, base_url=base_url, raise_server_exceptions=True)


def hubspots(
    client, raw=b"[]", *, address="http://testserver/api/json", path="/api/json", timestamp=NOW, **headers
):
    signature = hubspot.signature(SECRET, "POST", address, raw, timestamp)
    sent = {
        "content-type": "application/json",
        hubspot.SIGNATURE_HEADER: signature,
        hubspot.TIMESTAMP_HEADER: timestamp,
    }
    return client.post(path, content=raw, headers=sent | headers)


def twilios(client, fields=FIELDS, *, address="http://testserver/api/form", path="/api/form", **headers):
    raw = urlencode(fields)
    signature = twilio.signature(TOKEN, address, parse_qsl(raw, keep_blank_values=True))
    sent = {"content-type": FORM, twilio.SIGNATURE_HEADER: signature}
    return client.post(path, content=raw, headers=sent | headers)


def test_h1_the_signature_is_that_of_hubspots_published_vector():
    body = b"{'example_field':'example_value'}"
    address = "https://www.example.com/webhook_uri"
    given = hubspot.signature(SECRET, "POST", address, body, "15000000")
    assert given == "HPW73RUtKmcYoEDADG0s6MmGFWUzWJKAW07r8RDgcQw="


def test_n5_the_signature_is_that_of_twilios_published_vectors():
    address = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = [*FIELDS.items(), ("Caller", "+14158675309")]
    assert twilio.signature(TOKEN, address, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    twice = [
        ("Sid", "CA123"),
        ("SidAccount", "AC123"),
        ("Digits", "5678"),
        ("Digits", "1234"),
        ("Digits", "1234"),
    ]
    assert twilio.signature(TOKEN, address, twice) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


def test_h1_the_address_is_signed_with_some_of_its_characters_decoded():
    body, encoded = b"[]", "https://x.example/a?next=%2Fb%3fc%20d%2Be%C3%A9"
    given = hubspot.signature(SECRET, "POST", encoded, body, NOW)
    assert given == hubspot.signature(
        SECRET, "POST", "https://x.example/a?next=/b?c%20d%2Be%C3%A9", body, NOW
    )
    assert hubspots(
        client_of(), path="/api/json?next=%2Fb", address="http://testserver/api/json?next=/b"
    ).is_success


def test_h1_n5_what_is_signed_is_let_in_by_the_address_that_the_provider_used():
    direct, proxied = client_of(), client_of(PUBLIC)
    for client, base in ((direct, "http://testserver"), (proxied, PUBLIC)):
        assert hubspots(client, address=f"{base}/api/json").status_code == 204
        assert twilios(client, address=f"{base}/api/form").status_code == 204
        assert (
            twilios(client, address=f"{base}/api/form?a=b%20c", path="/api/form?a=b%20c").status_code == 204
        )
    assert hubspots(proxied).status_code == 403
    assert twilios(proxied).status_code == 403


@pytest.mark.parametrize(
    ("base_url", "signed"),
    [
        ("http://testserver", "http://testserver:80"),
        ("https://testserver", "https://testserver:443"),
        ("http://testserver:8000", "http://testserver"),
    ],
)
def test_h1_n5_a_port_may_be_signed_or_left_out(base_url, signed):
    client = client_of(base_url=base_url)
    assert hubspots(client, address=f"{signed}/api/json").status_code == 204
    assert twilios(client, address=f"{signed}/api/form").status_code == 204


def test_h1_n5_whatever_is_wrong_is_told_one_and_the_same():
    client = client_of()
    answers = [
        client.post("/api/json", json=[]),
        client.post("/api/json", content=b"not JSON", headers={"content-type": "application/json"}),
        hubspots(client, **{hubspot.SIGNATURE_HEADER: ""}),
        hubspots(client, **{hubspot.SIGNATURE_HEADER: "é".encode()}),
        hubspots(client, **{hubspot.TIMESTAMP_HEADER: str(int(NOW) + 1)}),
        hubspots(client, path="/api/json?x=1"),
        hubspots(client, host="other.example"),
        hubspots(client, host="[::"),
        client.post("/api/form", data={"Digits": "1"}),
        client.post("/api/form", content=b"Digits=%ff", headers={"content-type": FORM}),
        client.post("/api/form", content=b"\xff\xfe", headers={"content-type": FORM}),
        twilios(
            client, FIELDS | {"Digits": "9"}, **{twilio.SIGNATURE_HEADER: "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
        ),
        twilios(client, {f"f{number}": "x" for number in range(101)}),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_h1_five_minutes_are_the_window(seconds):
    assert hubspots(client_of(), timestamp=str((NOON + seconds) * 1000)).status_code == 204


@pytest.mark.parametrize(
    "timestamp", [str((NOON - 301) * 1000), str((NOON + 301) * 1000), "", "-1", "1e12", "9" * 40, "x"]
)
def test_h1_what_was_signed_at_another_time_is_refused(timestamp):
    assert hubspots(client_of(), timestamp=timestamp).status_code == 403


def test_h1_n5_a_provider_that_is_not_configured_has_no_door():
    client = client_of(secret=None, token=None)
    assert (hubspots(client).status_code, hubspots(client).json()["code"]) == (404, "not_found")
    assert "BAYGRID_HUBSPOT_CLIENT_SECRET" in hubspots(client).json()["detail"]
    assert "BAYGRID_TWILIO_AUTH_TOKEN" in twilios(client).json()["detail"]
    assert client.post("/api/json", json=[]).status_code == 403


def test_a_signed_body_is_read_as_strictly_as_any_other():
    client = client_of()
    assert hubspots(client, b"{").json()["code"] == "invalid_json"
    assert hubspots(client, b'[{"Digits": 5}]').json()["errors"][0]["pointer"] == "/0/Digits"
    assert hubspots(client, b"[" + b" " * 1024 * 1024 + b"]").status_code == 413
    assert hubspots(client, **{"content-type": FORM}).status_code == 415
    assert twilios(client, **{"content-type": "application/json"}).status_code == 415
    assert twilios(client, {"Digits": "é"}).status_code == 204
    assert twilios(client, {}).status_code == 204
    assert twilios(client, {"Digits": "\x00"}).json()["errors"][0]["pointer"] == "/Digits"
    assert twilios(client, [("Digits", "1"), ("Digits", "2")]).status_code == 400


ANYTHING = client_of()
"""Nothing that it answers depends on what it was asked before."""


@given(st.binary(max_size=60))
def test_h1_n5_no_bytes_end_in_a_fault_of_ours_signed_or_not(raw):
    assert hubspots(ANYTHING, raw).status_code in (204, 400)
    for headers in ({}, {twilio.SIGNATURE_HEADER: raw.hex()}):
        answer = ANYTHING.post("/api/form", content=raw, headers={"content-type": FORM} | headers)
        assert answer.status_code == 403
    try:
        fields = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return
    signature = twilio.signature(TOKEN, "http://testserver/api/form", fields)
    sent = {"content-type": FORM, twilio.SIGNATURE_HEADER: signature}
    assert ANYTHING.post("/api/form", content=raw, headers=sent).status_code in (204, 400)


def test_what_is_signed_has_a_body():
    endpoints = Endpoints("Callbacks")
    with pytest.raises(TypeError, match="what is signed is a body"):

        @endpoints.post("/api/x", summary="X", signature=TwilioSignature(None, None))
        async def nothing() -> None:
            pass
