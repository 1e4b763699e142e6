"""What can be booked, and when: public."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Path, Query
from starlette.responses import Response

from contracts.availability import (
    AppointmentTypeDetails,
    AvailabilityRequest,
    FindSlots,
    GetAppointmentType,
    HostDetails,
    ListAppointmentTypes,
)
from contracts.envelope import Contract
from gateway.api import shapes
from gateway.api.access import guarded_router
from gateway.api.answers import json_answer
from gateway.api.door import KnownTenant, TheDoor
from gateway.api.fields import LocalDate, TimeZone
from gateway.api.openapi import gives
from gateway.api.problems import INVALID, NOT_FOUND, of_service
from gateway.api.views import slot_row
from gateway.tenants import SLUG
from service_kit.errors import ProblemError

_QUERY_NAMES = {
    "from_date": "from",
    "to_date": "to",
    "duration_minutes": "duration",
    "host_id": "host",
}

router = guarded_router("Booking")

Slug = Annotated[str, Path(pattern=SLUG.pattern, examples=["video-consultation"])]


class SlotRows(Contract):
    """As `Slots`, with the slots left as the wire has them: a month has up to a thousand."""

    duration_minutes: int
    slots: list[dict[str, Any]]


class FindSlotRows(AvailabilityRequest[SlotRows]):
    """`FindSlots` field by field, for a caller who passes the slots on."""

    slug: str
    from_date: date
    to_date: date
    time_zone: str
    duration_minutes: int | None = None
    host_id: UUID | None = None

    @classmethod
    def subject(cls) -> str:
        """The subject of `FindSlots`."""
        return FindSlots.subject()


@router.get("/v1/{tenant}/appointment-types", responses=gives(shapes.AppointmentTypes, NOT_FOUND))
async def list_appointment_types(tenant: KnownTenant, door: TheDoor) -> Response:
    """What a tenant offers, by title."""
    found = await door.ask(ListAppointmentTypes(tenant=tenant))
    ids = [host_id for item in found.items for host_id in item.hosts]
    hosts = await door.hosts.hosts(tenant, ids)
    return json_answer({"items": [_type_json(item, hosts) for item in found.items]})


@router.get(
    "/v1/{tenant}/appointment-types/{slug}", responses=gives(shapes.AppointmentType, NOT_FOUND)
)
async def get_appointment_type(tenant: KnownTenant, slug: Slug, door: TheDoor) -> Response:
    """One appointment type."""
    found = await door.ask(GetAppointmentType(tenant=tenant, slug=slug))
    return json_answer(_type_json(found, await door.hosts.hosts(tenant, found.hosts)))


@router.get(
    "/v1/{tenant}/appointment-types/{slug}/slots", responses=gives(shapes.Slots, NOT_FOUND, INVALID)
)
async def find_slots(
    tenant: KnownTenant,
    slug: Slug,
    door: TheDoor,
    start: Annotated[LocalDate, Query(alias="from", description="First local day")],
    until: Annotated[LocalDate, Query(alias="to", description="Local day after the last")],
    time_zone: Annotated[TimeZone, Query(description="IANA zone of the days")],
    duration: Annotated[int | None, Query(ge=1, le=1440, description="Minutes")] = None,
    host: Annotated[UUID | None, Query(description="Only this host")] = None,
) -> Response:
    """The free slots of a range of days; without a duration, for the type's default."""
    query = FindSlotRows(
        tenant=tenant,
        slug=slug,
        from_date=start,
        to_date=until,
        time_zone=time_zone,
        duration_minutes=duration,
        host_id=host,
    )
    try:
        found = await door.ask(query)
    except ProblemError as error:
        raise of_service(error, _QUERY_NAMES) from error
    zone = ZoneInfo(time_zone)
    return json_answer(
        {
            "time_zone": time_zone,
            "appointment_type": slug,
            "duration_minutes": found.duration_minutes,
            "slots": [slot_row(row, zone) for row in found.slots],
        }
    )


def _type_json(found: AppointmentTypeDetails, hosts: Mapping[UUID, HostDetails]) -> dict[str, Any]:
    """What everybody may know of a type: neither addresses of hosts nor how it is planned."""
    return {
        "slug": found.slug,
        "title": found.title,
        "description": found.description,
        "durations_minutes": found.durations_minutes,
        "default_duration_minutes": found.default_duration_minutes,
        "locations": [
            at.model_dump(exclude_none=True, exclude={"video_provider"}) for at in found.locations
        ],
        "hosts": [
            {"id": host.id, "name": host.name, "time_zone": host.time_zone}
            for host in (hosts.get(host_id) for host_id in found.hosts)
            if host is not None and host.active
        ],
        "price": found.price.model_dump() if found.price else None,
        "approval": found.approval,
        "cancellation_notice_minutes": found.cancellation.notice_minutes,
        "notice_minutes": found.notice_minutes,
        "window_days": found.window_days,
    }
