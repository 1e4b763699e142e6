"""Video's own facts as the events that others read. A room's name never passes here."""

from datetime import datetime

from contracts.video import MeetingClosed, MeetingFailed, MeetingProvisioned, VideoEvent
from service_kit import outbox
from service_kit.database import Connection
from video.domain import Fact, MeetingGivenUp, MeetingReady


async def publish(connection: Connection, at: datetime, fact: Fact) -> None:
    """Says a fact, which occurred `at` (UTC), when the connection's transaction commits."""
    await outbox.append(connection, at, event_of(fact))


def event_of(fact: Fact) -> VideoEvent:
    """The event that tells a fact."""
    if isinstance(fact, MeetingReady):
        meeting = fact.meeting
        return MeetingProvisioned(
            tenant=meeting.tenant,
            booking_id=meeting.booking_id,
            meeting_id=meeting.meeting_id,
            provider=meeting.provider,
        )
    if isinstance(fact, MeetingGivenUp):
        meeting = fact.meeting
        return MeetingFailed(
            tenant=meeting.tenant,
            booking_id=meeting.booking_id,
            meeting_id=meeting.meeting_id,
            provider=meeting.provider,
            reason=fact.reason,
        )
    return MeetingClosed(tenant=fact.tenant, booking_id=fact.booking_id, meeting_id=fact.meeting_id)
