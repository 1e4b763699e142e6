"""What a manage link leads to: a page that shows the booking, and a form that calls it off.

Mail scanners follow every link, so GET changes nothing. The token in the path is the only secret:
answers are not stored, not indexed, and tell no other site where they came from.
"""

from typing import Annotated

from fastapi import Form, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from uuid_utils.compat import uuid7

from contracts.booking import BookingView, GetBooking, LinkAction, LinkGrant
from contracts.envelope import Actor
from gateway.api import shapes
from gateway.api.access import TOKEN, Caller, guarded_router, open_link
from gateway.api.answers import page
from gateway.api.bodies import CancelBody
from gateway.api.cancellations import cancellation
from gateway.api.door import Door, TheDoor
from gateway.api.fields import Paragraph
from gateway.api.openapi import gives
from gateway.api.problems import (
    CONFLICT,
    NOT_FOUND,
    UNAUTHENTICATED,
    HttpProblemError,
    of_service,
)
from gateway.api.showing import booking_answer
from gateway.api.views import booking_json, sight_of
from service_kit.errors import ProblemError

_OPEN_STATUSES = frozenset(("requested", "awaiting_approval", "awaiting_payment", "confirmed"))

router = guarded_router("Links")

Token = Annotated[str, Path(pattern=TOKEN.pattern, description="The link's token")]


async def grant_of(door: Door, token: str, action: LinkAction) -> LinkGrant:
    """What the token in a path stands for; a bad one is 404, as any address that leads nowhere."""
    try:
        return await open_link(door, token, action)
    except HttpProblemError as error:
        if error.kind is not UNAUTHENTICATED:
            raise
        detail = "This link does not work, or not any more. The newest e-mail has the right one."
        raise HttpProblemError(NOT_FOUND, detail) from error


@router.get("/b/{token}", responses=gives(shapes.Booking, NOT_FOUND))
async def manage(token: Token, request: Request, door: TheDoor) -> Response:
    """The booking behind a manage link: a page, or JSON where the client asks for it."""
    grant = await grant_of(door, token, "manage")
    view = await door.ask(GetBooking(tenant=grant.tenant, booking_id=grant.booking_id))
    sight = sight_of(Caller(link=grant))
    if _wants_json(request):
        return await booking_answer(door, view, sight)
    host_id = view.terms.host_id if view.terms else view.host_id
    host = await door.hosts.host(grant.tenant, host_id)
    return page(
        "manage.html",
        booking=booking_json(view, host, sight),
        token=token,
        can_cancel=view.status in _OPEN_STATUSES,
        notice=_in_words(view.terms.cancellation.notice_minutes if view.terms else 0),
        host_zone=_other_zone(view),
    )


@router.post(
    "/b/{token}/cancel", responses=gives(None, NOT_FOUND, CONFLICT, status=303), status_code=303
)
async def cancel_by_form(
    token: Token,
    door: TheDoor,
    reason: Annotated[Paragraph, Form(max_length=1000)] = "",
) -> Response:
    """Calls the booking off, and leads back to its page."""
    grant = await grant_of(door, token, "manage")
    body = CancelBody(reason=reason.strip() or None)
    actor = Actor(kind=grant.role)
    command = cancellation(grant.tenant, grant.booking_id, actor, body, str(uuid7()), None)
    try:
        await door.command(command)
    except ProblemError as error:
        if error.code != "conflict":  # a form that was sent twice finds it called off already
            raise of_service(error) from error
    return RedirectResponse(f"/b/{token}", status_code=303)


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _in_words(minutes: int) -> str | None:
    """`90` as `90 minutes`, `120` as `2 hours`, `2880` as `2 days`; nothing for none."""
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        count, rest = divmod(minutes, length)
        if count and not rest:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return None


def _other_zone(view: BookingView) -> str | None:
    """The host's zone, where its clock is not the attendee's."""
    zone = view.terms.host_time_zone if view.terms else view.time_zone
    return None if zone == view.time_zone else zone
