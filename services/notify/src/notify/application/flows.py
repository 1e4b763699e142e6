"""What is planned now is done later: the flow and the trace that it belongs to are kept with it."""

from collections.abc import Generator
from contextlib import contextmanager

from notify.domain.notifications import Flow
from service_kit import causation, telemetry


def this_flow() -> Flow:
    """The flow of the work at hand."""
    why = causation.current()
    return Flow(why.correlation_id, why.causation_id, telemetry.traceparent())


@contextmanager
def resumed(flow: Flow, what: str) -> Generator[None]:
    """What is done inside follows from `flow`, as a span named `what`."""
    why = causation.Causation(flow.correlation_id, flow.causation_id)
    trace = {"traceparent": flow.traceparent} if flow.traceparent else {}
    with causation.because_of(why), telemetry.span(what, headers=trace):
        yield
