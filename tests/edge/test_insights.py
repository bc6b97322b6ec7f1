"""Insights through HTTP, with a server that speaks Claude's protocol on a real socket (C1 to C3)."""

import asyncio
import importlib
import json
import uuid

import anthropic
import pytest
from starlette.applications import Starlette

from grid_engine.interval import DAY, HOUR
from server.edge.authentication import Doorkeeper
from server.edge.routes.insights import insight_endpoints
from server.edge.serving import EXCEPTION_HANDLERS, routes_of
from server.integrations.claude import MOST_AT_ONCE, RETRIES, Claude
from server.service.insights.insights import Insights
from server.storage import Database
from server.storage.stored_booking import moment
from tests.claude_server import claude_server, error, said
from tests.conftest import NOON
from tests.venues import Town

PREFIX = "/api/admin/insights"
NAMES = ("Taintedname", "Otherperson", "Walkinvisitor")
SECRETS = (*NAMES, "tainted@secret.example", "5550009999", "5557771111", "TAINTNOTE", "TAINTINTERNAL", "TAINTREASON", "TAINTTAG", "TAINTVENUE", "TAINTBAY")  # fmt: skip


class Scene:
    """A venue with people and bookings whose every word is a secret."""

    def __init__(self, edge, town, claude):
        self.edge = edge
        self.town = town
        self.claude = claude

    async def build(self):
        self.venue = await self.town.venue(bays=2, policy={"cutoff_minutes": 120})
        await self.town.fetch("UPDATE locations SET name = 'TAINTVENUE'")
        await self.town.fetch("UPDATE resources SET name = 'TAINTBAY'")
        self.ada = await self.town.person("Taintedname", tier="GOLD", tags=["TAINTTAG"])
        self.bob = await self.town.person("Otherperson")
        await self.town.fetch(
            "UPDATE users SET email = 'tainted@secret.example', phone = '+15550009999' WHERE id = $1",
            self.ada.user_id,
        )
        self.ids = [
            await self.booking(self.ada, NOON - 10 * DAY, "cancelled", notice=HOUR),
            await self.booking(self.ada, NOON - 7 * DAY, "no_show"),
            await self.booking(self.ada, NOON - 5 * DAY, "completed"),
        ]
        self.contested = [
            await self.booking(self.ada, NOON + DAY, "confirmed"),
            await self.booking(self.bob, NOON + DAY, "cancelled", notice=2 * HOUR),
            await self.booking(None, NOON + DAY, "confirmed", bay=1),
        ]
        return self

    async def booking(self, person, start, status, *, notice=None, bay=0, before="confirmed"):
        id_ = str(uuid.uuid4())
        visitor_id = None
        if person is None:
            visitor_id = await self.town.value(
                "INSERT INTO visitors (location_id, name, phone, created_at) "
                "VALUES ($1, 'Walkinvisitor', '+15557771111', $2) RETURNING id",
                self.venue.id,
                moment(NOON),
            )
        await self.town.fetch(
            """
            INSERT INTO bookings (id, grid_id, code, location_id, resource_id, user_id, visitor_id, type, status, start_time,
                                  end_time, note, internal_note, cancel_reason, reschedule_count, created_at, updated_at,
                                  judged_by, version)
            VALUES ($1::uuid, $1::text, left($1::text, 8), $2, $3, $4, $5, 'CUSTOMER', $6, $7, $7::timestamptz + interval '1 hour',
                    'TAINTNOTE', 'TAINTINTERNAL', $8, 0, $9, $9, '{}', 1)
            """,
            id_, self.venue.id, self.venue.bays[bay], person and person.user_id, visitor_id, status, moment(start),
            "TAINTREASON 5550009999" if status == "cancelled" else None, moment(start - 2 * DAY),
        )  # fmt: skip
        if notice is not None:
            await self.town.fetch(
                "INSERT INTO booking_events (booking_id, location_id, event_type, actor_id, metadata, created_at) "
                "VALUES ($1::uuid, $2, 'cancelled', $3, $4, $5)",
                id_, self.venue.id, person.user_id, {"before": {"status": before}}, moment(start - notice),
            )  # fmt: skip
        return id_

    def client_of(self, analyst, database=None):
        endpoints = insight_endpoints(
            Insights(database or self.edge.database, self.edge.clock, analyst, self.edge.limits)
        )
        self.edge.app = Starlette(
            routes=[
                *routes_of(endpoints, Doorkeeper(self.edge.identity, self.edge.limits))[:-1],
                *self.edge.app.routes,
            ],
            exception_handlers=EXCEPTION_HANDLERS,
        )


@pytest.fixture
async def claude():
    importlib.import_module("anthropic")  # what it takes is not to be within an answer's time
    async with claude_server() as claude:
        yield claude


@pytest.fixture
async def scene(edge, database_url, claude):
    return await Scene(edge, Town(database_url), claude).build()


@pytest.fixture
async def analyst(claude):
    analyst = Claude("sk-secret", base_url=claude.url, model="claude-sonnet-5-5", seconds=20.0)
    yield analyst
    await analyst.close()


@pytest.fixture
async def admin(scene, edge, analyst):
    scene.client_of(analyst)
    return await edge.signed_in("admin")


def claim(text="x", figures=("cancelled",), booking_ids=()):
    return {"text": text, "figures": list(figures), "booking_ids": list(booking_ids)}


def cancellation_answer(ids, **parts):
    return {
        "summary": claim("Cancels late, saying [reason_1].", ["cancelled", "by_weekday"], ids[:1]),
        "patterns": [claim(figures=["notice.under_2_hours"])],
        "what_to_say": claim("Ask about [reason_1], not about [customer_9]."),
        "policy_changes": [
            {"key": "cutoff_minutes", "value": 180, "why": claim(figures=["policy.cutoff_minutes"])}
        ],
        "improvements": [claim(figures=["no_shows"])],
    } | parts


async def ask(admin, scene, **body):
    return await admin.post(f"{PREFIX}/cancellation-pattern", json={"user_id": scene.ada.user_id} | body)


async def test_c1_c2_an_analysis_is_asked_answered_and_kept(edge, scene, admin):
    scene.claude.answers(cancellation_answer(scene.ids))
    answer = await ask(admin, scene)
    assert answer.status_code == 201, answer.text
    insight = answer.json()
    assert (insight["state"], insight["detail"]) == ("answered", None)
    assert insight["figures"]["cancelled"] == 1
    assert insight["figures"]["notice"]["under_2_hours"] == 1
    assert insight["figures"]["policy"]["cutoff_minutes"] == 120
    assert insight["answer"]["summary"] == {
        "text": "Cancels late, saying TAINTREASON 5550009999.",
        "figures": ["cancelled", "by_weekday"],
        "booking_ids": scene.ids[:1],
    }
    assert (
        insight["answer"]["what_to_say"]["text"]
        == "Ask about TAINTREASON 5550009999, not about [customer_9]."
    )
    assert insight["answer"]["policy_changes"][0]["value"] == 180
    assert insight["cost"] == {"input_tokens": 1000, "output_tokens": 200, "usd": 0.004}
    assert (insight["model"], len(insight["input_digest"])) == ("claude-sonnet-5-5", 64)
    assert insight["prompt_version"]
    assert (insight["user_id"], insight["decision"]) == (scene.ada.user_id, None)

    [asked] = scene.claude.asked
    assert (asked.method, asked.path) == ("POST", "/v1/messages")
    assert asked.headers["authorization"] == "Bearer sk-secret"
    assert asked.body["model"] == "claude-sonnet-5-5"
    assert asked.body["output_config"]["format"]["type"] == "json_schema"
    assert [each["id"] for each in asked.given["bookings"]] == [*scene.ids, scene.contested[0]]
    assert asked.given["figures"] == insight["figures"]

    assert (await admin.get(f"{PREFIX}/{insight['id']}")).json() == insight
    [event] = await edge.fetch("SELECT * FROM audit_events WHERE subject_type = 'insight'")
    assert (event["event_type"], event["metadata"]["after"]["state"]) == ("created", "answered")


async def test_c1_nothing_that_names_anybody_or_that_anybody_wrote_leaves_the_house(scene, admin):
    scene.claude.answers({"no": "matter"})
    period = {"from": "2027-05-01", "to": "2027-06-30"}
    asked = [
        await ask(admin, scene),
        await admin.post(f"{PREFIX}/optimize-schedule", json={"location_id": scene.venue.id} | period),
        await admin.post(
            f"{PREFIX}/resolve-conflict",
            json={"booking_ids": scene.contested, "user_ids": [scene.ada.user_id, scene.bob.user_id]},
        ),
    ]
    assert [answer.status_code for answer in asked] == [201] * 3, [answer.text for answer in asked]
    assert len(scene.claude.asked) == 3
    sent = "\n".join(
        f"{request.path} {request.headers} {request.raw.decode()}" for request in scene.claude.asked
    ).lower()
    assert [word for word in SECRETS if word.lower() in sent] == []
    assert "[reason_1]" in sent
    assert "[customer_3]" in sent
    # That the search sees anything: the same words are what the tokens stand for, on our side.
    told = "\n".join(answer.text for answer in asked)
    assert all(name in told for name in NAMES)


async def test_c2_the_same_question_of_the_same_data_is_paid_for_once_within_the_hour(edge, scene, admin):
    scene.claude.answers(cancellation_answer(scene.ids))
    first = await ask(admin, scene)
    again = await ask(admin, scene)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(scene.claude.asked) == 1
    await scene.booking(scene.ada, NOON - 3 * DAY, "completed")
    assert (await ask(admin, scene)).status_code == 201
    edge.clock.advance(2 * HOUR)
    assert (
        await (await edge_admin(edge)).post(
            f"{PREFIX}/cancellation-pattern", json={"user_id": scene.ada.user_id}
        )
    ).status_code == 201
    assert len(scene.claude.asked) == 3


async def edge_admin(edge):
    return await edge.signed_in("admin", name="Another Admin")


async def test_c2_people_decide_and_what_they_decide_is_kept(edge, scene, admin):
    scene.claude.answers(cancellation_answer(scene.ids))
    insight = (await ask(admin, scene)).json()
    path = f"{PREFIX}/{insight['id']}/decision"
    before = await edge.fetch("SELECT * FROM bookings ORDER BY id")
    accepted = await admin.post(path, json={"decision": "accepted", "note": "Cutoff raised"})
    me = (await edge.fetch("SELECT id FROM users WHERE role = 'admin'"))[0]["id"]
    decision = {
        "decision": "accepted",
        "note": "Cutoff raised",
        "decided_by": me,
        "decided_at": "2027-06-01T12:00:00Z",
    }
    assert accepted.json() == insight | {"decision": decision}
    edge.clock.advance(60)
    assert (await admin.post(path, json={"decision": "accepted", "note": "Cutoff raised"})).json()[
        "decision"
    ] == decision
    changed = (await admin.post(path, json={"decision": "dismissed"})).json()["decision"]
    assert (changed["decision"], changed["note"]) == ("dismissed", None)
    events = await edge.fetch(
        "SELECT metadata FROM audit_events WHERE subject_type = 'insight' AND event_type = 'decided' ORDER BY id"
    )
    assert [event["metadata"]["after"]["decision"] for event in events] == ["accepted", "dismissed"]
    assert events[1]["metadata"]["before"] == {"decision": "accepted", "note": "Cutoff raised"}
    assert await edge.fetch("SELECT * FROM bookings ORDER BY id") == before

    for body in (
        {"decision": "maybe"},
        {},
        {"decision": "accepted", "note": "x" * 5000},
        {"decision": "accepted", "x": 1},
    ):
        assert (await admin.post(path, json=body)).status_code == 400
    assert (await admin.post(f"{PREFIX}/999/decision", json={"decision": "accepted"})).status_code == 404


FAILURES = (
    ("overloaded", lambda _: error(529, "overloaded_error"), None),
    ("overloaded", lambda _: error(429, "rate_limit_error"), None),
    ("overloaded", lambda _: error(503, "api_error"), None),
    ("unavailable", lambda _: error(500, "api_error"), None),
    ("unavailable", lambda _: error(401, "authentication_error"), None),
    ("unavailable", lambda _: error(404, "not_found_error"), None),
    ("refused", lambda _: said("I would rather not.", stop_reason="refusal"), 0.004),
    ("malformed", lambda _: said('{"summary": ', stop_reason="max_tokens"), 0.004),
    ("malformed", lambda _: said("no JSON"), 0.004),
    ("malformed", lambda _: said("[]"), 0.004),
    ("malformed", lambda _: said("", content=[]), 0.004),
    ("malformed", lambda _: said('{"summary": 5}'), 0.004),
    ("malformed", lambda _: (200, b"<html>"), None),
    ("malformed", lambda _: (200, b"5"), None),
    ("malformed", lambda _: (200, {"type": "message"}), None),
    ("malformed", lambda _: said("{}", usage=None), None),
)


async def test_c3_whatever_claude_fails_at_is_a_state_beside_the_figures(scene, admin):
    for state, script, usd in FAILURES:
        scene.claude.script = script
        answer = await ask(admin, scene)
        assert answer.status_code == 201, (state, answer.text)
        insight = answer.json()
        assert (insight["state"], insight["answer"]) == (state, None), insight["detail"]
        assert insight["detail"]
        assert insight["figures"]["cancelled"] == 1
        assert (insight["cost"] and insight["cost"]["usd"]) == usd, (state, insight)
        decided = await admin.post(f"{PREFIX}/{insight['id']}/decision", json={"decision": "accepted"})
        assert (decided.status_code, decided.json()["code"]) == (409, "not_active")
    assert len(scene.claude.asked) > len(FAILURES)  # what is worth another try was tried again
    scene.claude.answers(cancellation_answer(scene.ids))
    assert (await ask(admin, scene)).json()["state"] == "answered"


async def test_c2_what_was_not_in_the_input_is_thrown_away_with_its_answer(scene, admin):
    unfounded = (
        cancellation_answer(scene.ids, summary=claim(booking_ids=[str(uuid.uuid4())])),
        cancellation_answer(scene.ids, summary=claim(booking_ids=[scene.contested[1]])),
        cancellation_answer(scene.ids, summary=claim(figures=["income"])),
        cancellation_answer(scene.ids, patterns=[claim(figures=[])]),
        cancellation_answer(scene.ids, extra="x"),
        cancellation_answer(scene.ids, summary=claim("")),
        cancellation_answer(scene.ids, summary=claim("x\x00")),
        cancellation_answer(scene.ids, policy_changes=[{"key": "opening_hours", "value": 1, "why": claim()}]),
    )
    for answer in unfounded:
        scene.claude.answers(answer)
        insight = (await ask(admin, scene)).json()
        assert (insight["state"], insight["answer"]) == ("malformed", None), answer
        assert insight["cost"]["input_tokens"] == 1000


async def test_c3_without_a_key_there_are_figures_and_it_says_that_it_is_off(edge, scene):
    scene.client_of(None)
    admin = await edge.signed_in("admin")
    insight = (await ask(admin, scene)).json()
    assert (insight["state"], insight["model"], insight["cost"]) == ("off", None, None)
    assert "BAYGRID_ANTHROPIC_API_KEY" in insight["detail"]
    assert insight["figures"]["no_shows"] == 1


async def test_c3_claude_away_or_silent_is_a_state_too(edge, scene):
    forever = asyncio.Event()

    async def never(_):
        await forever.wait()

    scene.claude.script = never
    for url, state in (("http://127.0.0.1:1", "unavailable"), (scene.claude.url, "timed_out")):
        analyst = Claude(
            "sk", base_url=url, model="claude-new", seconds=2.0 if state == "unavailable" else 0.3
        )
        scene.client_of(analyst)
        admin = await edge.signed_in("admin", name=f"Admin {state}")
        insight = (await ask(admin, scene)).json()
        assert (insight["state"], insight["cost"]) == (state, None)
        await analyst.close()
    forever.set()


async def test_c3_while_claude_thinks_no_connection_is_held_and_others_go_on(edge, scene, database_url):
    thinking, most, all_busy, go = 0, 0, asyncio.Event(), asyncio.Event()

    async def think(_):
        nonlocal thinking, most
        thinking += 1
        most = max(most, thinking)
        if most == MOST_AT_ONCE:
            all_busy.set()
        await go.wait()
        thinking -= 1
        return said(json.dumps({"no": "matter"}))

    scene.claude.script = think
    database = Database(database_url, pool_size=2)
    await database.open()
    analyst = Claude("sk", base_url=scene.claude.url, model="claude-new", seconds=20.0)
    scene.client_of(analyst, database)
    admin = await edge.signed_in("admin")
    asking = [asyncio.create_task(ask(admin, scene)) for _ in range(2 * MOST_AT_ONCE)]
    async with asyncio.timeout(10):
        await all_busy.wait()
    async with asyncio.timeout(5), database.connection() as one, database.connection() as other:
        assert [await each.fetchval("SELECT 1") for each in (one, other)] == [1, 1]
    assert not any(task.done() for task in asking)
    go.set()
    assert {(await task).json()["state"] for task in asking} == {"malformed"}
    assert most == MOST_AT_ONCE
    await analyst.close()
    await database.close()


async def test_c1_a_schedule_is_analysed_by_what_was_booked_and_blocked(edge, scene, admin):
    await scene.town.fetch(
        "INSERT INTO bookings (id, grid_id, code, location_id, resource_id, type, status, start_time, end_time, "
        "reschedule_count, created_at, updated_at, judged_by, version) VALUES (gen_random_uuid(), 'b', 'b', $1, $2, "
        "'MAINTENANCE', 'confirmed', '2027-05-27T12:30Z', '2027-05-27T14:00Z', 0, $3, $3, '{}', 1)",
        scene.venue.id,
        scene.venue.bays[1],
        moment(NOON),
    )
    scene.claude.answers(
        {
            "summary": claim(figures=["total.utilisation"]),
            "peaks": [claim(figures=["busiest.0"])],
            "quiet_times": [claim(figures=["by_hour.03"], booking_ids=scene.ids[:1])],
            "improvements": [],
            "policy_changes": [],
        }
    )
    answer = await admin.post(f"{PREFIX}/optimize-schedule", json={"location_id": scene.venue.id})
    assert answer.status_code == 201, answer.text
    insight = answer.json()
    assert insight["state"] == "answered", insight["detail"]
    # The four weeks before today in New York: a booking each on the 25th (a no-show) and the 27th, at 08:00.
    assert insight["subject"] == {"location_id": scene.venue.id, "from": "2027-05-04", "to": "2027-05-31"}
    assert insight["figures"]["total"] == {
        "open_minutes": 2 * 28 * 1440,
        "blocked_minutes": 90,
        "booked_minutes": 120,
        "no_show_minutes": 60,
        "utilisation": round(120 / (2 * 28 * 1440 - 90), 3),
    }
    assert insight["figures"]["by_hour"]["08"]["booked_minutes"] == 120
    assert insight["figures"]["by_hour"]["08"]["blocked_minutes"] == 30
    assert insight["figures"]["by_hour"]["09"]["blocked_minutes"] == 60
    assert insight["figures"]["by_weekday"]["tue"]["booked_minutes"] == 60
    assert (insight["figures"]["cancelled"], insight["figures"]["no_shows"]) == (1, 1)
    assert (insight["figures"]["booked_ahead_hours"], insight["figures"]["minutes_of_a_booking"]) == (
        48.0,
        60,
    )
    assert insight["figures"]["busiest"] == [
        {"weekday": "tue", "hour": "08", "booked_minutes": 60},
        {"weekday": "thu", "hour": "08", "booked_minutes": 60},
    ]
    assert {each["id"] for each in scene.claude.asked[0].given["bookings"]} == set(scene.ids[:2])

    for body in (
        {"location_id": scene.venue.id, "from": "2027-05-01"},
        {"location_id": scene.venue.id, "from": "2027-05-02", "to": "2027-05-01"},
        {"location_id": scene.venue.id, "from": "2027-01-01", "to": "2027-12-31"},
        {"location_id": scene.venue.id, "from": "yesterday", "to": "2027-05-01"},
        {"location_id": scene.venue.id, "from": "9999-12-31", "to": "9999-12-31"},
        {},
    ):
        assert (await admin.post(f"{PREFIX}/optimize-schedule", json=body)).status_code == 400, body
    for first, last in (("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-30")):
        at_the_end = {"location_id": scene.venue.id, "from": first, "to": last}
        assert (await admin.post(f"{PREFIX}/optimize-schedule", json=at_the_end)).status_code == 201
    assert (await admin.post(f"{PREFIX}/optimize-schedule", json={"location_id": 999})).status_code == 404


async def test_c1_what_rules_refused_over_and_over_is_among_the_figures(scene, admin):
    for person, times in ((scene.ada, 7), (scene.bob, 9)):
        await scene.town.fetch(
            "INSERT INTO refusals (location_id, day, user_id, subject, resource_id, start_time, end_time, minute_of_week, "
            "action, role, codes, times, context, first_refused_at, last_refused_at) VALUES ($1, '2027-05-28', $2, 'customer', "
            "$3, '2027-06-04T23:00Z', '2027-06-05T00:00Z', $4, 'create', 'customer', '{advance_window}', $5, $6, $7, $7)",
            scene.venue.id,
            person.user_id,
            scene.venue.bays[0],
            (4 * 24 + 19) * 60,
            times,
            {"note": "TAINTNOTE"},
            moment(NOON - DAY),
        )
    scene.claude.answers({"no": "matter"})
    theirs = (await ask(admin, scene)).json()["figures"]["refused_in_30_days"]
    assert theirs == [
        {
            "rule": "advance_window",
            "resource": f"resource_{scene.venue.bays[0]}",
            "weekday": "fri",
            "hour": "19",
            "times": 7,
        }
    ]
    place = await admin.post(f"{PREFIX}/optimize-schedule", json={"location_id": scene.venue.id})
    assert [each["times"] for each in place.json()["figures"]["refused_in_30_days"]] == [9, 7]
    assert "taint" not in "".join(request.raw.decode() for request in scene.claude.asked).lower()


async def test_c1_a_conflict_is_weighed_by_claims_in_the_order_in_which_they_were_made(edge, scene, admin):
    await scene.town.fetch(
        "UPDATE bookings SET created_at = created_at - interval '1 day' WHERE id = $1::uuid",
        scene.contested[1],
    )
    scene.claude.answers(
        {
            "keep": "claim_1",
            "reasons": [claim("[customer_1] was first.", ["claim_1.booked_at"], [scene.contested[1]])],
            "offers": [{"claim": "claim_2", "offer": claim("x", ["claim_2"])}],
            "fairness": claim(figures=["policy.cutoff_minutes"]),
        }
    )
    body = {"booking_ids": scene.contested[:2], "user_ids": [scene.bob.user_id]}
    answer = await admin.post(f"{PREFIX}/resolve-conflict", json=body)
    assert answer.status_code == 201, answer.text
    insight = answer.json()
    assert insight["state"] == "answered", insight["detail"]
    assert insight["answer"]["reasons"][0]["text"] == "Otherperson was first."
    figures = insight["figures"]
    assert [figures[f"claim_{number}"]["customer"] for number in (1, 2, 3)] == [
        "[customer_1]",
        "[customer_2]",
        "[customer_1]",
    ]
    assert figures["claim_2"] | {"booked_at": ""} == {
        "customer": "[customer_2]",
        "has_account": True,
        "tier": "GOLD",
        "member_for_days": 516,
        "booked_at": "",
        "moved": 0,
        "other_bookings": 3,
        "completed": 1,
        "no_shows": 1,
        "cancelled": 1,
        "cancelled_within_24_hours": 1,
    }
    assert insight["tokens"]["[customer_2]"] == "Taintedname"

    lonely = {"booking_ids": scene.contested[:1]}
    for body, status in (
        (lonely, 400),
        ({"booking_ids": [scene.contested[0], scene.ids[0]]}, 400),
        ({"booking_ids": []}, 400),
        ({"booking_ids": ["x"]}, 400),
        ({"booking_ids": [scene.contested[0], str(uuid.uuid4())]}, 404),
        (lonely | {"user_ids": [999]}, 404),
        (lonely | {"user_ids": list(range(1, 9))}, 400),
    ):
        answer = await admin.post(f"{PREFIX}/resolve-conflict", json=body)
        assert answer.status_code == status, (body, answer.text)


async def test_c1_what_never_was_a_booking_is_not_counted(scene, admin):
    await scene.booking(scene.ada, NOON - 4 * DAY, "cancelled", notice=HOUR, before="held")
    await scene.booking(scene.ada, NOON - 4 * DAY, "expired")
    elsewhere = await scene.town.venue()
    scene.claude.script = lambda _: error(500, "api_error")
    figures = (await ask(admin, scene)).json()["figures"]
    assert (figures["bookings"], figures["cancelled"]) == (4, 1)
    there = (await ask(admin, scene, location_id=elsewhere.id)).json()["figures"]
    assert there["bookings"] == 0
    within = {"from": "2027-05-24T00:00:00Z", "to": "2027-05-26T00:00:00Z"}
    assert (await ask(admin, scene, **within)).json()["figures"]["bookings"] == 1
    backwards = {"from": "2027-05-26T00:00:00Z", "to": "2027-05-24T00:00:00Z"}
    for body, status in (
        (backwards, 400),
        ({"user_id": 999}, 404),
        ({"location_id": 999}, 404),
        ({"x": 1}, 400),
    ):
        assert (await ask(admin, scene, **body)).status_code == status, body


async def test_insights_are_listed_the_newest_first_by_what_they_are_about(scene, admin):
    scene.claude.script = lambda _: error(500, "api_error")
    ids = [(await ask(admin, scene)).json()["id"] for _ in range(3)]
    scene.claude.answers(cancellation_answer(scene.ids))
    ids.append((await ask(admin, scene)).json()["id"])
    await admin.post(f"{PREFIX}/{ids[3]}/decision", json={"decision": "dismissed"})
    await admin.post(f"{PREFIX}/optimize-schedule", json={"location_id": scene.venue.id})

    async def listed(query):
        answer = await admin.get(f"{PREFIX}?{query}")
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await listed("kind=cancellation_pattern") == ids[::-1]
    assert await listed("state=answered") == ids[3:]
    assert await listed("decision=dismissed") == ids[3:]
    assert await listed("decision=open&kind=cancellation_pattern") == ids[2::-1]
    assert len(await listed(f"location_id={scene.venue.id}")) == 1
    assert await listed(f"user_id={scene.bob.user_id}") == []
    first = (await admin.get(f"{PREFIX}?limit=2")).json()
    rest = (await admin.get(f"{PREFIX}?limit=200&cursor={first['next_cursor']}")).json()
    assert len(first["items"]) == 2
    assert [each["id"] for each in rest["items"]] == ids[2::-1]
    assert (await admin.get(f"{PREFIX}?state=x")).status_code == 400
    assert (await admin.get(f"{PREFIX}/999")).status_code == 404


async def test_c1_insights_are_for_admins_and_their_number_is_bounded(
    make_edge, database_url, claude, analyst
):
    edge = make_edge(insight_rate="2/hour")
    scene = await Scene(edge, Town(database_url), claude).build()
    scene.client_of(analyst)
    for role in ("customer", "staff", "operator"):
        caller = await edge.signed_in(role, name=f"A {role}")
        assert (await ask(caller, scene)).status_code == 403
        assert (await caller.get(PREFIX)).status_code == 403
    assert (await ask(edge.client(), scene)).status_code == 401
    admin = await edge.signed_in("admin")
    answers = [await ask(admin, scene) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].headers["retry-after"]
    assert len(claude.asked) == 2 * (1 + RETRIES)


def test_c2_the_library_gives_what_this_is_built_on():
    """A tripwire: these names are all that is used of it."""
    for name in (
        "AsyncAnthropic",
        "APIStatusError",
        "APIConnectionError",
        "APITimeoutError",
        "AnthropicError",
        "transform_schema",
    ):
        assert hasattr(anthropic, name)
