"""One booking is one trace, over every process, carried in NATS headers."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service_kit.testing import eventually
from tests.e2e.clients import client_of
from tests.e2e.conftest import StartSystem

SERVICES = {"gateway", "booking", "availability", "video", "notify", "calendar-sync"}


@dataclass
class Trace:
    """Who took part in a trace, and each span's parent."""

    services: set[str] = field(default_factory=set[str])
    parents: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def connected(self) -> bool:
        """Whether every span's parent is in the trace."""
        return set(self.parents.values()) - {b""} <= set(self.parents)


class Collector(BaseHTTPRequestHandler):
    """Receives OTLP over HTTP."""

    traces: ClassVar[defaultdict[bytes, Trace]] = defaultdict(Trace)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                trace = self.traces[span.trace_id]
                trace.services.add(named["service.name"])
                trace.parents[span.span_id] = span.parent_span_id
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_a_booking_leaves_one_connected_trace_over_all_processes(
    new_system: StartSystem, collector: str
) -> None:
    system = new_system(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector}).start()
    async with client_of(system) as client:
        start = (await client.slots())[0]["start"]
        await client.book(start)

        async def told() -> bool:
            whole = [t for t in Collector.traces.values() if t.services >= SERVICES]
            return any(trace.connected() for trace in whole)

        await eventually(told, 30, "a connected trace that everybody is in")
