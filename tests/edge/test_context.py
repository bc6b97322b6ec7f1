"""What support is told of a customer, and the threads in which it was asked (X1), through HTTP."""

import asyncio
import datetime as dt

import pytest

from server.storage.retention import CONTEXT_DAYS, forget_old
from tests.conftest import NOON
from tests.edge.conftest import PASSWORD
from tests.venues import Town

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def town(database_url):
    return Town(database_url)


@pytest.fixture
async def venue(town):
    return await town.venue()


@pytest.fixture
async def ada(town):
    person = await town.person("Ada", tier="GOLD", tags=["league", "left-handed"])
    await town.fetch(
        "UPDATE users SET email = 'Ada@Example.com', phone = '+15551230000', hubspot_id = '4711' WHERE id = $1",
        person.user_id,
    )
    return person


@pytest.fixture
async def operator(edge):
    return await edge.signed_in("operator", name="Olga")


async def book(town, venue, person, begins, *, hours=1, status="confirmed", bay=0, **fields):
    """A booking that begins so many seconds from NOON."""
    columns = {
        "location_id": venue.id,
        "resource_id": venue.bays[bay],
        "user_id": person and person.user_id,
        "type": "CUSTOMER",
        "status": status,
        "start_time": dt.datetime.fromtimestamp(NOON + begins, dt.UTC),
        "end_time": dt.datetime.fromtimestamp(NOON + begins + hours * HOUR, dt.UTC),
        "reschedule_count": 0,
        "created_at": dt.datetime.fromtimestamp(NOON - 9 * DAY, dt.UTC),
        "updated_at": dt.datetime.fromtimestamp(NOON - 9 * DAY, dt.UTC),
        "expires_at": dt.datetime.fromtimestamp(NOON + 60, dt.UTC),
        "judged_by": {},
        "version": 1,
        **fields,
    }
    marks = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    return str(
        await town.value(
            f"INSERT INTO bookings (id, grid_id, code, {', '.join(columns)}) "
            f"VALUES (gen_random_uuid(), gen_random_uuid()::text, left(md5(random()::text), 6), {marks}) RETURNING id",
            *columns.values(),
        )
    )


async def asked(client, **query):
    answer = await client.get("/api/context", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(instant):
    return dt.datetime.fromtimestamp(instant, dt.UTC).isoformat().replace("+00:00", "Z")


async def test_x1_the_next_booking_and_the_seconds_until_it_begins(town, venue, ada, operator):
    later = await book(town, venue, ada, 2 * DAY)
    soon = await book(town, venue, ada, 90 * 60, hours=2, bay=1, note="Two guests", reschedule_count=1)
    context = await asked(operator, customer_id=ada.user_id)
    assert (context["has_booking"], context["booking_in"]) == (True, 5400)
    details = context["booking_details"]
    assert details | {"code": None} == {
        "id": soon,
        "code": None,
        "status": "confirmed",
        "location_id": venue.id,
        "location_name": "Fairway",
        "timezone": "America/New_York",
        "resource_id": venue.bays[1],
        "resource_name": "Bay 2",
        "start_time": told(NOON + 5400),
        "end_time": told(NOON + 5400 + 2 * HOUR),
        "note": "Two guests",
        "reschedule_count": 1,
        "attended_at": None,
        "cancel_reason": None,
        "created_at": told(NOON - 9 * DAY),
    }
    assert len(details["code"]) == 6
    assert [each["id"] for each in context["upcoming"]] == [soon, later]
    assert context["history"] == []
    assert context["customer"] | {"created_at": None} == {
        "id": ada.user_id,
        "name": "Ada",
        "email": "Ada@Example.com",
        "phone": "+15551230000",
        "hubspot_id": "4711",
        "language": "en",
        "active": True,
        "created_at": None,
    }
    assert (context["membership_tier"], context["tags"]) == ("GOLD", ["league", "left-handed"])
    assert (context["thread_id"], context["asked_at"]) == (None, told(NOON))


async def test_x1_a_running_booking_has_begun_and_an_ended_one_is_history(town, venue, ada, operator):
    running = await book(town, venue, ada, -HOUR, hours=2)
    ended = await book(town, venue, ada, -3 * HOUR)
    context = await asked(operator, customer_id=ada.user_id)
    assert (context["booking_in"], context["booking_details"]["id"]) == (0, running)
    assert [each["id"] for each in context["history"]] == [ended]


async def test_x1_holds_and_what_others_have_are_not_told(town, venue, ada, operator):
    other = await town.person("Grace")
    for status, bay in (("held", 0), ("expired", 1)):
        await book(town, venue, ada, HOUR, status=status, bay=bay)
    await book(town, venue, other, HOUR, bay=2, note="Not for Ada")
    context = await asked(operator, customer_id=ada.user_id)
    assert context["has_booking"] is False
    assert (context["booking_in"], context["booking_details"]) == (None, None)
    assert (context["upcoming"], context["history"]) == ([], [])


async def test_x1_no_answer_holds_an_internal_note_or_who_created_what(town, venue, ada, operator):
    admin = await town.person("Head Office", "admin")
    secret = {
        "internal_note": "SECRET",
        "reason": "SECRET",
        "created_by": admin.user_id,
        "judged_by": {"SECRET": 1},
    }
    await book(town, venue, ada, HOUR, **secret)
    await book(town, venue, ada, -DAY, status="completed", **secret)
    await book(town, venue, None, HOUR, bay=1, note="SECRET")
    await town.restrict(ada, "MAX_CONCURRENT", 1)
    await town.fetch("UPDATE booking_restrictions SET reason = 'SECRET', created_by = $1", admin.user_id)
    await asked(operator, customer_id=ada.user_id, thread_id="t")
    for answer in (
        await operator.get("/api/context", params={"customer_id": ada.user_id}),
        await operator.get("/api/context/threads/t"),
    ):
        assert "SECRET" not in answer.text
        assert "created_by" not in answer.text
        assert "internal_note" not in answer.text


async def test_x1_history_is_the_last_twenty_of_two_years_that_ended_or_were_cancelled(
    town, venue, ada, operator
):
    await book(town, venue, ada, -731 * DAY, status="completed")
    assert (await asked(operator, customer_id=ada.user_id))["history"] == []
    for n in range(1, 24):
        await book(town, venue, ada, -n * DAY, status="completed" if n % 2 else "no_show")
    cancelled = await book(town, venue, ada, 5 * DAY, status="cancelled", cancel_reason="Rain")
    for n in range(12):
        await book(town, venue, ada, 7 * DAY + n * HOUR)
    context = await asked(operator, customer_id=ada.user_id)
    assert (len(context["upcoming"]), len(context["history"])) == (10, 20)
    assert context["history"][0]["id"] == cancelled
    assert context["history"][0]["cancel_reason"] == "Rain"
    for name, falling in (("upcoming", False), ("history", True)):
        starts = [each["start_time"] for each in context[name]]
        assert starts == sorted(starts, reverse=falling)


async def test_x1_restrictions_are_those_in_force(edge, town, ada, operator):
    await town.restrict(ada, "BOOKING_BAN")
    await town.restrict(ada, "MAX_ADVANCE_DAYS", 3)
    await town.fetch(
        "INSERT INTO booking_restrictions (user_id, restriction_type, value, reason, created_at, expires_at, lifted_at) "
        "VALUES ($1, 'MAX_CONCURRENT', 1, 'x', $2, $2, NULL), ($1, 'MAX_CONCURRENT', 2, 'x', $2, NULL, $2)",
        ada.user_id,
        dt.datetime.fromtimestamp(NOON, dt.UTC),
    )
    assert (await asked(operator, customer_id=ada.user_id))["restrictions"] == [
        {"restriction_type": "BOOKING_BAN", "value": None, "expires_at": None},
        {"restriction_type": "MAX_ADVANCE_DAYS", "value": 3, "expires_at": None},
    ]


async def test_x1_a_customer_is_found_by_whatever_a_conversation_has(ada, operator):
    for query in (
        {"email": "ada@example.com"},
        {"email": "  ADA@EXAMPLE.COM "},
        {"hubspot_id": "4711"},
        {"phone": "+15551230000"},
        {"phone": "+1 (555) 123-0000"},
        {"phone": "001.555.123.0000"},
        {"phone": " 15551230000"},
        {"phone": "1-555/123 0000"},
    ):
        assert (await asked(operator, **query))["customer"]["id"] == ada.user_id, query


async def test_x1_questions_that_name_nobody_or_two_are_400(operator):
    for query, pointers in (
        ("", {"query:customer_id", "query:hubspot_id", "query:email", "query:phone"}),
        ("thread_id=1", {"query:customer_id", "query:hubspot_id", "query:email", "query:phone"}),
        (
            "customer_id=1&email=a@example.com",
            {"query:customer_id", "query:hubspot_id", "query:email", "query:phone"},
        ),
        ("customer_id=1&customer_id=2", {"query:customer_id"}),
        ("customer_id=x", {"query:customer_id"}),
        ("hubspot_id=", {"query:hubspot_id"}),
        ("email=ada", {"query:email"}),
        ("phone=0171-1234567", {"query:phone"}),
        ("phone=call%20me", {"query:phone"}),
        ("phone=%2B1", {"query:phone"}),
        ("customer_id=1&thread_id=", {"query:thread_id"}),
        ("customer_id=1&thread_id=a/b", {"query:thread_id"}),
        ("customer_id=1&thread_id=..", {"query:thread_id"}),
        ("customer_id=1&thread_id=a%20b", {"query:thread_id"}),
        ("customer_id=1&thread_id=" + "x" * 201, {"query:thread_id"}),
        ("customer_id=1&surprise=1", {"query:surprise"}),
    ):
        answer = await operator.get(f"/api/context?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), query
        assert {error["pointer"] for error in answer.json()["errors"]} == pointers, query


async def test_x1_an_unknown_customer_is_404_and_the_thread_keeps_that_nobody_was_found(
    edge, town, ada, operator
):
    admin = await edge.account("admin")
    for query in (
        {"customer_id": 2**62},
        {"customer_id": -1},
        {"customer_id": admin.id},
        {"email": "nobody@example.com"},
        {"hubspot_id": "4712"},
        {"phone": "+15551230001"},
    ):
        answer = await operator.get("/api/context", params=query | {"thread_id": "lost"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    items = (await operator.get("/api/context/threads/lost")).json()["items"]
    assert [each["answer"] for each in items] == [None] * 6
    assert items[3]["asked"] == {"email": "nobody@example.com"}
    [thread] = (await operator.get("/api/context/threads")).json()["items"]
    assert thread == {"thread_id": "lost", "customer": None, "last_asked_at": told(NOON)}


async def test_x1_a_closed_account_is_told_as_closed(town, ada, operator):
    await town.fetch("UPDATE users SET active = false WHERE id = $1", ada.user_id)
    assert (await asked(operator, customer_id=ada.user_id))["customer"]["active"] is False


async def test_x1_a_thread_shows_what_was_asked_and_answered_as_it_was_then(edge, town, venue, ada, operator):
    first = await asked(operator, email="ADA@example.com", thread_id="4711")
    booked = await book(town, venue, ada, HOUR)
    edge.clock.advance(60)
    colleague = await edge.signed_in("admin", name="Bea")
    second = await asked(colleague, customer_id=ada.user_id, thread_id="4711")
    await asked(operator, customer_id=ada.user_id)
    assert (first["has_booking"], second["booking_details"]["id"]) == (False, booked)

    page = (await operator.get("/api/context/threads/4711")).json()
    assert page["next_cursor"] is None
    assert [each["answer"] for each in page["items"]] == [first, second]
    assert [each["asked_by"]["name"] for each in page["items"]] == ["Olga", "Bea"]
    assert [each["asked"] for each in page["items"]] == [
        {"email": "ADA@example.com"},
        {"customer_id": ada.user_id},
    ]
    assert [each["asked_at"] for each in page["items"]] == [told(NOON), told(NOON + 60)]
    assert {each["customer_id"] for each in page["items"]} == {ada.user_id}


async def test_x1_threads_are_listed_newest_first_in_pages(edge, ada, operator):
    for n in range(5):
        await asked(operator, customer_id=ada.user_id, thread_id=f"thread-{n}")
        edge.clock.advance(n % 2)
    await asked(operator, customer_id=ada.user_id, thread_id="thread-1")
    whole = (await operator.get("/api/context/threads")).json()["items"]
    names = [each["thread_id"] for each in whole]
    assert names == ["thread-4", "thread-1", "thread-3", "thread-2", "thread-0"]
    assert whole[0]["customer"] == {"id": ada.user_id, "name": "Ada"}
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await operator.get(f"/api/context/threads?limit=2{cursor and '&cursor=' + cursor}")).json()
        found += [each["thread_id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert found == names


async def test_x1_a_threads_entries_come_in_pages(ada, operator):
    for _ in range(3):
        await asked(operator, customer_id=ada.user_id, thread_id="t")
    first = (await operator.get("/api/context/threads/t?limit=2")).json()
    rest = (await operator.get(f"/api/context/threads/t?limit=2&cursor={first['next_cursor']}")).json()
    ids = [each["id"] for each in first["items"] + rest["items"]]
    assert (len(ids), ids, rest["next_cursor"]) == (3, sorted(ids), None)


async def test_x1_questions_asked_at_once_in_one_new_thread_are_all_kept(ada, operator):
    await asyncio.gather(*(asked(operator, customer_id=ada.user_id, thread_id="busy") for _ in range(12)))
    assert len((await operator.get("/api/context/threads/busy")).json()["items"]) == 12


async def test_x1_staff_are_told_of_bookings_at_their_own_locations(edge, town, ada, operator):
    here, there = await town.venue(), await town.venue(timezone="Europe/London")
    elsewhere = await book(town, there, ada, HOUR)
    own = await book(town, here, ada, 3 * HOUR)
    await book(town, there, ada, -DAY, status="completed")
    staff = await edge.signed_in("staff", location_ids=[here.id])
    assert (await asked(operator, customer_id=ada.user_id, thread_id="t"))["booking_details"][
        "id"
    ] == elsewhere
    seen = await asked(staff, customer_id=ada.user_id, thread_id="t")
    assert (seen["booking_details"]["id"], seen["booking_in"]) == (own, 3 * HOUR)
    assert ([each["id"] for each in seen["upcoming"]], seen["history"]) == ([own], [])

    # What others were answered is seen as if staff had asked it then; the others see it all.
    answers = [each["answer"] for each in (await staff.get("/api/context/threads/t")).json()["items"]]
    assert answers == [seen, seen]
    kept = [each["answer"] for each in (await operator.get("/api/context/threads/t")).json()["items"]]
    assert (kept[0]["booking_details"]["id"], kept[1]) == (elsewhere, seen)


async def test_a3_staff_are_told_of_no_denial_at_other_locations(edge, town, venue, ada, operator):
    elsewhere = await town.venue()
    await book(town, venue, ada, DAY)
    for denied in (venue, elsewhere):
        await town.restrict(ada, "DENY_LOCATION", denied.id)
    await town.restrict(ada, "BOOKING_BAN")
    staff = await edge.signed_in("staff", name="Sam", location_ids=(venue.id,))

    def told_of(context):
        return [(each["restriction_type"], each["value"]) for each in context["restrictions"]]

    here, there, ban = ("DENY_LOCATION", venue.id), ("DENY_LOCATION", elsewhere.id), ("BOOKING_BAN", None)
    question = {"customer_id": ada.user_id, "thread_id": "4711"}
    assert told_of(await asked(operator, **question)) == [here, there, ban]
    assert told_of(await asked(staff, **question)) == [here, ban]
    for reader, told in ((staff, [here, ban]), (operator, [here, there, ban])):
        entries = (await reader.get("/api/context/threads/4711")).json()["items"]
        assert told_of(entries[0]["answer"]) == told


async def test_x1_to_staff_a_customer_who_never_booked_with_them_does_not_exist(
    edge, town, venue, ada, operator
):
    await book(town, venue, ada, -DAY, status="cancelled")
    await asked(operator, customer_id=ada.user_id, thread_id="t")
    known = await edge.signed_in("staff", location_ids=[venue.id])
    stranger = await edge.signed_in("staff", name="Ned", location_ids=[(await town.venue()).id])
    by = {
        "customer_id": ada.user_id,
        "hubspot_id": "4711",
        "email": "ada@example.com",
        "phone": "+15551230000",
    }
    for name, value in by.items():
        assert (await known.get("/api/context", params={name: value})).status_code == 200
        answer = await stranger.get("/api/context", params={name: value, "thread_id": "of-ned"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    # Nor do the threads about them; but everybody sees what they asked themselves.
    assert [each["thread_id"] for each in (await known.get("/api/context/threads")).json()["items"]] == ["t"]
    assert (await known.get("/api/context/threads/of-ned")).status_code == 404
    assert (await stranger.get("/api/context/threads/t")).status_code == 404
    own = (await stranger.get("/api/context/threads")).json()["items"]
    assert [(each["thread_id"], each["customer"]) for each in own] == [("of-ned", None)]
    assert len((await stranger.get("/api/context/threads/of-ned")).json()["items"]) == 4


async def test_x1_context_is_for_support_alone(edge):
    customer = await edge.signed_in("customer")
    nowhere = await edge.signed_in("staff")
    for path in ("/api/context?customer_id=1", "/api/context/threads", "/api/context/threads/t"):
        for client in (customer, nowhere):
            assert (await client.get(path)).status_code == 403
        assert (await edge.client().get(path)).status_code == 401


async def test_x1_a_thread_in_which_nothing_was_asked_is_404(operator):
    for thread_id in ("nothing", "..%2F", "%00", "a%20b", "x" * 300):
        answer = await operator.get(f"/api/context/threads/{thread_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_x1_what_was_asked_is_forgotten_after_its_time(edge, database, ada, operator):
    await asked(operator, customer_id=ada.user_id, thread_id="old")
    await asked(operator, customer_id=ada.user_id, thread_id="both")
    edge.clock.advance(60)
    await asked(operator, customer_id=ada.user_id, thread_id="both")
    await forget_old(database, NOON + CONTEXT_DAYS * DAY + 30)
    assert (await operator.get("/api/context/threads/old")).status_code == 404
    assert len((await operator.get("/api/context/threads/both")).json()["items"]) == 1
    threads = (await operator.get("/api/context/threads")).json()["items"]
    assert [each["thread_id"] for each in threads] == ["both"]


async def test_x1_without_postgres_it_is_503(database, ada, operator):
    await asked(operator, customer_id=ada.user_id)
    await database.close()
    answer = await operator.get("/api/context?customer_id=1")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.test"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "cross-site"}],
)
async def test_a6_no_other_sites_page_asks_in_a_thread_by_the_cookie(edge, venue, ada, headers):
    await edge.account("operator", name="Olga")
    browser = edge.client()
    signed_in = {"email": "olga@example.com", "password": PASSWORD}
    assert (await browser.post("/api/auth/login", json=signed_in)).status_code == 200
    question = {"customer_id": ada.user_id, "thread_id": "4711"}
    for method in ("GET", "HEAD"):
        answer = await browser.request(method, "/api/context", params=question, headers=headers)
        assert answer.status_code == 403
    assert (await browser.get("/api/context/threads", headers=headers)).json()["items"] == []
    own = await browser.get("/api/context", params=question, headers={"sec-fetch-site": "same-origin"})
    assert own.status_code == 200
