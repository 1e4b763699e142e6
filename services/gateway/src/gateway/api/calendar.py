"""Outside calendars: CalDAV connections, and a private feed for each host."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Path, Query
from starlette.responses import Response

from contracts.availability import GetHosts
from contracts.calendar_sync import (
    ConnectCalendar,
    CreateFeed,
    DisconnectCalendar,
    ListCalendarConnections,
    ReadFeed,
)
from gateway.api import shapes
from gateway.api.access import TheCaller, guarded_router
from gateway.api.answers import json_answer
from gateway.api.bodies import CalendarConnectionBody
from gateway.api.door import Door, TheDoor
from gateway.api.links import Token
from gateway.api.openapi import gives, media
from gateway.api.problems import (
    CALENDAR_UNREACHABLE,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHENTICATED,
    invalid,
    not_found,
)

TRYING_SECONDS = 20.0
"""A calendar is tried before it is kept, and may be slow to answer."""

router = guarded_router("Hosts")


@router.post(
    "/v1/calendar-connections",
    responses=gives(
        shapes.CalendarConnection, UNAUTHENTICATED, FORBIDDEN, CALENDAR_UNREACHABLE, status=201
    ),
    status_code=201,
)
async def connect_calendar(
    body: CalendarConnectionBody, caller: TheCaller, door: TheDoor
) -> Response:
    """Links a host's CalDAV calendar, after trying it; bookings are written into it from then."""
    if not await _is_host(door, caller.tenant, body.host_id):
        raise invalid("host_id", "is no host of this tenant")
    command = ConnectCalendar(tenant=caller.tenant, **body.model_dump())
    made = await door.rpc.call(command, timeout=TRYING_SECONDS)
    return json_answer(made.model_dump(), 201)


@router.get(
    "/v1/calendar-connections",
    responses=gives(shapes.CalendarConnections, UNAUTHENTICATED, FORBIDDEN),
)
async def list_calendar_connections(
    caller: TheCaller,
    door: TheDoor,
    host: Annotated[UUID | None, Query(description="Only this host's")] = None,
) -> Response:
    """The tenant's connections, oldest first; passwords are never told."""
    found = await door.ask(ListCalendarConnections(tenant=caller.tenant, host_id=host))
    return json_answer({"items": [item.model_dump() for item in found.items]})


@router.delete(
    "/v1/calendar-connections/{connection_id}",
    responses=gives(None, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, status=204),
    status_code=204,
)
async def disconnect_calendar(connection_id: UUID, caller: TheCaller, door: TheDoor) -> Response:
    """Unlinks a calendar; what was written into it stays."""
    await door.rpc.call(DisconnectCalendar(tenant=caller.tenant, connection_id=connection_id))
    return Response(status_code=204)


@router.post(
    "/v1/hosts/{host_id}/feed",
    responses=gives(shapes.Feed, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, status=201),
    status_code=201,
)
async def create_feed(
    host_id: Annotated[UUID, Path(description="The host's id")], caller: TheCaller, door: TheDoor
) -> Response:
    """A new address of the host's private ICS feed; the old one stops working."""
    if not await _is_host(door, caller.tenant, host_id):
        raise not_found("host")
    made = await door.rpc.call(CreateFeed(tenant=caller.tenant, host_id=host_id))
    return json_answer({"url": f"{door.public_url}/feeds/{made.token}.ics"}, 201)


@router.get(
    "/feeds/{token}.ics",
    responses=media("text/calendar", NOT_FOUND, description="The host's bookings"),
    tags=["Links"],
)
async def read_feed(
    token: Token,
    door: TheDoor,
    known: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response:
    """A host's bookings as a calendar to subscribe to; 304 where the client has the newest."""
    feed = await door.ask(ReadFeed(token=token))
    tag = f'"{feed.etag.strip(chr(34))}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if known is not None and _matches(known, tag):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="bookings.ics"'
    return Response(feed.ics, headers=headers, media_type="text/calendar")


async def _is_host(door: Door, tenant: str, host_id: UUID) -> bool:
    """Asked afresh, not from memory: a host of a moment ago is a host."""
    return bool((await door.ask(GetHosts(tenant=tenant, ids=[host_id]))).items)


def _matches(known: str, tag: str) -> bool:
    """RFC 9110 13.1.2: any of the list, compared weakly."""
    return known.strip() == "*" or tag in (
        each.strip().removeprefix("W/") for each in known.split(",")
    )
