"""Personal data stays where it can be deleted: in no event, no stream and no log."""

import psycopg

from service_kit.testing import eventually
from tests.e2e.clients import client_of
from tests.e2e.streams import everything, jetstream
from tests.e2e.system import System

SECRETS = ("Zebulon", "Quackenbush", "zebulon@example.org", "+4930123456", "sciatica", "left knee")


async def test_nothing_personal_enters_events_streams_or_logs(system: System) -> None:
    async with client_of(system) as client:
        start = (await client.slots(begin="2027-04-12", end="2027-04-13"))[0]["start"]
        booking = await client.book(
            start,
            attendee={
                "name": "Zebulon Quackenbush",
                "email": "zebulon@example.org",
                "phone": "+4930123456",
            },
            answers={"complaint": "sciatica"},
            notes="It is the left knee",
        )
        await eventually(lambda: _mailed(system, 1), 30)
        await client.cancel(booking["id"], reason="Zebulon is ill")
        await eventually(lambda: _mailed(system, 2), 30)

    async with jetstream(system.nats_url) as stream:
        streams = b"".join(
            message.subject.encode() + str(message.headers).encode() + message.body
            for message in await everything(stream)
        )
    with psycopg.connect(system.database_url("booking")) as connection:
        rows = connection.execute("SELECT state FROM bookings_events").fetchall()
    logs = b"".join(file.read_bytes() for file in (system.home.root / "log").glob("*.log"))
    events = b"".join(bytes(row[0]) for row in rows)

    for place, held in {"streams": streams, "event store": events, "logs": logs}.items():
        assert held, place
        for secret in SECRETS:
            assert secret.lower().encode() not in held.lower(), f"{secret} in the {place}"


async def _mailed(system: System, count: int) -> bool:
    return len(system.mails("zebulon@example.org")) >= count
