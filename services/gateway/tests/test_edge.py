"""What is true of every request: headers, bounds, flows, and problems for what goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from contracts.availability import ListAppointmentTypes
from gateway.keys import new_key
from service_kit import causation, telemetry
from service_kit.errors import ProblemError
from service_kit.service import RunningService

from .builders import a_request, a_type
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]
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


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/demo/appointment-types/%00", 404),
        ("/v1/demo/appointment-types/a%00b/slots?from=2027-03-22&to=2027-03-23&time_zone=UTC", 404),
        ("/v1/bookings?q=a%00b", 422),
        ("/v1/bookings?appointment_type=a%00b", 422),
        ("/v1/bookings/%00", 404),
        ("/b/%00", 404),
        ("/b/" + "x" * 2000, 404),
        ("/call/%C3%BC", 404),
        ("/feeds/a%00b.ics", 404),
        ("/problems/%00", 404),
        ("/v1/dev/mail/%00", 404),
    ],
)
async def test_bytes_that_no_database_takes_stop_at_the_door(
    http: httpx.AsyncClient, make_key: MakeKey, address: str, status: int
) -> None:
    answer = await http.get(address, headers={"Authorization": f"Bearer {await make_key()}"})

    assert answer.status_code == status


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


async def test_a_database_that_is_away_is_503(
    http: httpx.AsyncClient, gateway: RunningService
) -> None:
    await gateway.database.close()

    answer = await http.get("/v1/hosts", headers={"Authorization": f"Bearer {new_key()}"})

    assert is_problem(answer, "unavailable")
    assert answer.headers["Retry-After"] == "1"


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


async def test_a_request_is_one_span_of_the_callers_trace_and_holds_no_token(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    await http.get(
        "/b/k1.a-secret-token?token=another",
        headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"},
    )

    spans = exporter.get_finished_spans()
    (served,) = [span for span in spans if span.kind is SpanKind.SERVER and "/b/" in span.name]
    assert served.name == "GET /b/{token}"
    assert dict(served.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/b/{token}",
        "http.response.status_code": 404,
    }
    assert {format(span.context.trace_id, "032x") for span in spans if span.context} == {trace_id}
    assert "a-secret-token" not in "".join(span.to_json() for span in spans)


async def test_a_service_that_says_it_cannot_answer_now_is_asked_again(
    http: httpx.AsyncClient, neighbours: Neighbours
) -> None:
    answers = iter((ProblemError("unavailable", "Not now."),))
    listed = neighbours.answers[ListAppointmentTypes]

    async def types(query: ListAppointmentTypes) -> Any:
        for refusal in answers:
            raise refusal
        return await listed(query)

    neighbours.answers[ListAppointmentTypes] = types

    assert (await http.get(TYPES)).status_code == 200
