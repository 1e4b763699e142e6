"""Asking for a booking: public. The answer waits until the booking has settled."""

from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Body
from starlette.responses import Response
from uuid_utils.compat import uuid7

from contracts.availability import RejectionReason
from contracts.booking import (
    BookingView,
    Document,
    GetBooking,
    Idempotency,
    PersonDetails,
    ReminderChoice,
    RequestBooking,
)
from contracts.envelope import Actor
from gateway.api import shapes
from gateway.api.access import guarded_router
from gateway.api.answers import json_answer
from gateway.api.bodies import BookingBody
from gateway.api.conditions import IDEMPOTENCY_HEADER, IdempotencyKey
from gateway.api.door import KnownTenant, TheDoor
from gateway.api.examples import BOOKING_REQUEST
from gateway.api.openapi import gives
from gateway.api.problems import (
    BOOKING_CANCELLED,
    INVALID,
    NOT_FOUND,
    SLOT_UNAVAILABLE,
    HttpProblemError,
    invalid,
)
from gateway.api.showing import booking_answer
from gateway.api.views import ATTENDEE, slot_json

ROUTE = "POST /v1/{tenant}/bookings"

_REFUSED: Mapping[RejectionReason, tuple[str, str]] = {
    "not_a_slot": ("start", "is no time that can be booked"),
    "unknown_appointment_type": ("appointment_type", "is not offered here"),
    "duration_not_offered": ("duration_minutes", "is not offered for this appointment type"),
    "location_not_offered": ("location.kind", "is not offered for this appointment type"),
    "host_not_offered": ("host_id", "does not give this appointment type"),
}

router = guarded_router("Booking")


@router.post(
    "/v1/{tenant}/bookings",
    responses={
        **gives(shapes.Booking, NOT_FOUND, SLOT_UNAVAILABLE, INVALID, status=201),
        **gives(shapes.BookingPending, status=202),
    },
    status_code=201,
)
async def request_booking(
    tenant: KnownTenant,
    body: Annotated[BookingBody, Body(openapi_examples={"video": {"value": BOOKING_REQUEST}})],
    key: IdempotencyKey,
    door: TheDoor,
) -> Response:
    """Books a slot: 201 once it is confirmed (or awaits approval or payment).

    409 with alternatives where the slot was taken meanwhile; 422 for a time that is no slot, or a
    wrong field; 202 where it has not settled in time, with the address that will tell.
    """
    command = _command(tenant, body, key)
    headers = {IDEMPOTENCY_HEADER: key}
    outcome = await door.settlement.request(command)
    view = await door.ask(
        GetBooking(tenant=tenant, booking_id=outcome.booking_id, as_of_version=outcome.version)
    )
    if outcome.version is None:
        return _pending(view, headers)
    if view.status == "unavailable":
        raise _refusal(view)
    if view.status == "cancelled":
        raise HttpProblemError(BOOKING_CANCELLED)
    headers["Location"] = f"/v1/bookings/{view.id}"
    return await booking_answer(door, view, ATTENDEE, 201, headers)


def _command(tenant: str, body: BookingBody, key: str) -> RequestBooking:
    return RequestBooking(
        tenant=tenant,
        booking_id=uuid7(),
        appointment_type=body.appointment_type,
        start=body.start,
        duration_minutes=body.duration_minutes,
        time_zone=body.time_zone,
        attendee=PersonDetails(**body.attendee.model_dump()),
        guests=[PersonDetails(**guest.model_dump()) for guest in body.guests],
        location_kind=body.location.kind if body.location else None,
        host_id=body.host_id,
        hold_id=None,
        answers=body.answers,
        notes=body.notes,
        documents=[Document(**document.model_dump()) for document in body.documents],
        reminders=ReminderChoice(**body.reminders.model_dump()),
        actor=Actor(kind="attendee"),
        idempotency=Idempotency(route=ROUTE, key=key, body_hash=body.fingerprint()),
    )


def _pending(view: BookingView, headers: Mapping[str, str]) -> Response:
    token = view.manage_url.rpartition("/")[2]
    status_url = f"/v1/bookings/{view.id}?token={token}"
    return json_answer(
        {"id": view.id, "status": view.status, "status_url": status_url},
        202,
        {**headers, "Location": status_url, "Retry-After": "1"},
    )


def _refusal(view: BookingView) -> HttpProblemError:
    if view.rejection_reason is not None and view.rejection_reason in _REFUSED:
        field, message = _REFUSED[view.rejection_reason]
        return invalid(field, message)
    zone = ZoneInfo(view.time_zone)
    alternatives: list[dict[str, Any]] = [slot_json(slot, zone) for slot in view.alternatives]
    return HttpProblemError(SLOT_UNAVAILABLE, alternatives=alternatives)
