"""Reading bookings: one by its key or its link, all of a tenant by key."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from contracts.booking import BookingPage, BookingStatus, GetBooking, GetHistory, ListBookings
from contracts.notify import ListNotifications
from gateway.api import shapes
from gateway.api.access import Caller, TheCaller, guarded_router
from gateway.api.answers import json_answer
from gateway.api.door import TheDoor
from gateway.api.fields import QueryInstant, Search
from gateway.api.openapi import gives
from gateway.api.problems import (
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    PROJECTION_BEHIND,
    UNAUTHENTICATED,
    HttpProblemError,
    invalid,
    of_service,
)
from gateway.api.showing import POSITION_HEADER, booking_answer
from gateway.api.views import booking_line, history_json, sight_of
from gateway.tenants import SLUG
from service_kit.errors import ProblemError

_QUERY_NAMES = {"starts_from": "from", "starts_before": "to", "host_id": "host"}

router = guarded_router("Bookings")

BookingId = Annotated[UUID, Path(description="The booking's id")]


@router.get(
    "/v1/bookings/{booking_id}",
    responses=gives(shapes.Booking, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, INVALID),
)
async def get_booking(
    booking_id: BookingId,
    caller: TheCaller,
    door: TheDoor,
    as_of: Annotated[QueryInstant | None, Query(description="As it was at this instant")] = None,
    as_of_version: Annotated[int | None, Query(ge=1, description="As of this version")] = None,
) -> Response:
    """One booking, now or as it was; it has seen every write that was answered."""
    if as_of is not None and as_of_version is not None:
        raise invalid("as_of", "and as_of_version cannot both be given")
    caller.check_booking(booking_id)
    query = GetBooking(
        tenant=caller.tenant, booking_id=booking_id, as_of_version=as_of_version, as_of=as_of
    )
    return await booking_answer(door, await door.ask(query), sight_of(caller))


@router.get(
    "/v1/bookings/{booking_id}/history",
    responses=gives(shapes.History, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND),
)
async def get_history(booking_id: BookingId, caller: TheCaller, door: TheDoor) -> Response:
    """The audit trail: every event of the booking, first to last."""
    caller.check_booking(booking_id)
    history = await door.ask(GetHistory(tenant=caller.tenant, booking_id=booking_id))
    return json_answer(history_json(history, sight_of(caller)))


@router.get(
    "/v1/bookings/{booking_id}/notifications",
    responses=gives(shapes.Notifications, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND),
)
async def list_notifications(booking_id: BookingId, caller: TheCaller, door: TheDoor) -> Response:
    """What was and will be sent for a booking, by due time."""
    await door.ask(GetBooking(tenant=caller.tenant, booking_id=booking_id))  # 404 if not theirs
    found = await door.ask(ListNotifications(tenant=caller.tenant, booking_id=booking_id))
    return json_answer({"items": [item.model_dump() for item in found.items]})


@router.get(
    "/v1/bookings",
    responses=gives(shapes.Bookings, UNAUTHENTICATED, FORBIDDEN, INVALID, PROJECTION_BEHIND),
)
async def list_bookings(  # noqa: PLR0913 - one argument a query parameter
    request: Request,
    caller: TheCaller,
    door: TheDoor,
    *,
    status: Annotated[list[BookingStatus], Query(description="Repeatable")] = [],  # noqa: B006
    host: UUID | None = None,
    appointment_type: Annotated[str | None, Query(pattern=SLUG.pattern)] = None,
    starts_from: Annotated[QueryInstant | None, Query(alias="from")] = None,
    starts_before: Annotated[QueryInstant | None, Query(alias="to")] = None,
    q: Annotated[
        Search | None, Query(max_length=200, description="Name, e-mail or number; asks people:read")
    ] = None,
    sort: Literal["start", "-start"] = "start",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    min_position: Annotated[
        int | None, Query(ge=0, description="A Rendezvous-Position that must be in the list")
    ] = None,
) -> Response:
    """A page of the tenant's bookings by start; `from` and `to` are instants, or dates in UTC."""
    _check_search(caller, q)
    query = ListBookings(
        tenant=caller.tenant,
        host_id=host,
        status=tuple(status),
        appointment_type=appointment_type,
        starts_from=starts_from,
        starts_before=starts_before,
        q=q,
        sort=sort,
        cursor=cursor,
        limit=limit,
        min_position=min_position,
    )
    try:
        found = await door.ask(query)
    except ProblemError as error:
        raise of_service(error, _QUERY_NAMES) from error
    return await _page(request, caller, door, found)


def _check_search(caller: Caller, q: str | None) -> None:
    """A search by name tells who is in the list, so it asks for the same scope as reading it."""
    if q is not None and not caller.may("people:read"):
        raise HttpProblemError(FORBIDDEN, "Searching asks for the scope people:read.")


async def _page(request: Request, caller: Caller, door: TheDoor, found: BookingPage) -> Response:
    host_ids = [item.host_id for item in found.items if item.host_id is not None]
    hosts = await door.hosts.hosts(caller.tenant, host_ids)
    sight = sight_of(caller)
    items = [
        booking_line(item, hosts.get(item.host_id) if item.host_id else None, sight)
        for item in found.items
    ]
    headers = {POSITION_HEADER: str(found.position)}
    if found.next_cursor is not None:
        following = request.url.include_query_params(cursor=found.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return json_answer({"items": items, "next_cursor": found.next_cursor}, headers=headers)
