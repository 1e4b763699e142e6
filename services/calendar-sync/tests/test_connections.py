"""Linking a calendar."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.calendar_sync import (
    CalendarConnection,
    CalendarConnections,
    ConnectCalendar,
    DisconnectCalendar,
    ListCalendarConnections,
)
from service_kit.errors import ProblemError
from tests.radicale import PASSWORD, USERNAME, Radicale, RemoteCalendar

from .builders import HOST, ABooking
from .conftest import System


def wish(calendar: RemoteCalendar, **changes: Any) -> ConnectCalendar:
    return ConnectCalendar.model_validate(
        {
            "tenant": "demo",
            "host_id": HOST,
            "url": calendar.url,
            "username": USERNAME,
            "password": PASSWORD,
        }
        | changes
    )


async def connected(system: System, wish: ConnectCalendar) -> CalendarConnection:
    reply = await system.ask(wish)
    assert isinstance(reply, CalendarConnection)
    return reply


async def refusal(system: System, wish: Any) -> tuple[str, object]:
    with pytest.raises(ProblemError) as problem:
        await system.ask(wish)
    assert PASSWORD not in problem.value.message
    return problem.value.code, problem.value.details.get("field")


async def listed(system: System, **filters: Any) -> list[UUID]:
    query = ListCalendarConnections.model_validate({"tenant": "demo"} | filters)
    reply = await system.ask(query)
    assert isinstance(reply, CalendarConnections)
    return [item.id for item in reply.items]


async def test_a_calendar_that_works_is_linked(system: System, calendar: RemoteCalendar):
    link = await connected(system, wish(calendar))

    assert await listed(system) == [link.id]
    assert await listed(system, host_id=HOST) == [link.id]
    assert await system.said() == ["calendar.connected.v1"]


async def test_the_password_is_told_nowhere_and_lies_sealed(
    system: System, calendar: RemoteCalendar
):
    link = await connected(system, wish(calendar))
    await system.hear(ABooking().confirmed())
    await system.work()

    stored = await system.rows("SELECT password FROM connections")
    said = await system.rows("SELECT convert_from(body, 'UTF8') FROM outbox")
    assert PASSWORD not in f"{link!r} {said} {bytes(stored[0][0])!r}"
    assert PASSWORD.encode() not in bytes(stored[0][0])


async def test_a_wrong_password_is_refused_before_anything_is_kept(
    system: System, calendar: RemoteCalendar
):
    assert await refusal(system, wish(calendar, password="wrong")) == (
        "calendar_unreachable",
        "url",
    )
    assert await listed(system) == []


async def test_a_server_that_is_not_there_is_refused(system: System, own_radicale: Radicale):
    calendar = own_radicale.calendar()
    own_radicale.stop()

    assert await refusal(system, wish(calendar)) == ("calendar_unreachable", "url")


async def test_what_is_no_calendar_is_refused(system: System, radicale: Radicale):
    elsewhere = RemoteCalendar(f"{radicale.url}/{USERNAME}/")

    assert await refusal(system, wish(elsewhere)) == ("calendar_unreachable", "url")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://calendar.example/"),
        ("url", "http://anna:secret@127.0.0.1/"),
        ("username", ""),
        ("username", "anna:x"),
        ("username", "an\r\nna"),
        ("password", ""),
        ("password", "x" * 501),
    ],
)
async def test_a_malformed_wish_names_its_field(
    system: System, calendar: RemoteCalendar, field: str, value: str
):
    assert await refusal(system, wish(calendar, **{field: value})) == ("invalid", field)


async def test_a_calendar_linked_twice_is_one_link_with_the_newest_password(
    system: System, calendar: RemoteCalendar
):
    first = await connected(system, wish(calendar))
    async with system.database.transaction() as connection:
        await connection.execute("UPDATE connections SET password = 'unreadable'")
    again = await connected(system, wish(calendar, url=calendar.url.rstrip("/")))

    await system.hear(ABooking().confirmed())
    await system.work()

    assert first.id == again.id
    assert len(calendar.names()) == 1
    assert (await system.said()).count("calendar.connected.v1") == 1


async def test_a_password_that_cannot_be_read_is_a_failure_with_its_reason(
    system: System, calendar: RemoteCalendar
):
    await connected(system, wish(calendar))
    async with system.database.transaction() as connection:
        await connection.execute("UPDATE connections SET password = 'unreadable'")

    await system.hear(ABooking().confirmed())
    await system.work()

    ((reason,),) = await system.rows("SELECT failure FROM entries")
    assert "SECRET_KEY" in reason


async def test_an_unlinked_calendar_keeps_its_entries_and_gets_no_more(
    system: System, calendar: RemoteCalendar
):
    link = await connected(system, wish(calendar))
    await system.hear(ABooking().confirmed())
    await system.work()

    await system.ask(DisconnectCalendar(tenant="demo", connection_id=link.id))
    await system.hear(ABooking().confirmed())
    await system.work()

    assert len(calendar.names()) == 1
    assert await listed(system) == []
    assert (await system.said())[-1] == "calendar.disconnected.v1"


async def test_a_calendar_linked_again_after_that_has_each_booking_once(
    system: System, calendar: RemoteCalendar
):
    link = await connected(system, wish(calendar))
    booking = ABooking()
    await system.hear(booking.confirmed())
    await system.work()
    await system.ask(DisconnectCalendar(tenant="demo", connection_id=link.id))

    await connected(system, wish(calendar))
    await system.work()
    assert calendar.names() == [f"{booking.id}.ics"]
    await system.hear(booking.cancelled())
    await system.work()

    assert calendar.names() == []


async def test_nobody_unlinks_another_tenants_calendar(system: System, calendar: RemoteCalendar):
    link = await connected(system, wish(calendar))

    foreign = DisconnectCalendar(tenant="other", connection_id=link.id)
    unknown = DisconnectCalendar(tenant="demo", connection_id=uuid4())

    assert await refusal(system, foreign) == await refusal(system, unknown) == ("not_found", None)
    assert await listed(system, tenant="other") == []
