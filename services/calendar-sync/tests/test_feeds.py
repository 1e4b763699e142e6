"""A host's private feed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar

from contracts.calendar_sync import CreateFeed, Feed, FeedDocument, ReadFeed
from service_kit.errors import ProblemError

from .builders import HOST, NOW, ABooking
from .conftest import System


async def a_token(system: System, host_id: UUID = HOST, tenant: str = "demo") -> str:
    reply = await system.ask(CreateFeed(tenant=tenant, host_id=host_id))
    assert isinstance(reply, Feed)
    return reply.token


async def read(system: System, token: str) -> FeedDocument:
    reply = await system.ask(ReadFeed(token=token))
    assert isinstance(reply, FeedDocument)
    return reply


async def starts(system: System, token: str) -> list[datetime]:
    events: list[Any] = Calendar.from_ical((await read(system, token)).ics).walk("VEVENT")
    return [event["DTSTART"].dt for event in events]


async def test_a_feed_holds_the_hosts_bookings_with_names_asked_for_in_one_question(
    system: System,
):
    first, second = ABooking(), ABooking(start=NOW + timedelta(days=1))
    await system.hear(first.confirmed(), second.confirmed())
    await system.hear(ABooking(host_id=UUID(int=7)).confirmed())
    token = await a_token(system)

    calendar = Calendar.from_ical((await read(system, token)).ics)

    assert [event["UID"] for event in calendar.walk("VEVENT")] == [
        f"{second.id}@book.example",
        f"{first.id}@book.example",
    ]
    assert {str(event["SUMMARY"]) for event in calendar.walk("VEVENT")} == {
        "Video consultation: Sarah Miller"
    }
    assert system.known.questions == [{first.attendee, second.attendee}]


async def test_a_cancelled_booking_leaves_the_feed_and_changes_its_tag(system: System):
    booking = ABooking()
    await system.hear(booking.confirmed())
    token = await a_token(system)
    before = await read(system, token)
    assert (await read(system, token)).etag == before.etag

    await system.hear(booking.cancelled())

    after = await read(system, token)
    assert after.etag != before.etag
    assert "VEVENT" not in after.ics


async def test_a_feed_reaches_thirty_days_back_and_a_year_ahead(system: System):
    inside = [NOW - timedelta(days=29), NOW + timedelta(days=365)]
    outside = [NOW - timedelta(days=31), NOW + timedelta(days=367)]
    await system.hear(*(ABooking(start=start).confirmed() for start in inside + outside))

    assert await starts(system, await a_token(system)) == inside


async def test_a_new_token_ends_the_old_one(system: System):
    old = await a_token(system)
    new = await a_token(system)

    with pytest.raises(ProblemError) as problem:
        await read(system, old)

    assert problem.value.code == "not_found"
    assert await read(system, new)


@pytest.mark.parametrize("token", ["", "guess", "x" * 100_000, "' OR true --"])
async def test_an_unknown_token_opens_nothing(system: System, token: str):
    await a_token(system)

    with pytest.raises(ProblemError) as problem:
        await read(system, token)

    assert problem.value.code == "not_found"


async def test_of_a_token_only_its_hash_is_kept(system: System):
    token = await a_token(system)

    ((kept,),) = await system.rows("SELECT token_hash FROM feeds")

    assert token.encode() not in bytes(kept)
    assert len(bytes(kept)) == 32


async def test_a_token_opens_its_own_tenants_bookings_only(system: System):
    await system.hear(ABooking().confirmed())

    assert await starts(system, await a_token(system, tenant="other")) == []


async def test_while_names_cannot_be_had_there_is_no_feed_rather_than_one_without(
    system: System,
):
    await system.hear(ABooking().confirmed())
    token = await a_token(system)
    system.known.away = True

    with pytest.raises(ProblemError) as problem:
        await read(system, token)

    assert problem.value.code == "unavailable"


async def test_the_largest_feed_fits_into_a_message(system: System):
    bookings = [
        ABooking(
            start=NOW + timedelta(minutes=15 * n),
            title="A consultation with a rather long title that says everything there is to say",
            location={"kind": "in_person", "address": "Suite 1234, 12345 Long Street, Springfield"},
        )
        for n in range(2010)
    ]
    await system.hear(*(booking.confirmed() for booking in bookings))

    document = await read(system, await a_token(system))

    assert document.ics.count("BEGIN:VEVENT") == 2000
    assert len(document.model_dump_json()) < 1024 * 1024
