"""Video as a whole: events come over the stream, rooms are given out over the bus."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client

from contracts.envelope import Event
from contracts.video import JoinMeeting
from service_kit import outbox
from service_kit.bus import Bus
from service_kit.errors import ProblemError
from service_kit.rpc import Rpc
from service_kit.service import Parts
from service_kit.settings import ServiceSettings
from service_kit.testing import eventually, running
from video.__main__ import build, providers
from video.settings import VideoSettings

from .world import a_booking


async def test_a_meeting_from_its_booking_to_its_cancellation(
    service_database: Callable[[str], str],
    nats_url: str,
    client: Client,
):
    speaker = ServiceSettings(database_url=service_database("service_kit"), nats_url=nats_url)
    settings = VideoSettings(database_url=service_database("video"), nats_url=nats_url)
    available = providers(settings)
    confirmed, cancelled = a_booking()
    query = JoinMeeting(
        tenant="demo", booking_id=confirmed.booking_id, role="host", display_name="Dr. Amira"
    )

    async def room() -> str:
        return (await Rpc(client).call(query)).url

    async def closed() -> bool:
        try:
            await room()
        except ProblemError as problem:
            return problem.code == "meeting_closed"
        return False

    async def booking(_: object) -> Parts:
        return Parts(Bus("booking"), context="booking")

    async with (
        running("booking", speaker, booking) as said,
        running("video", settings, lambda runtime: build(runtime, available)),
    ):

        async def say(event: Event) -> None:
            async with said.database.transaction() as connection:
                await outbox.append(connection, datetime.now(UTC), event)

        await say(confirmed)
        url = await eventually(room, what="the room")
        await say(cancelled)
        await eventually(closed, what="the end of the meeting")
        stream = await client.jetstream().stream_info("VIDEO")

    assert url.startswith("https://meet.jit.si/")
    assert stream.state.messages == 2


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        (
            {"JITSI_APP_ID": "practice", "JITSI_APP_SECRET": "hunter2"},
            "video cannot start: JITSI_APP_SECRET must be 32 bytes or longer",
        ),
        ({"JITSI_APP_ID": "practice"}, "video cannot start: JITSI_APP_ID and JITSI_APP_SECRET"),
        ({"JITSI_DOMAIN": "https://x"}, "video cannot start: JITSI_DOMAIN must be a host name"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(variables: dict[str, str], complaint: str):
    outcome = subprocess.run(
        [sys.executable, "-m", "video"],
        env={**os.environ, "DATABASE_URL": "postgresql://127.0.0.1:1/x", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert outcome.returncode != 0
    assert complaint in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "hunter2" not in outcome.stderr
