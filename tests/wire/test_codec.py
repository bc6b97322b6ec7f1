"""The codec: messages as bytes, what strangers send, and the tripwire on the protocol."""

import datetime as dt
import hashlib
import json
import math
import struct
import uuid
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.commands import BODIES, Cancel, Create, Nothing
from server.errors import Malformed, NotFound
from server.wire.codec import MAX_DEPTH, Undecodable, decode_client, encode, encode_diff, to_plain
from server.wire.messages import (
    CLIENT_MESSAGES,
    PROTOCOL,
    SERVER_MESSAGES,
    Ack,
    Act,
    Auth,
    BadArguments,
    Bye,
    DiffMessage,
    Drag,
    Hello,
    Judge,
    MyPresence,
    Nak,
    Own,
    Ping,
    Pong,
    Presence,
    Resync,
    ServerMessage,
    Since,
    Snapshot,
    StaleMessage,
    Subscribe,
    Tick,
    Unsubscribe,
    VerdictMessage,
    Welcome,
)

VECTORS = Path(__file__).parent / "vectors.json"
UUID = "0199f0f5-6a3c-7cc0-8f3e-6a1b0d5c9e21"
CREATE: dict[str, Any] = {
    "resource_id": 3,
    "start_time": "2027-06-05T14:00:00Z",
    "end_time": "2027-06-05T15:00:00Z",
}

SERVER_SAMPLES: list[ServerMessage] = [
    Welcome("s3ss10n", "staff", 7, 1_811_851_200, 10),
    Welcome("k10sk", "kiosk", None, 1_811_851_200, 10),
    Snapshot(
        location=1,
        epoch="e",
        version=41,
        from_="2027-06-05",
        days=1,
        timezone="America/New_York",
        rows={"2027-06-05": [1_812_168_000, 1_812_169_800]},
        resources=[{"id": 3, "name": "Bay 3", "position": 1, "active": True}],
        records=[
            {
                "id": "g",
                "resource_id": 3,
                "start": 1_812_168_000,
                "end": 1_812_171_600,
                "kind": "booking",
                "status": "busy",
            }
        ],
        blackouts=[],
    ),
    DiffMessage(1, "e", 41, 43, [[42, "remove", "g"], [43, "reload"]]),
    Own(1, 43, []),
    Ack("key-1", {"id": UUID, "status": "confirmed"}, 42),
    Ack("key-2", {"id": UUID}),
    Nak(status=404, code="not_found", location=9),
    Nak(status=409, code="conflict", id="key-3", violations=[{"code": "conflict"}]),
    VerdictMessage("j1", allowed=False, overridable=True, violations=[{"code": "closed"}], suggestions=[]),
    Presence(1, "s3ss10n", "Sam", Drag(3, CREATE["start_time"], CREATE["end_time"], UUID)),
    Presence(1, "s3ss10n", "Sam"),
    Tick({1: 43, 2: 0}, 1_811_851_210),
    Resync(1, "new epoch"),
    StaleMessage(1, stale=True, reason="database unavailable"),
    Pong(5),
    Bye(1001, "server going away", 1_234),
    Bye(4400, "out of order"),
]

CLIENT_SAMPLES: list[tuple[dict[str, Any], Any]] = [
    ({"t": "hello", "proto": 1}, Hello(1)),
    ({"t": "hello", "proto": 1, "token": "abc"}, Hello(1, "abc")),
    (
        {"t": "subscribe", "location": 1, "from": "2027-06-05", "days": 31},
        Subscribe(1, dt.date(2027, 6, 5), 31),
    ),
    (
        {
            "t": "subscribe",
            "location": 1,
            "from": "2027-06-05",
            "days": 1,
            "since": {"epoch": "e", "version": 4},
        },
        Subscribe(1, dt.date(2027, 6, 5), 1, Since("e", 4)),
    ),
    ({"t": "unsubscribe", "location": 1}, Unsubscribe(1)),
    ({"t": "presence", "location": 1}, MyPresence(1)),
    (
        {"t": "presence", "location": 1, "drag": CREATE | {"booking_id": UUID}},
        MyPresence(1, Drag(3, "2027-06-05T14:00:00Z", "2027-06-05T15:00:00Z", UUID)),
    ),
    ({"t": "auth", "token": "abc"}, Auth("abc")),
    ({"t": "ping", "n": 7}, Ping(7)),
]


# Shared vectors


def test_the_shared_vectors_are_what_this_side_writes_and_reads():
    """``web`` reads the same file. To add samples: write what the assertion shows."""
    vectors = {
        "protocol": PROTOCOL,
        "server": [
            {"hex": encode(message).hex(), "message": json.loads(json.dumps(to_plain(message)))}
            for message in SERVER_SAMPLES
        ],
        "client": [{"hex": msgpack.packb(plain).hex(), "message": plain} for plain, _ in CLIENT_SAMPLES],
    }
    assert json.loads(VECTORS.read_text()) == vectors


@pytest.mark.parametrize(("plain", "message"), CLIENT_SAMPLES)
def test_client_messages_are_read(plain, message):
    assert decode_client(msgpack.packb(plain)) == message


@pytest.mark.parametrize("message", SERVER_SAMPLES, ids=lambda message: message.t)
def test_t_is_the_first_key_of_every_message(message):
    plain = msgpack.unpackb(encode(message), strict_map_key=False)
    assert next(iter(plain)) == "t"
    assert plain["t"] == message.t


def test_every_type_of_message_has_a_sample():
    assert {type(message) for message in SERVER_SAMPLES} == set(SERVER_MESSAGES)
    assert {type(message) for _, message in CLIENT_SAMPLES} | {Act, Judge} == set(CLIENT_MESSAGES)


# Tripwire

SCHEMAS = {1: "a440e2886c82369453abc1aad774a6f4b7e86c16bcbcaaa5932c30703970439a"}
"""The hash of the messages of each protocol version. A change that old clients cannot live with needs a new version; one that
they can (a new optional field) a new hash here.
"""


def schema() -> str:
    described = [
        [
            kind.t,
            *([field.name.rstrip("_"), str(field.type), field.default is None] for field in fields(kind)),
        ]
        for kind in (*CLIENT_MESSAGES, *SERVER_MESSAGES)
    ]
    described.append(["since", *([field.name, str(field.type), False] for field in fields(Since))])
    described.append(
        ["drag", *([field.name, str(field.type), field.default is None] for field in fields(Drag))]
    )
    described += [
        [op, *([name, field.is_required()] for name, field in body.model_fields.items())]
        for op, body in BODIES.items()
    ]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def test_the_protocol_changes_only_with_its_version():
    assert SCHEMAS[PROTOCOL] == schema()


# Encoding


def test_a_diff_joined_from_packed_parts_is_the_diff_encoded_whole():
    ops = [[42, "remove", "a"], [42, "remove", "b"], [44, "reload"]]
    packed = [(2, msgpack.packb(ops[0]) + msgpack.packb(ops[1])), (0, b""), (1, msgpack.packb(ops[2]))]
    assert encode_diff(1, "e", 41, 44, packed) == encode(DiffMessage(1, "e", 41, 44, ops))
    many = [(1, msgpack.packb([n, "remove", str(n)])) for n in range(70_000)]
    joined = encode_diff(1, "e", 0, 70_000, many)
    assert joined == encode(DiffMessage(1, "e", 0, 70_000, [[n, "remove", str(n)] for n in range(70_000)]))


def test_what_is_optional_and_none_is_left_out_and_what_is_required_is_not():
    assert to_plain(Ack("a", None)) == {"t": "ack", "id": "a", "result": None}
    assert to_plain(SERVER_SAMPLES[1])["user_id"] is None
    assert "from" in to_plain(SERVER_SAMPLES[2])


# Commands


def command(op: str, args: dict[str, Any], t: str = "command") -> Any:
    return decode_client(msgpack.packb({"t": t, "id": "key", "op": op, "args": args}))


def test_commands_carry_the_http_body_with_target_and_version_apart():
    created = command("create", CREATE)
    assert isinstance(created, Act)
    assert isinstance(created.command.body, Create)
    assert (created.id, created.command.key, created.command.target) == ("key", "key", None)
    cancelled = command("cancel", {"booking_id": UUID, "reason": "rain", "if_version": 12})
    assert cancelled.command.target == uuid.UUID(UUID)
    assert cancelled.command.if_version == 12
    assert cancelled.command.body == Cancel(reason="rain")
    released = command("release", {"hold_id": UUID})
    assert (released.command.target, released.command.body) == (uuid.UUID(UUID), Nothing())
    assert isinstance(command("reschedule", {"booking_id": UUID} | CREATE, t="judge"), Judge)
    held = command("create", CREATE | {"hold_id": UUID})
    assert held.command.body.hold_id == uuid.UUID(UUID)


@pytest.mark.parametrize(
    "malformed", ["x", "", 7, None, UUID.replace("-", ""), UUID + "0", [UUID], "{" + UUID + "}"]
)
def test_a_malformed_id_is_not_found(malformed):
    refused = command("cancel", {"booking_id": malformed})
    assert isinstance(refused, BadArguments)
    assert isinstance(refused.problem, NotFound)
    assert refused.id == "key"


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("create", {}),
        ("create", CREATE | {"resource_id": "3"}),
        ("create", CREATE | {"resource_id": True}),
        ("create", CREATE | {"resource_id": 3.0}),
        ("create", CREATE | {"resource_id": 2**63}),
        ("create", CREATE | {"start_time": 1_812_168_000}),
        ("create", CREATE | {"start_time": "soon"}),
        ("create", CREATE | {"surprise": 1}),
        ("create", CREATE | {"booking_id": UUID}),
        ("create", CREATE | {"note": "\x00"}),
        ("create", CREATE | {"note": "x" * 2_001}),
        ("create", CREATE | {"visitor": {"name": " "}}),
        ("create", CREATE | {"hold_id": "x"}),
        ("create", CREATE | {"if_version": "1"}),
        ("create", CREATE | {"if_version": -1}),
        ("cancel", {}),
        ("cancel", {"booking_id": UUID, "hold_id": UUID}),
        ("release", {"booking_id": UUID}),
        ("confirm", {"booking_id": UUID, "code": "X"}),
        ("explode", {}),
        ("", {}),
        (None, {}),
        (7, {}),
        ("create", None),
        ("create", []),
    ],
)
def test_bad_arguments_are_told_by_the_commands_id(op, args):
    for t in ("command", "judge"):
        refused = command(op, args, t=t)
        assert isinstance(refused, BadArguments)
        assert isinstance(refused.problem, Malformed)
        assert (refused.t, refused.id, refused.problem.status) == (t, "key", 400)
        assert all(fault.pointer.startswith("/") for fault in refused.problem.faults)
        assert len(refused.problem.detail) <= 500


@pytest.mark.parametrize("id_", [None, 7, "", " ", "a b", "é", "x" * 201, "\x00", ["x"]])
def test_a_key_that_cannot_be_kept_is_refused_without_it(id_):
    refused = decode_client(msgpack.packb({"t": "command", "id": id_, "op": "create", "args": CREATE}))
    assert isinstance(refused, BadArguments)
    assert refused.id is None


@pytest.mark.parametrize(
    "fields_",
    [
        {"t": "hello"},
        {"t": "hello", "proto": "1"},
        {"t": "hello", "proto": 1, "token": 7},
        {"t": "hello", "proto": 1, "token": ""},
        {"t": "subscribe"},
        {"t": "subscribe", "location": "1", "from": "2027-06-05", "days": 1},
        {"t": "subscribe", "location": True, "from": "2027-06-05", "days": 1},
        {"t": "subscribe", "location": 1, "from": "20270605", "days": 1},
        {"t": "subscribe", "location": 1, "from": "2027-6-5", "days": 1},
        {"t": "subscribe", "location": 1, "from": "2027-02-29", "days": 1},
        {"t": "subscribe", "location": 1, "from": "0000-01-01", "days": 1},
        {"t": "subscribe", "location": 1, "from": "２０２７-06-05", "days": 1},
        {"t": "subscribe", "location": 1, "from": "2027-06-05", "days": 0},
        {"t": "subscribe", "location": 1, "from": "2027-06-05", "days": 32},
        {"t": "subscribe", "location": 1, "from": "2027-06-05", "days": 1.0},
        {"t": "subscribe", "location": 1, "from": "2027-06-05", "days": 1, "since": 4},
        {"t": "subscribe", "location": 1, "from": "2027-06-05", "days": 1, "since": {}},
        {
            "t": "subscribe",
            "location": 1,
            "from": "2027-06-05",
            "days": 1,
            "since": {"epoch": 1, "version": 1},
        },
        {
            "t": "subscribe",
            "location": 1,
            "from": "2027-06-05",
            "days": 1,
            "since": {"epoch": "e", "version": -1},
        },
        {"t": "unsubscribe"},
        {"t": "presence"},
        {"t": "presence", "location": 1, "drag": 7},
        {"t": "presence", "location": 1, "drag": {}},
        {"t": "presence", "location": 1, "drag": CREATE | {"name": "x"}},
        {"t": "presence", "location": 1, "drag": CREATE | {"start_time": "2027-06-05T14:00:00"}},
        {"t": "presence", "location": 1, "drag": CREATE | {"start_time": CREATE["end_time"]}},
        {"t": "presence", "location": 1, "drag": CREATE | {"resource_id": None}},
        {"t": "presence", "location": 1, "drag": CREATE | {"booking_id": "x"}},
        {"t": "auth"},
        {"t": "auth", "token": None},
        {"t": "ping"},
        {"t": "ping", "n": "1"},
        {"t": "ping", "n": 2**63},
    ],
)
def test_bad_fields_are_a_400(fields_):
    refused = decode_client(msgpack.packb(fields_))
    assert isinstance(refused, BadArguments)
    assert (refused.t, refused.problem.status) == (fields_["t"], 400)


# What strangers send


def nested(depth: int, opening: bytes) -> bytes:
    return b"\x82\xa1t\xa4ping\xa1n" + opening * depth + b"\x01"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x01",
        b"\x90",
        b"\x80",
        b"\x81",
        b"\x81\xa1t",
        msgpack.packb(["t", "ping"]),
        msgpack.packb({"n": 1, "t": "ping"}),
        msgpack.packb({"t": "shout"}),
        msgpack.packb({"t": 1}),
        msgpack.packb({"t": None}),
        msgpack.packb({"t": ["ping"]}),
        msgpack.packb({"t": "ping", "n": 1}) + b"\x00",
        msgpack.packb({"t": "ping", "n": 1})[:-1],
        msgpack.packb({"t": "ping", 1: 1}),
        msgpack.packb({"t": "ping", b"n": 1}),
        msgpack.packb({"t": "ping", "n": b"1"}),
        msgpack.packb({"t": "ping", "n": msgpack.ExtType(5, b"x")}),
        msgpack.packb({"t": "ping", "n": msgpack.Timestamp(5)}),
        msgpack.packb({"t": "ping", "n": math.nan}),
        msgpack.packb({"t": "ping", "n": math.inf}),
        msgpack.packb({"t": "ping", "n": {"deep": [math.nan]}}),
        b"\x83\xa1t\xa4ping\xa1n\x01\xa1n\x02",  # a key twice
        b"\x82\xa1t\xa4ping\xa1t\xa4ping",
        b"\x82\xa1t\xa4ping\xa1n\xa1\xff",  # no UTF-8
        b"\x82\xa1t\xa4ping\xa1n\xa3\xed\xa0\x80",  # a lone surrogate
        b"\x82\xa1t\xa4ping\xa1n\xdd\xff\xff\xff\xff",  # four milliard members announced
        b"\x82\xa1t\xa4ping\xa1n\xdf\xff\xff\xff\xff",
        b"\x82\xa1t\xa4ping\xa1n\xdb\xff\xff\xff\xff",
        b"\x82\xa1t\xa4ping\xa1n\xc6\xff\xff\xff\xff",
        b"\x82\xa1t\xa4ping\xa1n\x81\x90\x01",  # a list as a key
        nested(MAX_DEPTH + 1, b"\x91"),
        nested(1_000, b"\x91"),
        nested(60_000, b"\x91"),
        nested(20_000, b"\x81\xa1a"),
    ],
)
def test_undecodable_bytes_are_told_as_such(data):
    with pytest.raises(Undecodable):
        decode_client(data)


def test_keys_that_the_protocol_does_not_have_are_ignored_in_messages():
    assert decode_client(msgpack.packb({"t": "ping", "n": 1, "mood": "fine"})) == Ping(1)


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    [
        "id",
        "op",
        "args",
        "location",
        "from",
        "days",
        "since",
        "drag",
        "token",
        "proto",
        "n",
        "epoch",
        "version",
    ]
)
odd_messages = st.builds(
    lambda kind, rest: {"t": kind} | rest,
    st.sampled_from([kind.t for kind in CLIENT_MESSAGES]),
    st.dictionaries(names, plain_values | st.sampled_from(list(BODIES)), max_size=6),
)


@settings(max_examples=300, deadline=None)
@given(odd_messages)
def test_whatever_the_fields_hold_nothing_else_escapes(message):
    try:
        data = msgpack.packb(message)
    except (ValueError, OverflowError, UnicodeEncodeError):
        return
    try:
        decode_client(data)
    except Undecodable:
        pass


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(CLIENT_SAMPLES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)
@example(CLIENT_SAMPLES[0], [], 3)
def test_flipped_and_cut_bytes_let_nothing_else_escape(sample, flips, cut):
    data = bytearray(msgpack.packb(sample[0]))
    for place, value in flips:
        data[place % len(data)] = value
    try:
        decode_client(bytes(data[: max(cut, 1)]))
    except Undecodable:
        pass


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
@example(struct.pack(">B", 0xC7) + b"\xff")
def test_any_bytes_let_nothing_else_escape(data):
    try:
        decode_client(data)
    except Undecodable:
        pass
