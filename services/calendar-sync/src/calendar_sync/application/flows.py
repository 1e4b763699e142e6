"""Work that is done later carries on the flow that it follows from."""

from collections.abc import Generator
from contextlib import contextmanager

from calendar_sync.domain import Flow
from service_kit import causation, telemetry
from service_kit.causation import Causation


def current() -> Flow:
    """The flow of the work at hand, to be stored with what is left for later."""
    why = causation.current()
    return Flow(why.correlation_id, why.causation_id, telemetry.traceparent())


@contextmanager
def resumed(flow: Flow, name: str) -> Generator[None]:
    """Everything inside follows from a stored flow; `name` is its span's."""
    trace = {"traceparent": flow.traceparent} if flow.traceparent else None
    with (
        causation.because_of(Causation(flow.correlation_id, flow.causation_id)),
        telemetry.span(name, headers=trace),
    ):
        yield
