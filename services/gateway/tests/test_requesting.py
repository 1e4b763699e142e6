"""Asking for a booking: what is answered, and when."""

import asyncio
from collections.abc import Sized
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.availability import RejectionReason
from contracts.booking import RequestBooking
from gateway.settings import GatewaySettings
from rendezvous.local.nats import NatsServer
from service_kit import streams
from service_kit.testing import eventually

from .builders import HOST, HOST_ID, a_grant, a_request
from .neighbours import Neighbours, Timing

ROUTE = "/v1/demo/bookings"
BUDGET_SECONDS = 0.4


def _id_in(answer: httpx.Response) -> UUID:
    return UUID(answer.json()["id"])


async def _seen(found: Sized) -> bool:
    return bool(found)


@pytest.fixture
def settings(settings: GatewaySettings, request: pytest.FixtureRequest) -> GatewaySettings:
    """A short budget where a test is about what comes after it."""
    if "quick" in request.fixturenames:
        return settings.model_copy(update={"settle_budget_seconds": BUDGET_SECONDS})
    return settings


@pytest.fixture
def quick(http: httpx.AsyncClient) -> httpx.AsyncClient:
    return http


@pytest.mark.parametrize("timing", ["before the reply", "after the reply"])
async def test_a_settled_booking_is_answered_with_201(
    http: httpx.AsyncClient, neighbours: Neighbours, timing: Timing
) -> None:
    neighbours.desk.timing = timing

    answer = await http.post(ROUTE, json=a_request(), headers={"Idempotency-Key": "k-1"})

    booking: dict[str, Any] = answer.json()
    assert answer.status_code == 201
    assert booking["status"] == "confirmed"
    assert booking["start"] == "2027-03-22T08:00:00Z"
    assert booking["host"] == {
        "id": str(HOST_ID),
        "name": HOST.name,
        "time_zone": "Europe/Berlin",
    }
    assert booking["attendee"]["email"] == "ada@example.com"
    assert booking["price"] == {"amount_minor": 4000, "currency": "EUR"}
    assert answer.headers["Location"] == f"/v1/bookings/{booking['id']}"
    assert answer.headers["ETag"] == '"2"'
    assert answer.headers["Rendezvous-Position"] == "17"
    assert answer.headers["Idempotency-Key"] == "k-1"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_ten_repeats_of_one_key_at_once_get_ten_equal_answers(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    headers = {"Idempotency-Key": "the same"}
    posts = (http.post(ROUTE, json=a_request(), headers=headers) for _ in range(10))

    answers = await asyncio.gather(*posts)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(neighbours.desk.versions) == 1


async def test_a_repeat_after_later_events_gets_the_first_answer_to_the_letter(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    headers = {"Idempotency-Key": "again"}
    first = await http.post(ROUTE, json=a_request(), headers=headers)
    view = neighbours.desk.versions[_id_in(first)][-1]
    neighbours.desk.keep(view.model_copy(update={"status": "cancelled", "version": 3}))

    again = await http.post(ROUTE, json=a_request(), headers=headers)

    assert (again.status_code, again.content) == (201, first.content)


async def test_a_key_that_came_with_another_body_is_422(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    headers = {"Idempotency-Key": "reused"}
    await http.post(ROUTE, json=a_request(), headers=headers)

    other = await http.post(ROUTE, json=a_request(notes="Another"), headers=headers)

    assert other.status_code == 422
    assert other.json()["type"] == "/problems/idempotency-key-reused"


async def test_the_same_request_spelled_otherwise_is_a_repeat(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    headers = {"Idempotency-Key": "spelled"}
    first = await http.post(ROUTE, json=a_request(), headers=headers)
    body = a_request(start="2027-03-22T09:00:00+01:00")
    body["attendee"]["phone"] = "+4930123456"

    again = await http.post(ROUTE, json=body, headers=headers)

    assert (again.status_code, again.content) == (201, first.content)


async def test_without_a_key_the_gateway_makes_one_up_and_tells_it(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    answer = await http.post(ROUTE, json=a_request())

    (command,) = neighbours.desk.commands
    assert isinstance(command, RequestBooking)
    assert answer.headers["Idempotency-Key"] == command.idempotency.key


async def test_a_slot_that_was_taken_is_409_with_alternatives_as_slots(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    neighbours.desk.rejection = "slot_taken"

    answer = await http.post(ROUTE, json=a_request())

    problem = answer.json()
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "/problems/slot-unavailable"
    assert problem["alternatives"][0] == {
        "start": "2027-03-22T08:00:00Z",
        "end": "2027-03-22T08:30:00Z",
        "local_start": "2027-03-22T04:00:00-04:00",
        "hosts": [str(HOST_ID)],
        "seats_left": 1,
    }


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("not_a_slot", "start"),
        ("unknown_appointment_type", "appointment_type"),
        ("duration_not_offered", "duration_minutes"),
        ("location_not_offered", "location.kind"),
        ("host_not_offered", "host_id"),
    ],
)
async def test_what_is_not_offered_is_422_and_names_the_field(
    http: httpx.AsyncClient, neighbours: Neighbours, reason: RejectionReason, field: str
) -> None:
    neighbours.desk.rejection = reason

    answer = await http.post(ROUTE, json=a_request())

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_fact_that_nobody_heard_is_asked_for_when_the_budget_is_spent(
    quick: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    neighbours.desk.timing = "unheard"

    answer = await quick.post(ROUTE, json=a_request())

    assert (answer.status_code, answer.json()["version"]) == (201, 2)


async def test_what_has_not_settled_in_time_is_202_with_an_address_that_tells_later(
    quick: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    neighbours.desk.timing = "never"

    answer = await quick.post(ROUTE, json=a_request())

    pending = answer.json()
    neighbours.desk.links["k1.manage-token"] = a_grant(booking_id=UUID(pending["id"]))
    await neighbours.desk.settle(UUID(pending["id"]))
    later = await quick.get(pending["status_url"])
    assert (answer.status_code, pending["status"]) == (202, "requested")
    assert (later.status_code, later.json()["status"]) == (200, "confirmed")


async def test_a_booking_service_that_comes_back_within_the_budget_is_waited_for(
    http: httpx.AsyncClient, neighbours: Neighbours, nats_url: str
) -> None:
    await neighbours.stop()
    asking = asyncio.create_task(http.post(ROUTE, json=a_request()))
    await asyncio.sleep(0.3)

    await neighbours.start(nats_url)

    assert (await asking).status_code == 201


async def test_a_broker_that_was_away_while_it_settled_is_made_up_for_on_reconnect(
    http: httpx.AsyncClient, neighbours: Neighbours, nats_server: NatsServer
) -> None:
    neighbours.desk.timing = "never"
    asking = asyncio.create_task(http.post(ROUTE, json=a_request()))
    await eventually(lambda: _seen(neighbours.desk.commands), what="the command")
    nats_server.kill()
    neighbours.desk.timing = "unheard"
    await neighbours.desk.settle(next(iter(neighbours.desk.versions)))

    nats_server.start()

    assert (await asking).status_code == 201


async def test_no_booking_service_at_all_is_503_with_the_key_to_repeat_with(
    quick: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    await neighbours.stop()

    answer = await quick.post(ROUTE, json=a_request(), headers={"Idempotency-Key": "later"})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Idempotency-Key"] == "later"
    assert answer.json()["type"] == "/problems/unavailable"


async def test_a_fact_reaches_the_gateway_through_jetstream_as_the_relay_publishes_it(
    http: httpx.AsyncClient, neighbours: Neighbours, nats_url: str
) -> None:
    neighbours.desk.timing = "never"
    await streams.declare(nats_url, {})
    asking = asyncio.create_task(http.post(ROUTE, json=a_request()))
    await eventually(lambda: _seen(neighbours.desk.versions), what="the booking")
    booking_id = next(iter(neighbours.desk.versions))
    neighbours.desk.timing = "unheard"
    await neighbours.desk.settle(booking_id)

    assert neighbours.desk.client is not None
    acknowledged = await neighbours.desk.client.jetstream().publish(
        f"events.booking.confirmed.v1.demo.{booking_id}", b'{"version":2}'
    )

    assert (acknowledged.stream, (await asking).status_code) == ("BOOKING", 201)
