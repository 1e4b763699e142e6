"""Calling a booking off: by its link, within the notice, or by a key."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from contracts.booking import CancelBooking, GetBooking, Idempotency
from contracts.envelope import Actor
from gateway.api import shapes
from gateway.api.access import TheCaller, guarded_router
from gateway.api.bodies import CancelBody
from gateway.api.conditions import IDEMPOTENCY_HEADER, ExpectedVersion, IdempotencyKey
from gateway.api.door import TheDoor
from gateway.api.openapi import gives
from gateway.api.problems import (
    CONFLICT,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    UNAUTHENTICATED,
    VERSION_MISMATCH,
)
from gateway.api.showing import booking_answer
from gateway.api.views import sight_of

ROUTE = "POST /v1/bookings/{id}/cancel"

router = guarded_router("Bookings")


@router.post(
    "/v1/bookings/{booking_id}/cancel",
    responses=gives(
        shapes.Booking,
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        CONFLICT,
        VERSION_MISMATCH,
        INVALID,
    ),
)
async def cancel_booking(
    booking_id: Annotated[UUID, Path(description="The booking's id")],
    caller: TheCaller,
    key: IdempotencyKey,
    expected_version: ExpectedVersion,
    door: TheDoor,
    body: CancelBody | None = None,
) -> Response:
    """Calls a booking off; its slot is free again, and everybody is told.

    An attendee may do so until the notice of the appointment type; a key always.
    """
    caller.check_booking(booking_id)
    command = cancellation(
        caller.tenant, booking_id, caller.actor, body or CancelBody(), key, expected_version
    )
    accepted = await door.command(command)
    version = accepted.settled_version or accepted.version  # of the first answer to this key
    view = await door.ask(
        GetBooking(tenant=caller.tenant, booking_id=booking_id, as_of_version=version)
    )
    return await booking_answer(door, view, sight_of(caller), headers={IDEMPOTENCY_HEADER: key})


def cancellation(
    tenant: str,
    booking_id: UUID,
    actor: Actor,
    body: CancelBody,
    key: str,
    expected_version: int | None,
) -> CancelBooking:
    """The command, with a fingerprint of everything that a repeat must agree on."""
    body_hash = body.fingerprint(booking_id=str(booking_id), expected_version=expected_version)
    return CancelBooking(
        tenant=tenant,
        booking_id=booking_id,
        actor=actor,
        reason=body.reason,
        expected_version=expected_version,
        idempotency=Idempotency(route=ROUTE, key=key, body_hash=body_hash),
    )
