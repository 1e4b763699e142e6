"""Calendar-sync's own facts as the events that others read."""

from datetime import datetime

from calendar_sync.domain import (
    Connected,
    Disconnected,
    EntryRemoved,
    EntryWritten,
    Fact,
    WriteFailed,
)
from contracts.calendar_sync import (
    CalendarConnected,
    CalendarDisconnected,
    CalendarEntryRemoved,
    CalendarEntryWritten,
    CalendarEvent,
    CalendarWriteFailed,
)
from service_kit import outbox
from service_kit.database import Connection


async def publish(connection: Connection, at: datetime, fact: Fact) -> None:
    """Says a fact, which occurred `at` (UTC), when the connection's transaction commits."""
    await outbox.append(connection, at, event_of(fact))


def event_of(fact: Fact) -> CalendarEvent:
    """The event that tells a fact."""
    match fact:
        case Connected(tenant, connection_id, host_id, provider):
            return CalendarConnected(
                tenant=tenant, connection_id=connection_id, host_id=host_id, provider=provider
            )
        case Disconnected(tenant, connection_id, host_id):
            return CalendarDisconnected(tenant=tenant, connection_id=connection_id, host_id=host_id)
        case EntryWritten(tenant, booking_id, connection_id):
            return CalendarEntryWritten(
                tenant=tenant, booking_id=booking_id, connection_id=connection_id
            )
        case EntryRemoved(tenant, booking_id, connection_id):
            return CalendarEntryRemoved(
                tenant=tenant, booking_id=booking_id, connection_id=connection_id
            )
        case WriteFailed(tenant, booking_id, connection_id, reason):
            return CalendarWriteFailed(
                tenant=tenant, booking_id=booking_id, connection_id=connection_id, reason=reason
            )
