"""The gateway as a process: ready when all are, stopping without dropping, documented."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import httpx
from pydantic import BaseModel

from gateway.api import examples, shapes
from gateway.api.app import bare_app
from gateway.api.policies import POLICIES
from gateway.readiness import REMEMBERED_SECONDS
from service_kit.service import RunningService
from service_kit.testing import eventually

from .builders import BOOKING_ID, a_request
from .neighbours import Neighbours


async def ready(http: httpx.AsyncClient) -> httpx.Response:
    return await http.get("/readyz")


async def test_the_gateway_is_ready_once_every_service_is(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    before = await ready(http)

    async def broken() -> str | None:
        return "no relay"

    neighbours.health["notify"].checks["relay"] = broken
    after = await eventually(lambda: status(http, 503), within=REMEMBERED_SECONDS + 5)

    assert (before.status_code, before.json()) == (200, {"ready": True, "problems": {}})
    assert after.json() == {"ready": False, "problems": {"notify": "relay: no relay"}}


async def test_a_service_that_gives_no_answer_makes_the_whole_unready(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    await neighbours.stop()

    answer = await eventually(lambda: status(http, 503), within=REMEMBERED_SECONDS + 5)

    assert set(answer.json()["problems"]) == set(neighbours.health)
    assert (await http.get("/livez")).text == "ok"


async def status(http: httpx.AsyncClient, wanted: int) -> httpx.Response | None:
    answer = await ready(http)
    return answer if answer.status_code == wanted else None


async def test_a_request_in_flight_is_finished_when_the_gateway_stops(
    http: httpx.AsyncClient, neighbours: Neighbours, gateway: RunningService
) -> None:
    neighbours.desk.timing = "never"
    asking = asyncio.create_task(http.post("/v1/demo/bookings", json=a_request()))
    await eventually(lambda: taken(neighbours), what="the command")

    stopping = asyncio.create_task(gateway.close())
    await neighbours.desk.settle(next(iter(neighbours.desk.versions)))

    assert (await asking).status_code == 201
    await stopping


async def taken(neighbours: Neighbours) -> bool:
    return bool(neighbours.desk.versions)


def test_the_command_prints_the_document_that_is_served() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gateway", "openapi"], capture_output=True, text=True, check=True
    )

    assert json.loads(run.stdout) == bare_app().openapi()


def test_every_operation_is_described_grouped_and_secured() -> None:
    document = bare_app().openapi()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }

    assert len({each["operationId"] for each in operations.values()}) == len(operations)
    for route, operation in operations.items():
        assert operation["description"], route
        assert operation["tags"], route
        assert bool(operation["security"]) == bool(POLICIES[route].scopes), route
        for code, response in operation["responses"].items():
            is_problem = "application/problem+json" in response.get("content", {})
            assert is_problem == (int(code) >= 400), (route, code)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = bare_app().openapi()
    text = json.dumps(document)
    schemas = document["components"]["schemas"]

    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas


def test_examples_have_the_shapes_that_they_are_examples_of() -> None:
    for name, example in examples.BY_SHAPE.items():
        shape: type[BaseModel] = getattr(shapes, name)
        assert set(shape.model_validate(example).model_dump(by_alias=True)) >= set(example)


def test_the_document_tells_which_fields_a_public_answer_may_hold() -> None:
    """What anybody can read of a tenant; a field that is added here is a decision."""
    schemas: dict[str, Any] = bare_app().openapi()["components"]["schemas"]

    assert set(schemas["PublicHost"]["properties"]) == {"id", "name", "time_zone"}
    assert set(schemas["Slot"]["properties"]) == {
        "start",
        "end",
        "local_start",
        "hosts",
        "seats_left",
    }
    assert set(schemas["AppointmentType"]["properties"]) == {
        "slug",
        "title",
        "description",
        "durations_minutes",
        "default_duration_minutes",
        "locations",
        "hosts",
        "price",
        "approval",
        "cancellation_notice_minutes",
        "notice_minutes",
        "window_days",
    }


async def test_answers_have_the_shapes_that_the_document_promises(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    booking = (await http.post("/v1/demo/bookings", json=a_request())).json()
    types = (await http.get("/v1/demo/appointment-types")).json()

    assert set(booking) == set(shapes.Booking.model_fields)
    assert shapes.Booking.model_validate(booking).id != BOOKING_ID
    assert set(types["items"][0]) == set(shapes.AppointmentType.model_fields)
