"""Notify as a whole: events come over the streams, mails and events go out."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client

from contracts.envelope import Event
from contracts.notify import ListNotifications
from contracts.video import MeetingProvisioned
from notify.__main__ import build, email_channel
from notify.settings import NotifySettings
from service_kit import outbox
from service_kit.bus import Bus
from service_kit.database import Database
from service_kit.rpc import Rpc
from service_kit.service import Parts, RunningService
from service_kit.settings import ServiceSettings
from service_kit.testing import eventually, running

from .builders import START, ABooking
from .world import MailServer, Neighbours


class Speakers:
    """The relays of booking and video, as notify hears them."""

    def __init__(self, booking: Database, video: Database) -> None:
        self._databases = {"booking": booking, "video": video}

    async def say(self, event: Event) -> None:
        async with self._databases[event.CONTEXT].transaction() as connection:
            await outbox.append(connection, datetime.now(UTC), event)


@pytest.fixture
async def speakers(
    service_database: Callable[[str], str], nats_url: str
) -> AsyncIterator[Speakers]:
    def settings() -> ServiceSettings:
        return ServiceSettings(database_url=service_database("service_kit"), nats_url=nats_url)

    async def booking(_: object) -> Parts:
        return Parts(Bus("booking"), context="booking")

    async def video(_: object) -> Parts:
        return Parts(Bus("video"), context="video")

    async with (
        running("booking", settings(), booking) as one,
        running("video", settings(), video) as other,
    ):
        yield Speakers(one.database, other.database)


@pytest.fixture
async def notify(
    service_database: Callable[[str], str], nats_url: str, mail: MailServer, tmp_path: Path
) -> AsyncIterator[RunningService]:
    settings = NotifySettings(
        database_url=service_database("notify"),
        nats_url=nats_url,
        clock_file=tmp_path / "clock",
        smtp_port=mail.port,
        mail_from="Practice <mail@book.example>",
        public_url="https://book.example",
    )
    email = email_channel(settings)
    async with running("notify", settings, lambda runtime: build(runtime, settings, email)) as it:
        yield it


@pytest.mark.usefixtures("notify")
async def test_a_booking_from_its_confirmation_to_its_end(
    speakers: Speakers, neighbours: Neighbours, client: Client, mail: MailServer, tmp_path: Path
):
    booking = ABooking()
    neighbours.bookings[booking.id] = booking

    async def mails(count: int) -> bool:
        return len(mail.inbox) == count

    async def nothing_waits() -> list[tuple[str, str]]:
        query = ListNotifications(tenant="demo", booking_id=booking.id)
        found = [(each.kind, each.state) for each in (await Rpc(client).call(query)).items]
        return [] if any(state == "waiting" for _, state in found) else sorted(found)

    await speakers.say(booking.confirmed())
    await speakers.say(
        MeetingProvisioned(
            tenant="demo", booking_id=booking.id, meeting_id=booking.id, provider="jitsi"
        )
    )
    await eventually(lambda: mails(2), what="the confirmations")

    offset = START - timedelta(hours=24) - datetime.now(UTC)
    (tmp_path / "clock").write_text(str(offset.total_seconds()))
    await eventually(lambda: mails(3), what="the reminder")

    await speakers.say(booking.cancelled())
    await eventually(lambda: mails(5), what="the cancellations")

    assert await eventually(nothing_waits, what="the end of every delivery") == [
        ("cancellation", "sent"),
        ("cancellation", "sent"),
        ("confirmation", "sent"),
        ("confirmation", "sent"),
        ("reminder", "dropped"),
        ("reminder", "sent"),
    ]


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [({"MAIL_FROM": "nobody"}, "notify cannot start: MAIL_FROM must be an address")],
)
def test_a_wrong_setting_is_refused_in_one_sentence(variables: dict[str, str], complaint: str):
    outcome = subprocess.run(
        [sys.executable, "-m", "notify"],
        env={**os.environ, "DATABASE_URL": "postgresql://127.0.0.1:1/x", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert outcome.returncode != 0
    assert complaint in outcome.stderr
    assert "Traceback" not in outcome.stderr
