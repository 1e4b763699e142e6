"""One booking as an answer: with its host's name, its entity tag and its position."""

from starlette.responses import Response

from contracts.booking import BookingView
from gateway.api.answers import json_answer
from gateway.api.conditions import entity_tag
from gateway.api.door import Door
from gateway.api.views import Sight, booking_json

POSITION_HEADER = "Rendezvous-Position"


async def booking_answer(
    door: Door,
    view: BookingView,
    sight: Sight,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """The booking, as far as it may be seen."""
    host_id = view.terms.host_id if view.terms else view.host_id
    host = await door.hosts.host(view.tenant, host_id)
    return json_answer(
        booking_json(view, host, sight),
        status,
        {
            "ETag": entity_tag(view.version),
            POSITION_HEADER: str(view.position),
            **(headers or {}),
        },
    )
