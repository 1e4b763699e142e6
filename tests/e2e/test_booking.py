"""A client books, and everything that should follow, follows."""

import asyncio
from email.message import EmailMessage

import icalendar

from service_kit.testing import eventually
from tests.e2e.clients import client_of
from tests.e2e.system import System

AMIRA_MONDAY = "2027-03-22"
"""A Monday on which New York is five hours behind Berlin, not six: America changed before."""


async def mails_to(system: System, address: str, count: int) -> list[EmailMessage]:
    async def arrived() -> list[EmailMessage]:
        mails = system.mails(address)
        return mails if len(mails) >= count else []

    return await eventually(arrived, 30, f"{count} mails to {address}")


def invite(mail: EmailMessage) -> icalendar.Calendar:
    attachment = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    payload = attachment.get_payload(decode=True)
    assert isinstance(payload, bytes)
    calendar = icalendar.Calendar.from_ical(payload)
    assert isinstance(calendar, icalendar.Calendar)
    return calendar


async def test_a_video_consultation_is_booked_joined_and_cancelled(system: System) -> None:
    address = "video@example.org"
    async with client_of(system) as client:
        slots = await client.slots("video-consultation", begin=AMIRA_MONDAY, end="2027-03-23")
        reply = await client.ask(
            slots[0]["start"],
            appointment_type="video-consultation",
            duration_minutes=30,
            attendee={"name": "Sarah Weiß", "email": address},
        )
        assert reply.status_code == 201
        booking = reply.json()
        assert (booking["status"], booking["host"]["name"]) == ("confirmed", "Dr. Amira Haddad")

        confirmation = (await mails_to(system, address, 1))[0]
        event = invite(confirmation).events[0]
        assert invite(confirmation)["METHOD"] == "REQUEST"
        assert event.start.isoformat() == slots[0]["local_start"]
        joined = (await client.look(booking["id"]))["location"]["join_url"]
        assert joined in confirmation.get_body(("plain",)).get_content()  # type: ignore[union-attr]

        room = await client.http.get(joined)
        assert (room.status_code, room.headers["location"][:20]) == (303, "https://meet.jit.si/")

        token = booking["manage_url"].rpartition("/")[2]
        cancelled = await client.http.post(
            f"/v1/bookings/{booking['id']}/cancel",
            json={"reason": "I am ill"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        assert (await client.http.get(joined)).status_code == 410

        async def free_again() -> bool:
            found = await client.slots("video-consultation", begin=AMIRA_MONDAY, end="2027-03-23")
            return slots[0]["start"] in {slot["start"] for slot in found}

        await eventually(free_again)
        cancellation = invite((await mails_to(system, address, 2))[1])
        assert cancellation["METHOD"] == "CANCEL"
        assert cancellation.events[0]["UID"] == event["UID"]
        assert int(str(cancellation.events[0]["SEQUENCE"])) > int(str(event["SEQUENCE"]))


async def test_an_office_visit_tells_the_way(system: System) -> None:
    address = "visit@example.org"
    async with client_of(system) as client:
        slot = (await client.slots("office-visit", begin="2027-03-23", end="2027-03-24"))[0]
        booking = await client.book(
            slot["start"],
            appointment_type="office-visit",
            duration_minutes=30,
            location={"kind": "in_person"},
            attendee={"name": "Vera Visit", "email": address},
        )

    text = (await mails_to(system, address, 1))[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    for said in ("address", "directions_url", "parking_note"):
        assert booking["location"][said] in text


async def test_a_phone_call_can_be_dialled_from_the_mail(system: System) -> None:
    address = "phone@example.org"
    async with client_of(system) as client:
        slot = (await client.slots("phone-call", begin="2027-03-23", end="2027-03-24"))[0]
        await client.book(
            slot["start"],
            appointment_type="phone-call",
            duration_minutes=15,
            location={"kind": "phone"},
            attendee={"name": "Theo Phone", "email": address},
        )

    html = (await mails_to(system, address, 1))[0].get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert 'href="tel:+' in html


async def test_fifty_ask_for_one_slot_and_one_gets_it(system: System) -> None:
    async with client_of(system) as client:
        start = (await client.slots(begin="2027-04-05", end="2027-04-06"))[0]["start"]

        replies = await asyncio.gather(*(client.ask(start) for _ in range(50)))

        codes = sorted(reply.status_code for reply in replies)
        assert codes == [201] + [409] * 49
        refused = [reply.json() for reply in replies if reply.status_code == 409]
        assert all(problem["type"].endswith("slot-unavailable") for problem in refused)
        assert all(problem["alternatives"] for problem in refused)


async def test_ten_equal_requests_with_one_key_get_one_answer(system: System) -> None:
    async with client_of(system) as client:
        start = (await client.slots(begin="2027-04-06", end="2027-04-07"))[0]["start"]

        replies = await asyncio.gather(*(client.ask(start, key="same-key") for _ in range(10)))
        other = await client.ask(start, key="same-key", notes="another body")

        assert {reply.status_code for reply in replies} == {201}
        assert len({reply.content for reply in replies}) == 1
        assert other.status_code == 422


async def test_what_is_no_slot_and_what_is_no_body_is_said_by_field(system: System) -> None:
    async with client_of(system) as client:
        asked = {
            "start": await client.ask("2027-03-22T03:00:00Z"),
            "duration_minutes": await client.ask("2027-03-22T15:00:00Z", duration_minutes=17),
            "appointment_type": await client.ask("2027-03-22T15:00:00Z", appointment_type="none"),
            "attendee.email": await client.ask(
                "2027-03-22T15:00:00Z", attendee={"name": "No Mail", "email": "nonsense"}
            ),
        }

        for field, reply in asked.items():
            assert reply.status_code == 422, field
            assert reply.headers["content-type"].startswith("application/problem+json")
            assert field in {error["field"] for error in reply.json()["errors"]}


async def test_a_read_after_a_write_sees_it_also_in_the_list(system: System) -> None:
    async with client_of(system) as client:
        start = (await client.slots(begin="2027-04-07", end="2027-04-08"))[0]["start"]
        reply = await client.ask(start)

        page = await client.http.get(
            "/v1/bookings",
            params={
                "from": start,
                "limit": 5,
                "min_position": reply.headers["Rendezvous-Position"],
            },
            headers=client.key,
        )

        assert reply.json()["id"] in {item["id"] for item in page.json()["items"]}


async def test_history_and_the_state_at_an_instant(system: System) -> None:
    async with client_of(system) as client:
        start = (await client.slots(begin="2027-04-08", end="2027-04-09"))[0]["start"]
        booking = await client.book(start)
        await client.cancel(booking["id"], reason="The host is away")

        history = (await client.look(booking["id"], "/history"))["events"]
        types = [event["type"] for event in history]
        then = await client.look(
            booking["id"], as_of=history[types.index("Confirmed")]["occurred_at"]
        )

        assert types[:2] == ["Requested", "Confirmed"]
        assert types[-1] == "Cancelled"
        assert then["status"] == "confirmed"
        assert all(event["actor"]["kind"] for event in history)


async def test_keys_and_tenants_are_kept_apart(system: System) -> None:
    async with client_of(system) as client:
        start = (await client.slots(begin="2027-04-09", end="2027-04-10"))[0]["start"]
        booking = await client.book(start)
        path = f"/v1/bookings/{booking['id']}"

        wrong = await client.http.get(path, headers={"Authorization": "Bearer rdv_wrong"})
        none = await client.http.get(path)

        assert (wrong.status_code, none.status_code) == (401, 401)
