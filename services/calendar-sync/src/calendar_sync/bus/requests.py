"""What others ask of calendar-sync."""

from collections.abc import Sequence

from calendar_sync.application import Connections, Feeds
from calendar_sync.domain import Connection
from contracts.calendar_sync import (
    CalendarConnection,
    CalendarConnections,
    ConnectCalendar,
    CreateFeed,
    DisconnectCalendar,
    Feed,
    FeedDocument,
    ListCalendarConnections,
    ReadFeed,
)
from contracts.envelope import Done
from service_kit.bus import RequestHandler, answers


def handlers(connections: Connections, feeds: Feeds) -> Sequence[RequestHandler]:
    """The handlers, bound to the application."""

    async def connect_calendar(command: ConnectCalendar) -> CalendarConnection:
        return _told(
            await connections.connect(
                command.tenant, command.host_id, command.url, command.username, command.password
            )
        )

    async def list_calendar_connections(query: ListCalendarConnections) -> CalendarConnections:
        found = await connections.listed(query.tenant, query.host_id)
        return CalendarConnections(items=[_told(connection) for connection in found])

    async def disconnect_calendar(command: DisconnectCalendar) -> Done:
        await connections.disconnect(command.tenant, command.connection_id)
        return Done()

    async def create_feed(command: CreateFeed) -> Feed:
        return Feed(token=await feeds.create(command.tenant, command.host_id))

    async def read_feed(query: ReadFeed) -> FeedDocument:
        document = await feeds.read(query.token)
        return FeedDocument(ics=document.text, etag=document.etag)

    return (
        answers(ConnectCalendar, connect_calendar),
        answers(ListCalendarConnections, list_calendar_connections),
        answers(DisconnectCalendar, disconnect_calendar),
        answers(CreateFeed, create_feed),
        answers(ReadFeed, read_feed),
    )


def _told(connection: Connection) -> CalendarConnection:
    return CalendarConnection(
        id=connection.id,
        host_id=connection.host_id,
        provider=connection.provider,
        url=connection.url,
        username=connection.username,
        created_at=connection.created_at,
    )
