"""Reminders come at their time, once, also after a restart, and not for what was cancelled."""

from datetime import datetime

from service_kit.testing import eventually
from tests.e2e.clients import client_of
from tests.e2e.conftest import StartSystem
from tests.e2e.system import System


def reminders(system: System, address: str) -> list[str]:
    subjects = [str(mail["Subject"]) for mail in system.mails(address)]
    return [subject for subject in subjects if subject.startswith("Reminder")]


async def test_reminders_come_at_their_time_and_none_for_a_cancelled_booking(
    new_system: StartSystem,
) -> None:
    system = new_system().start()
    async with client_of(system) as client:
        kept, dropped = (await client.slots())[:2]
        await client.book(kept["start"], attendee={"name": "Kept", "email": "kept@example.org"})
        other = await client.book(
            dropped["start"], attendee={"name": "Dropped", "email": "dropped@example.org"}
        )
        await eventually(lambda: _mailed(system, "dropped@example.org", 1))
        await client.cancel(other["id"])
        await eventually(lambda: _mailed(system, "dropped@example.org", 2))

        start = datetime.fromisoformat(kept["start"])
        until = (start - datetime.now(start.tzinfo)).total_seconds()
        system.set_clock_offset(until - 23 * 3600)
        await eventually(lambda: _reminded(system, "kept@example.org", 1), 30)

        system.kill("notify")
        system.set_clock_offset(until - 1800)
        await eventually(lambda: _reminded(system, "kept@example.org", 2), 60)
        assert reminders(system, "dropped@example.org") == []


async def _mailed(system: System, address: str, count: int) -> bool:
    return len(system.mails(address)) >= count


async def _reminded(system: System, address: str, count: int) -> bool:
    return len(reminders(system, address)) == count
