"""What calendar-sync says: connections, entries written to outside calendars, ICS feeds."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.envelope import Contract, Done, Event, Instant, ReplyT, Request, TenantRequest


class CalendarEvent(Event):
    """Base of what calendar-sync publishes."""

    CONTEXT: ClassVar[str] = "calendar"


class CalendarConnected(CalendarEvent):
    """A host's outside calendar is linked."""

    FACT: ClassVar[str] = "connected"
    ENTITY: ClassVar[str] = "connection_id"

    connection_id: UUID
    host_id: UUID
    provider: str


class CalendarDisconnected(CalendarEvent):
    """The link to a host's outside calendar is gone."""

    FACT: ClassVar[str] = "disconnected"
    ENTITY: ClassVar[str] = "connection_id"

    connection_id: UUID
    host_id: UUID


class CalendarEntryWritten(CalendarEvent):
    """A booking stands in a host's outside calendar."""

    FACT: ClassVar[str] = "entry-written"

    booking_id: UUID
    connection_id: UUID


class CalendarEntryRemoved(CalendarEvent):
    """A booking was taken out of a host's outside calendar."""

    FACT: ClassVar[str] = "entry-removed"

    booking_id: UUID
    connection_id: UUID


class CalendarWriteFailed(CalendarEvent):
    """A booking could not be written after all attempts; a later change tries again."""

    FACT: ClassVar[str] = "write-failed"

    booking_id: UUID
    connection_id: UUID
    reason: str


class CalendarConnection(Contract):
    """A host's link to an outside calendar; its password is never told."""

    id: UUID
    host_id: UUID
    provider: str
    url: str
    username: str
    created_at: Instant


class CalendarConnections(Contract):
    """Connections, oldest first."""

    items: list[CalendarConnection]


class CalendarRequest(TenantRequest[ReplyT]):
    """Base of what calendar-sync answers."""

    SERVICE: ClassVar[str] = "calendar-sync"


class ConnectCalendar(CalendarRequest[CalendarConnection]):
    """Links a CalDAV calendar after trying it. Problems: `invalid`, `calendar_unreachable`."""

    host_id: UUID
    url: str
    username: str
    password: Annotated[str, Field(repr=False)]


class ListCalendarConnections(CalendarRequest[CalendarConnections]):
    """The tenant's connections, or one host's."""

    host_id: UUID | None = None


class DisconnectCalendar(CalendarRequest[Done]):
    """Unlinks a calendar. Entries already written stay. Problem: `not_found`."""

    connection_id: UUID


class Feed(Contract):
    """A host's private feed: whoever has the token may read it."""

    token: str


class CreateFeed(CalendarRequest[Feed]):
    """A new feed token for a host; the old one stops working."""

    host_id: UUID


class FeedDocument(Contract):
    """A feed as text/calendar."""

    ics: str
    etag: str


class ReadFeed(Request[FeedDocument]):
    """The feed behind a token; the tenant is the token's own. Problem: `not_found`."""

    SERVICE: ClassVar[str] = "calendar-sync"

    token: str
