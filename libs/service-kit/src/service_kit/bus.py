"""What a service listens to and answers, as declared in its `bus.py`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from contracts.envelope import Contract, Event, Request
from service_kit.database import Connection
from service_kit.messages import Envelope

EventT = TypeVar("EventT", bound=Event)
ReplyT = TypeVar("ReplyT", bound=Contract)
RequestT = TypeVar("RequestT", bound=Request[Any])

OnEvent = Callable[[Connection, EventT, Envelope], Awaitable[None]]
OnRequest = Callable[[RequestT], Awaitable[ReplyT]]


class Retry(Exception):  # noqa: N818 - it is an answer rather than an error
    """Asks for an event to be delivered again after `delay_seconds`, without counting as a try."""

    def __init__(self, delay_seconds: float = 1.0) -> None:
        super().__init__(f"again in {delay_seconds} s")
        self.delay_seconds = delay_seconds


@dataclass(frozen=True, slots=True)
class EventHandler:
    """A handler of one kind of event; it runs in the transaction that holds the inbox row."""

    event: type[Event]
    handle: Callable[[Connection, Any, Envelope], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RequestHandler:
    """An answer to one kind of command or query."""

    request: type[Request[Any]]
    answer: Callable[[Any], Awaitable[Contract]]


def handles(event: type[EventT], handle: OnEvent[EventT]) -> EventHandler:
    """Declares that `handle` takes the events of one kind."""
    return EventHandler(event, handle)


def answers(request: type[RequestT], answer: OnRequest[RequestT, Contract]) -> RequestHandler:
    """Declares that `answer` gives the replies to one kind of request."""
    return RequestHandler(request, answer)


@dataclass(frozen=True, slots=True)
class Bus:
    """Everything that one service hears and answers."""

    service: str
    events: Sequence[EventHandler] = ()
    requests: Sequence[RequestHandler] = ()
