"""Why something happens: carried along with the work, written on every event.

`correlation_id` is one for a whole flow (a client's request and all that follows from it);
`causation_id` is the event that is being handled.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from uuid_utils.compat import uuid7


@dataclass(frozen=True, slots=True)
class Causation:
    """The flow and the event that the work at hand follows from."""

    correlation_id: str
    causation_id: str | None = None


_current: ContextVar[Causation | None] = ContextVar("causation", default=None)


def current() -> Causation:
    """The causation of the work at hand; a new flow where there is none."""
    found = _current.get()
    if found is None:
        found = Causation(correlation_id=new_id())
        _current.set(found)
    return found


def new_id() -> str:
    """A correlation id for a flow that begins here."""
    return str(uuid7())


@contextmanager
def because_of(causation: Causation) -> Generator[None]:
    """Everything done inside follows from `causation`."""
    token = _current.set(causation)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def new_flow() -> Generator[None]:
    """What is done inside begins a flow of its own, unless it says otherwise."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)
