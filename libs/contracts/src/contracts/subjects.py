"""Stream names and wildcards: one stream a context, named after it."""

from types import ModuleType
from typing import TypeVar

from contracts import availability, booking, calendar_sync, notify, video
from contracts.envelope import Contract, Event, Request

MODULES = (booking, availability, video, notify, calendar_sync)

CONTEXTS = ("booking", "availability", "video", "notify", "calendar")


def stream(context: str) -> str:
    """The JetStream stream that carries a context's events."""
    return context.upper()


def all_of(context: str) -> str:
    """The wildcard over every event of a context."""
    return f"events.{context}.>"


def every(event: type[Event]) -> str:
    """The wildcard over every event of one kind, whatever tenant and entity."""
    return f"events.{event.ce_type()}.>"


def events() -> list[type[Event]]:
    """Every published event class, by kind."""
    found = {c for m in MODULES for c in _own(m, Event) if "FACT" in vars(c)}
    return sorted(found, key=lambda c: c.ce_type())


def requests() -> list[type[Request[Contract]]]:
    """Every command and query class, by subject."""
    found = {c for m in MODULES for c in _own(m, Request) if _is_concrete(c)}
    return sorted(found, key=lambda c: c.subject())


BaseT = TypeVar("BaseT", bound=Contract)


def _own(module: ModuleType, base: type[BaseT]) -> list[type[BaseT]]:
    mine = (v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__)
    return [v for v in mine if isinstance(v, type) and issubclass(v, base)]


def _is_concrete(request: type[Request[Contract]]) -> bool:
    generic = request.__pydantic_generic_metadata__
    return generic["origin"] is None and not generic["parameters"]
