"""Calling a booking off: by link, by key, under a condition, and twice."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from contracts.booking import CancelBooking
from contracts.envelope import Actor
from service_kit.errors import ProblemError

from .builders import BOOKING_ID, MANAGE_TOKEN, a_grant, a_view
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]
ADDRESS = f"/v1/bookings/{BOOKING_ID}/cancel"
LINK = {"Authorization": f"Bearer {MANAGE_TOKEN}"}


@pytest.fixture
def desk(neighbours: Neighbours) -> Neighbours:
    neighbours.desk.keep(a_view())
    neighbours.desk.links[MANAGE_TOKEN] = a_grant()
    return neighbours


def the_command(desk: Neighbours) -> CancelBooking:
    (command,) = desk.desk.commands
    assert isinstance(command, CancelBooking)
    return command


async def test_an_attendee_cancels_by_link(http: httpx.AsyncClient, desk: Neighbours) -> None:
    answer = await http.post(ADDRESS, json={"reason": "I am ill"}, headers=LINK)

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.headers["ETag"] == '"3"'
    assert answer.headers["Idempotency-Key"]
    assert the_command(desk).actor == Actor(kind="attendee")
    assert the_command(desk).reason == "I am ill"


async def test_a_key_cancels_without_a_body_and_is_named_as_the_actor(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    key = await make_key("bookings:write")

    answer = await http.post(ADDRESS, headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 200
    assert the_command(desk).actor == Actor(kind="api_key", id=key[4:16])


async def test_a_key_that_may_only_read_cannot_cancel(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    key = await make_key("bookings:read")

    answer = await http.post(ADDRESS, headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, desk.desk.commands) == (403, [])


@pytest.mark.parametrize(("condition", "status"), [('"2"', 200), ("*", 200), ('"1"', 412)])
async def test_a_condition_on_the_version_is_kept(
    http: httpx.AsyncClient, desk: Neighbours, condition: str, status: int
) -> None:
    answer = await http.post(ADDRESS, headers={**LINK, "If-Match": condition})

    assert answer.status_code == status


@pytest.mark.parametrize(("condition", "status"), [('W/"2"', 412), ("two", 412), ('"1", "2"', 400)])
async def test_a_condition_that_no_version_meets_is_not_even_sent(
    http: httpx.AsyncClient, desk: Neighbours, condition: str, status: int
) -> None:
    answer = await http.post(ADDRESS, headers={**LINK, "If-Match": condition})

    assert (answer.status_code, desk.desk.commands) == (status, [])


async def test_a_second_cancellation_is_a_conflict(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    await http.post(ADDRESS, headers=LINK)

    answer = await http.post(ADDRESS, headers=LINK)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")


async def test_one_that_comes_too_late_is_told_so(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    async def too_late(_: CancelBooking) -> CancelBooking:
        raise ProblemError("too_late", "It can be cancelled until 2 hours before.")

    desk.answers[CancelBooking] = too_late
    answer = await http.post(ADDRESS, headers=LINK)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-late")
    assert answer.json()["detail"] == "It can be cancelled until 2 hours before."


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ünï"])
async def test_an_idempotency_key_that_is_none_is_422(
    http: httpx.AsyncClient, desk: Neighbours, key: str
) -> None:
    named = (b"Idempotency-Key", key.encode())
    link = (b"Authorization", f"Bearer {MANAGE_TOKEN}".encode())

    answer = await http.post(ADDRESS, headers=[link, named])

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
