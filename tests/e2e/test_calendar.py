"""Bookings stand in the host's own calendar, and in a private feed."""

from pathlib import Path

import icalendar

from service_kit.testing import eventually
from tests.e2e.clients import Client, Json, client_of
from tests.e2e.system import System
from tests.radicale import PASSWORD, USERNAME, Radicale


async def _mike(client: Client) -> str:
    types = (await client.http.get("/v1/demo/appointment-types")).json()["items"]
    return next(t for t in types if t["slug"] == "intro-call")["hosts"][0]["id"]


async def test_a_booking_is_written_into_the_hosts_calendar_and_taken_out_again(
    system: System, tmp_path: Path
) -> None:
    server = Radicale(tmp_path)
    server.start()
    calendar = server.calendar()
    async with client_of(system) as client:
        connected = await client.http.post(
            "/v1/calendar-connections",
            json={
                "host_id": await _mike(client),
                "url": calendar.url,
                "username": USERNAME,
                "password": PASSWORD,
            },
            headers=client.key,
        )
        assert connected.status_code == 201
        assert PASSWORD not in connected.text
        booking = await _book(client, "2027-05-03", "2027-05-04")
        name = f"{booking['id']}.ics"

        async def joined() -> bool:
            return name in calendar.names() and "/call/" in str(calendar.read(name).to_ical())

        async def gone() -> bool:
            return name not in calendar.names()

        await eventually(joined, 30, "the entry with its link")
        event = calendar.read(name).events[0]
        assert event.start.isoformat() == booking["local_start"]
        await client.cancel(booking["id"])
        await eventually(gone, 30, "the entry to go")
        path = f"/v1/calendar-connections/{connected.json()['id']}"
        assert (await client.http.delete(path, headers=client.key)).status_code == 204
    server.stop()


async def test_a_hosts_feed_follows_their_bookings(system: System) -> None:
    async with client_of(system) as client:
        feed = await client.http.post(f"/v1/hosts/{await _mike(client)}/feed", headers=client.key)
        url = feed.json()["url"]
        booking = await _book(client, "2027-05-04", "2027-05-05")

        async def listed() -> icalendar.Event | None:
            reply = await client.http.get(url)
            events = icalendar.Calendar.from_ical(reply.text).events
            return next((e for e in events if str(e["UID"]).startswith(booking["id"])), None)

        event = await eventually(listed, 30, "the booking in the feed")
        assert event.start.isoformat() == booking["local_start"]


async def _book(client: Client, begin: str, end: str) -> Json:
    slot = (await client.slots(begin=begin, end=end))[0]
    return {**await client.book(slot["start"]), "local_start": slot["local_start"]}
