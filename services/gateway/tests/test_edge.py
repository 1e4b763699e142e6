"""What is true of every request: headers, bounds, flows, and problems for what goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.availability import ListAppointmentTypes
from service_kit import causation

from .builders import a_request, a_type
from .neighbours import Neighbours

TYPES = "/v1/demo/appointment-types"


def is_problem(answer: httpx.Response, name: str) -> bool:
    problem: dict[str, Any] = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and problem["type"] == f"/problems/{name}"
        and problem["status"] == answer.status_code
        and problem["correlation_id"] == answer.headers["X-Correlation-Id"]
        and problem["instance"].endswith(problem["correlation_id"])
    )


async def test_every_answer_carries_the_headers_of_a_careful_server(
    http: httpx.AsyncClient,
) -> None:
    for address in ("/", "/livez", "/nowhere", TYPES, "/openapi.json", "/b/forged"):
        headers = (await http.get(address)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "server" not in headers


async def test_an_address_that_leads_nowhere_is_a_problem(http: httpx.AsyncClient) -> None:
    assert is_problem(await http.get("/v1/nothing/here/at/all"), "not-found")


async def test_a_method_that_a_route_does_not_know_is_a_problem_that_names_the_others(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.put(TYPES)

    assert is_problem(answer, "method-not-allowed")
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("content", "content_type", "name"),
    [
        (b"{", "application/json", "invalid"),
        (b"[]", "application/json", "invalid"),
        (b"", "application/json", "invalid"),
        (b"[" * 30_000, "application/json", "malformed"),
        (b"\xff\xfe{", "application/json", "malformed"),
        (b'{"start": ' + b"9" * 5000 + b"}", "application/json", "malformed"),
        (json.dumps(a_request()).encode(), "text/plain", "unsupported-media-type"),
        (b"x" * 70_000, "application/json", "too-large"),
    ],
)
async def test_a_body_that_is_none_is_a_problem_and_never_an_error_of_ours(
    http: httpx.AsyncClient, content: bytes, content_type: str, name: str
) -> None:
    headers = {"Content-Type": content_type}

    answer = await http.post("/v1/demo/bookings", content=content, headers=headers)

    assert is_problem(answer, name)


async def test_a_body_that_hides_its_length_is_bounded_all_the_same(
    http: httpx.AsyncClient,
) -> None:
    async def long() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}

    assert is_problem(
        await http.post("/v1/demo/bookings", content=long(), headers=headers), "too-large"
    )


async def test_a_defect_is_a_problem_that_tells_nothing_of_it(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    async def unreadable(_: ListAppointmentTypes) -> Any:
        return a_type()  # not the reply that the gateway can read

    neighbours.answers[ListAppointmentTypes] = unreadable
    answer = await http.get(TYPES)

    assert is_problem(answer, "internal")
    assert answer.status_code == 500
    assert "validation" not in answer.text.lower()


async def test_a_correlation_id_goes_all_the_way_and_comes_back(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    seen: list[str] = []

    async def types(query: ListAppointmentTypes) -> Any:
        seen.append(causation.current().correlation_id)
        return await listed(query)

    listed = neighbours.answers[ListAppointmentTypes]
    neighbours.answers[ListAppointmentTypes] = types
    answer = await http.get(TYPES, headers={"X-Correlation-Id": "client-0001"})

    assert answer.headers["X-Correlation-Id"] == "client-0001"
    assert seen == ["client-0001"]


@pytest.mark.parametrize("given", ["short", "x" * 129, "has spaces in it", "<script>1234"])
async def test_a_correlation_id_that_a_log_could_not_hold_is_replaced(
    http: httpx.AsyncClient, given: str
) -> None:
    answer = await http.get("/livez", headers={"X-Correlation-Id": given})

    assert answer.headers["X-Correlation-Id"] != given


async def test_requests_that_run_together_keep_their_flows_apart(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    ids = [f"flow-{number:04}" for number in range(20)]
    answers = await asyncio.gather(
        *(http.get(TYPES, headers={"X-Correlation-Id": each}) for each in ids)
    )

    assert [answer.headers["X-Correlation-Id"] for answer in answers] == ids


async def test_metrics_name_routes_and_never_paths(http: httpx.AsyncClient) -> None:
    await http.get("/b/k1.a-secret-token")

    text = (await http.get("/metrics")).text

    assert 'route="/b/{token}"' in text
    assert "a-secret-token" not in text


async def test_what_a_problem_means_stands_at_its_address(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/problems")).json()["items"]
    for kind in listed:
        assert (await http.get(kind["type"])).json() == kind
    page = await http.get("/problems", headers={"Accept": "text/html"})

    assert {"/problems/slot-unavailable", "/problems/invalid"} <= {k["type"] for k in listed}
    assert "Somebody else has the slot." in page.text


async def test_the_pages_for_people_are_there(http: httpx.AsyncClient) -> None:
    landing = await http.get("/")
    docs = await http.get("/docs")
    robots = await http.get("/robots.txt")

    assert "Rendezvous" in landing.text
    assert "POST /v1/{tenant}/bookings" in docs.text
    assert "Disallow: /b/" in robots.text
