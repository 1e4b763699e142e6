"""What video says: a booking has a meeting, or cannot have one."""

from typing import ClassVar, Literal
from uuid import UUID

from contracts.envelope import Contract, Event, ReplyT, TenantRequest


class VideoEvent(Event):
    """Base of what video publishes."""

    CONTEXT: ClassVar[str] = "video"

    booking_id: UUID


class MeetingProvisioned(VideoEvent):
    """A room stands ready. Its name is a secret and stays with video."""

    FACT: ClassVar[str] = "meeting-provisioned"

    meeting_id: UUID
    provider: str


class MeetingFailed(VideoEvent):
    """No room could be had after all attempts."""

    FACT: ClassVar[str] = "meeting-failed"

    meeting_id: UUID
    provider: str
    reason: str


class MeetingClosed(VideoEvent):
    """The room is no longer given out."""

    FACT: ClassVar[str] = "meeting-closed"

    meeting_id: UUID


class Room(Contract):
    """Where to go to join: a URL that lets this one person in."""

    url: str


class VideoRequest(TenantRequest[ReplyT]):
    """Base of what video answers."""

    SERVICE: ClassVar[str] = "video"


class JoinMeeting(VideoRequest[Room]):
    """The room of a booking for one person. Problems: `not_found`, `meeting_closed`."""

    booking_id: UUID
    role: Literal["attendee", "host"]
    display_name: str
