"""The contexts: whose record each stream is published from, and who listens to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from booking.event_log import stored_events
from contracts import subjects
from contracts.envelope import Event
from notify.bus.recovery import take_back
from rendezvous import migrate
from rendezvous.errors import StartError
from rendezvous.services import SERVICES, Service
from service_kit import streams
from service_kit.database import Connection
from service_kit.messages import Outgoing
from service_kit.outbox import OutboxSource
from service_kit.source import Record

BOOKING = Service("booking")
NOTIFY = Service("notify", follows=True)
_SAYS_AS = {"calendar-sync": "calendar"}

TakeBack = Callable[[Connection, Sequence[Outgoing]], Awaitable[int]]
"""Writes down what a restored database has forgotten to have done, from what it had said."""

_TAKE_BACK: dict[Service, TakeBack] = {NOTIFY: take_back}

KEEPS_INBOX = {service: service != BOOKING for service in SERVICES}
"""Whether a service's database knows which events it handled; a booking knows by itself."""


@dataclass(frozen=True)
class Context:
    """One stream's origin and its listeners, each with the kinds of events that it hears."""

    name: str
    service: Service
    record: Record
    consumers: Mapping[Service, frozenset[str]]

    @property
    def stream(self) -> str:
        """The stream's name."""
        return subjects.stream(self.name)

    @property
    def take_back(self) -> TakeBack | None:
        """How the service takes back what it did outside, where that would be done again."""
        return _TAKE_BACK.get(self.service)


def all_contexts() -> list[Context]:
    """Every context, in the order of the streams."""
    said = {_SAYS_AS.get(service.name, service.name): service for service in SERVICES}
    heard = migrate.consumers()
    return [
        Context(
            name,
            said[name],
            stored_events() if said[name] == BOOKING else OutboxSource(said[name].name),
            {
                service: _kinds(events[name])
                for service in SERVICES
                if name in (events := streams.by_context(heard.get(service.name, ())))
            },
        )
        for name in subjects.CONTEXTS
    ]


def chosen(names: list[str]) -> list[Context]:
    """The contexts of these names (of stream or context), all where none is given.

    Raises StartError for a name that there is not.
    """
    known = {context.name: context for context in all_contexts()}
    if unknown := [name for name in names if name.lower() not in known]:
        raise StartError(f"There is no stream {unknown[0]}: there are {', '.join(known)}.")
    return [known[name.lower()] for name in names] if names else list(known.values())


def _kinds(events: list[type[Event]]) -> frozenset[str]:
    return frozenset(event.ce_type() for event in events)
