"""What every kind of outside calendar has to do; run against real servers.

A new provider joins by a fixture of its own name in `PROVIDERS`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from calendar_sync.domain import Access
from calendar_sync.providers import (
    AccessRefusedError,
    CalendarError,
    CalendarProvider,
    EntryRefusedError,
    NotACalendarError,
    NotReachedError,
    caldav,
)
from calendar_sync.providers.urls import UrlGuard
from tests.radicale import PASSWORD, USERNAME, Radicale, RemoteCalendar

from .listener import Listen

PROVIDERS = ["caldav_provider"]


def a_document(uid: str = "a@book.example", summary: str = "Consultation") -> bytes:
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:20270101T000000Z\r\n"
        f"SUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


@pytest.fixture
def caldav_provider() -> CalendarProvider:
    return caldav.CaldavProvider(UrlGuard(private_hosts=True))


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> CalendarProvider:
    return request.getfixturevalue(request.param)


@pytest.fixture
def access(calendar: RemoteCalendar) -> Access:
    return Access(calendar.url, USERNAME, PASSWORD)


def but(access: Access, **changes: Any) -> Access:
    return Access(
        **{"url": access.url, "username": access.username, "password": access.password} | changes
    )


async def test_a_calendar_that_can_be_written_to_passes_the_probe(
    provider: CalendarProvider, access: Access, calendar: RemoteCalendar
):
    await provider.probe(access)

    assert calendar.names() == []


async def test_an_entry_is_written_over_the_one_of_its_name(
    provider: CalendarProvider, access: Access, calendar: RemoteCalendar
):
    await provider.write(access, "a.ics", a_document())
    await provider.write(access, "a.ics", a_document(summary="Moved"))

    assert calendar.names() == ["a.ics"]
    assert calendar.read("a.ics").walk("VEVENT")[0]["SUMMARY"] == "Moved"


async def test_an_entry_is_removed_once_and_then_was_gone(
    provider: CalendarProvider, access: Access, calendar: RemoteCalendar
):
    await provider.write(access, "a.ics", a_document())

    assert await provider.remove(access, "a.ics")
    assert not await provider.remove(access, "a.ics")

    assert calendar.names() == []


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "bert"}])
async def test_wrong_credentials_are_told_as_such(
    provider: CalendarProvider, access: Access, changes: dict[str, str]
):
    for attempt in (
        provider.probe(but(access, **changes)),
        provider.write(but(access, **changes), "a.ics", a_document()),
        provider.remove(but(access, **changes), "a.ics"),
    ):
        with pytest.raises(AccessRefusedError):
            await attempt


async def test_what_is_no_calendar_fails_the_probe(
    provider: CalendarProvider, access: Access, radicale: Radicale
):
    for url in (f"{radicale.url}/{USERNAME}/", f"{radicale.url}/{USERNAME}/nothing/"):
        with pytest.raises(NotACalendarError):
            await provider.probe(but(access, url=url))


async def test_a_calendar_of_tasks_fails_the_probe(
    provider: CalendarProvider, access: Access, radicale: Radicale
):
    tasks = radicale.calendar("VTODO")

    with pytest.raises(NotACalendarError, match="appointments"):
        await provider.probe(but(access, url=tasks.url))


async def test_an_entry_that_the_calendar_does_not_want_is_no_fault_of_the_others(
    provider: CalendarProvider, access: Access
):
    await provider.write(access, "a.ics", a_document())

    with pytest.raises(EntryRefusedError) as refused:
        await provider.write(access, "b.ics", a_document())

    assert not refused.value.anything


async def test_a_dead_server_is_not_reached(
    provider: CalendarProvider, access: Access, own_radicale: Radicale
):
    own_radicale.stop()

    with pytest.raises(NotReachedError):
        await provider.probe(but(access, url=f"{own_radicale.url}/{USERNAME}/x/"))


async def test_no_error_names_the_address_the_user_or_the_password(
    provider: CalendarProvider, access: Access, own_radicale: Radicale
):
    own_radicale.stop()
    told: list[str] = []

    for wrong in (but(access, password="wrong"), but(access, url=f"{own_radicale.url}/anna/x/")):
        with pytest.raises(CalendarError) as error:
            await provider.probe(wrong)
        told.append(str(error.value))

    assert not any(secret in " ".join(told) for secret in ("127.0.0.1", USERNAME, PASSWORD))
    assert PASSWORD not in repr(access)


# ------------------------------------------------------------------ hostile servers

Writer = asyncio.StreamWriter


async def hang(_writer: Writer) -> None:
    await asyncio.sleep(60)


async def drip_headers(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 207 Multi-Status\r\n")
    while True:
        writer.write(b"X-More: to come\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def never_end(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\n\r\n")
    while True:
        writer.write(b"<a>" * 10_000)
        await writer.drain()


async def explode(writer: Writer) -> None:
    lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE x [<!ENTITY e0 "boom">{lines}]><x>&e9;</x>'.encode()
    head = f"HTTP/1.1 207 x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def talk_nonsense(writer: Writer) -> None:
    writer.write(b"\x00\xff SSH-2.0-nothing of the kind\r\n\r\n")
    await writer.drain()


async def break_xml(writer: Writer) -> None:
    writer.write(b"HTTP/1.1 207 x\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\n<a><b")
    await writer.drain()


@pytest.mark.parametrize(
    "answer", [hang, drip_headers, never_end, explode, talk_nonsense, break_xml]
)
async def test_a_hostile_server_costs_a_bounded_time(
    answer: Callable[[Writer], Awaitable[None]],
    provider: CalendarProvider,
    listen: Listen,
    monkeypatch: pytest.MonkeyPatch,
):
    listener = await listen()
    listener.answer = answer
    monkeypatch.setattr(caldav, "PROBE_SECONDS", 1.5)
    began = time.monotonic()

    with pytest.raises(CalendarError):
        await provider.probe(Access(f"http://127.0.0.1:{listener.port}/cal/", USERNAME, PASSWORD))

    assert time.monotonic() - began < 4


async def test_an_answer_without_end_is_not_read_to_its_end(
    provider: CalendarProvider, listen: Listen
):
    listener = await listen()
    listener.answer = never_end

    with pytest.raises(NotReachedError, match="no end"):
        await provider.probe(Access(f"http://127.0.0.1:{listener.port}/cal/", USERNAME, PASSWORD))
