"""Joining a call: our own address leads to the room, as long as there is an appointment."""

from starlette.responses import RedirectResponse, Response

from contracts.booking import BookingView, GetBooking, LinkGrant
from contracts.video import JoinMeeting
from gateway.api.access import guarded_router
from gateway.api.door import Door, TheDoor
from gateway.api.links import Token, grant_of
from gateway.api.openapi import gives
from gateway.api.problems import (
    GONE,
    MEETING_NOT_READY,
    NOT_FOUND,
    HttpProblemError,
    not_found,
    of_service,
)
from service_kit.errors import ProblemError

RETRY_SECONDS = "5"

_WAITING = frozenset(("requested", "awaiting_approval", "awaiting_payment"))

router = guarded_router("Links")


@router.get(
    "/call/{token}",
    responses=gives(None, NOT_FOUND, GONE, MEETING_NOT_READY, status=303),
    status_code=303,
)
async def join(token: Token, door: TheDoor) -> Response:
    """Leads to the room, as host or attendee as the token says; 410 once it is over."""
    grant = await grant_of(door, token, "call")
    view = await door.ask(GetBooking(tenant=grant.tenant, booking_id=grant.booking_id))
    _check_open(view)
    query = JoinMeeting(
        tenant=grant.tenant,
        booking_id=grant.booking_id,
        role=grant.role,
        display_name=await _name(door, grant, view),
    )
    try:
        room = await door.ask(query)
    except ProblemError as error:
        raise _not_ready() if error.code == "not_found" else of_service(error) from error
    return RedirectResponse(room.url, status_code=303)


def _check_open(view: BookingView) -> None:
    """Raises 410 for what is over, 404 for what is no call, 503 for what is not confirmed yet."""
    if view.status in _WAITING:
        raise _not_ready()
    if view.status != "confirmed":
        raise HttpProblemError(GONE)
    if view.terms is None or view.terms.location.kind != "video":
        raise not_found("call: this appointment is not a video call")


def _not_ready() -> HttpProblemError:
    return HttpProblemError(MEETING_NOT_READY, headers={"Retry-After": RETRY_SECONDS})


async def _name(door: Door, grant: LinkGrant, view: BookingView) -> str:
    if grant.role == "attendee":
        return view.attendee.name if view.attendee else "Guest"
    host = await door.hosts.host(grant.tenant, view.terms.host_id if view.terms else None)
    return host.name if host else "Host"
