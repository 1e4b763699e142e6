"""Traces and logs: one booking can be followed through every process.

Spans are recorded and exported only where a collector is configured; the trace context travels
in `traceparent` headers (W3C Trace Context) all the same.
"""

import logging
import sys
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import structlog
from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from service_kit import causation

DEEPEST_FRAMES = 8

_tracer: trace.Tracer | None = None
"""Makes the spans of a process that exports them; elsewhere nothing is recorded, nor paid for."""


def configure_traces(service: str, endpoint: str | None) -> None:
    """Exports this process's spans to an OTLP/HTTP collector, if one is named."""
    if not endpoint:
        return
    # Imported here: it costs 10 MiB and 100 ms that a process without a collector need not pay.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    global _tracer  # noqa: PLW0603 - a process records traces, or does not
    _tracer = trace.get_tracer("rendezvous")


def flush_traces() -> None:
    """Sends what is still held back; called once, when the process stops."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def traceparent() -> str | None:
    """The current span as a `traceparent` header, or nothing outside any trace."""
    if _tracer is None:
        return None
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, headers: Mapping[str, str] | None = None
) -> Generator[None]:
    """A span around the block; a child of the trace in `headers`, where they carry one.

    Costs nothing in a process that records no traces.
    """
    if _tracer is None:
        yield
        return
    parent = extract(headers) if headers else None
    with _tracer.start_as_current_span(name, context=parent, kind=kind) as current:
        try:
            yield
        except Exception as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def configure_logs(service: str, level: str) -> None:
    """JSON lines on stderr, each with the service, the correlation id and the trace id."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_flow,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries speak through logging: their warnings are kept, one line each, without bodies.
    logging.basicConfig(
        level=logging.WARNING,
        format=f'{{"service": "{service}", "level": "%(levelname)s", "logger": "%(name)s", '
        '"event": %(message)r}',
        force=True,
    )


def told(error: BaseException) -> dict[str, object]:
    """An error for the log: its type and where it came from, never its words.

    The words of pydantic and of Postgres quote what was sent, which may be about a person.
    """
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_FRAMES:]
    return {
        "error": type(error).__name__,
        "frames": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _add_flow(
    _logger: object, _method: str, entry: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    entry["correlation_id"] = causation.current().correlation_id
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = format(context.trace_id, "032x")
    return entry
