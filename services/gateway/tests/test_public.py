"""What everybody may see: what a tenant offers, and when it is free."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

import httpx
import pytest

from contracts.availability import FindSlots, ListAppointmentTypes, Slots
from gateway.api.appointment_types import FindSlotRows
from service_kit.errors import ProblemError

from .builders import HOST, HOST_ID, OTHER_TENANT, a_slot
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]
TYPES = "/v1/demo/appointment-types"
SLOTS = f"{TYPES}/video-consultation/slots"
MARCH = {"from": "2027-03-22", "to": "2027-03-29", "time_zone": "Europe/Berlin"}


async def test_types_tell_what_can_be_booked_and_nothing_of_how_it_is_planned(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.get(TYPES)

    assert answer.json()["items"] == [
        {
            "slug": "video-consultation",
            "title": "Video consultation",
            "description": "",
            "durations_minutes": [15, 30, 60],
            "default_duration_minutes": 30,
            "locations": [{"kind": "video"}],
            "hosts": [{"id": str(HOST_ID), "name": HOST.name, "time_zone": "Europe/Berlin"}],
            "price": {"amount_minor": 4000, "currency": "EUR"},
            "approval": False,
            "cancellation_notice_minutes": 0,
            "notice_minutes": 0,
            "window_days": 365,
        }
    ]
    assert "amira@" not in answer.text


async def test_one_type_is_found_by_its_slug_and_an_unknown_one_is_404(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.get(f"{TYPES}/video-consultation")).json()["title"] == "Video consultation"
    assert (await http.get(f"{TYPES}/massage")).status_code == 404


@pytest.mark.parametrize("tenant", ["nobody", "Demo", "demo%00", "bookings", "-demo", "d" * 64])
async def test_a_tenant_that_does_not_exist_is_404_everywhere(
    http: httpx.AsyncClient, neighbours: Neighbours, tenant: str
) -> None:
    answers = [
        await http.get(f"/v1/{tenant}/appointment-types"),
        await http.get(f"/v1/{tenant}/appointment-types/video-consultation/slots", params=MARCH),
        await http.post(f"/v1/{tenant}/bookings", json={}),
    ]

    assert {answer.status_code for answer in answers} <= {401, 404}
    assert [asked for asked in neighbours.asked if isinstance(asked, ListAppointmentTypes)] == []


async def test_a_tenant_with_nothing_to_offer_offers_nothing(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"/v1/{OTHER_TENANT}/appointment-types")).json() == {"items": []}


async def test_slots_come_with_their_start_on_the_askers_clock(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    asked: list[FindSlots] = []

    async def slots(query: FindSlots) -> Slots:
        asked.append(query)
        before, after = datetime.fromisoformat("2027-03-28T00:30Z"), a_slot().start
        return Slots(duration_minutes=30, slots=[a_slot(before), a_slot(after)])

    neighbours.answers[FindSlots] = slots
    answer = await http.get(SLOTS, params={**MARCH, "duration": "30", "host": str(HOST_ID)})

    (query,) = asked
    assert (query.from_date, query.to_date) == (date(2027, 3, 22), date(2027, 3, 29))
    assert (query.duration_minutes, query.host_id) == (30, HOST_ID)
    found: dict[str, Any] = answer.json()
    assert list(found) == ["time_zone", "appointment_type", "duration_minutes", "slots"]
    assert [slot["local_start"] for slot in found["slots"]] == [
        "2027-03-28T01:30:00+01:00",
        "2027-03-22T09:00:00+01:00",
    ]
    assert found["slots"][1] == {
        "start": "2027-03-22T08:00:00Z",
        "end": "2027-03-22T08:30:00Z",
        "local_start": "2027-03-22T09:00:00+01:00",
        "hosts": [str(HOST_ID)],
        "seats_left": 1,
    }


def test_the_query_for_slots_asks_what_its_contract_asks() -> None:
    theirs = {n: f.annotation for n, f in FindSlots.model_fields.items()}
    ours = {n: f.annotation for n, f in FindSlotRows.model_fields.items()}

    assert (ours, FindSlotRows.subject()) == (theirs, FindSlots.subject())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": "soon"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"duration": "0"}, "duration"),
        ({"duration": "half an hour"}, "duration"),
        ({"host": "Amira"}, "host"),
    ],
)
async def test_a_range_that_makes_no_sense_is_422_and_names_its_part(
    http: httpx.AsyncClient, changes: dict[str, str], field: str
) -> None:
    answer = await http.get(SLOTS, params={**MARCH, **changes})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_availability_refuses_is_named_as_the_query_names_it(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    async def refuse(_: FindSlots) -> Slots:
        raise ProblemError("invalid", "must come after the first", field="to_date")

    neighbours.answers[FindSlots] = refuse
    answer = await http.get(SLOTS, params={**MARCH, "to": "2027-03-21"})

    assert answer.json()["errors"] == [{"field": "to", "message": "must come after the first"}]
