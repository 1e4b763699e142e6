"""The outermost layer: what is true of every request, whichever route it finds or misses.

Plain ASGI, because a BaseHTTPMiddleware costs a task and two queues a request.
"""

import re
import time
from collections.abc import Awaitable, Callable, Iterable

import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Histogram
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from gateway.api.problems import INTERNAL, HttpProblemError
from service_kit import causation, telemetry
from service_kit.causation import Causation

LARGEST_BODY_BYTES = 64 * 1024


CORRELATION_HEADER = b"x-correlation-id"

SECONDS = Histogram(
    "http_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_CORRELATION_ID = re.compile(rb"[A-Za-z0-9._:-]{8,128}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_UNLOGGED = frozenset(("/livez", "/readyz", "/metrics"))
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-robots-tag", b"noindex"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")

_log = structlog.get_logger()

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Edge:
    """Wraps the application: a flow and a span for each request, a bound on bodies, headers.

    An error that nobody expected is logged and answered as a problem; nothing of it gets out.
    """

    def __init__(self, app: App, *, https: bool) -> None:
        self._app = app
        self._headers = (*_HEADERS, _HTTPS_ONLY) if https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        headers = dict[bytes, bytes](scope["headers"])
        flow = Causation(_correlation_id(headers))
        answer = _Answer(send, self._headers, flow.correlation_id)
        parent = {"traceparent": headers.get(b"traceparent", b"").decode("latin-1")}
        started = time.perf_counter()
        with causation.because_of(flow), telemetry.span("HTTP", SpanKind.SERVER, parent):
            await self._guarded(scope, _bounded(headers, receive), answer)
            _tell(scope, answer.status, time.perf_counter() - started)

    async def _guarded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - the last place that can answer for it
            _log.error("a request failed", route=_route(scope), **telemetry.told(error))
            if answer.status == 0:
                await HttpProblemError(INTERNAL).response()(scope, receive, answer.send)


class _Answer:
    """Passes the response on, with the headers that every response has."""

    def __init__(
        self, send: Send, headers: Iterable[tuple[bytes, bytes]], correlation_id: str
    ) -> None:
        self.status = 0
        self._send = send
        self._headers = headers
        self._correlation_id = correlation_id.encode()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list[tuple[bytes, bytes]](message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given.extend(header for header in self._headers if header[0] not in names)
            given.append((CORRELATION_HEADER, self._correlation_id))
            message = {**message, "headers": given}
        await self._send(message)


def _correlation_id(headers: dict[bytes, bytes]) -> str:
    """The client's own, where it is of a form that is safe in a log; else a new one."""
    given = headers.get(CORRELATION_HEADER, b"")
    return given.decode() if _CORRELATION_ID.fullmatch(given) else str(uuid7())


def _bounded(headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """`receive`, raising 413 once the body is larger than it may be, said or unsaid."""
    said = headers.get(b"content-length", b"0")
    excessive = not said.isdigit() or int(said) > LARGEST_BODY_BYTES
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if excessive or seen > LARGEST_BODY_BYTES:
            raise HTTPException(413)
        return message

    return bounded


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """Metrics, span and log name the route, never the path: paths hold tokens."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = _route(scope)
    SECONDS.labels(method, route, str(status)).observe(seconds)
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
    if route not in _UNLOGGED:
        milliseconds = round(seconds * 1000, 1)
        _log.info("request", method=method, route=route, status=status, ms=milliseconds)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "none"))
