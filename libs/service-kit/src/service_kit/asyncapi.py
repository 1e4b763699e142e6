"""What a service hears, answers and says, as an AsyncAPI 3.0 document, from its declarations.

The declarations that run are declared once more on a broker that never connects, because
FastStream writes the document and events are consumed beside it (ADR 0007).
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI

from contracts import subjects
from contracts.envelope import Event, Request

EXAMPLE_SERVER = "nats://nats:4222"


def document(
    service: str,
    *,
    requests: Sequence[type[Request[Any]]],
    consumes: Sequence[type[Event]],
    context: str | None,
    version: str,
) -> dict[str, Any]:
    """The AsyncAPI document of one service, as JSON has it.

    `context` names the stream of what the service says; every event of it is listed.
    """
    broker = NatsBroker(EXAMPLE_SERVER, logger=None)
    for request in requests:
        _hears(broker, request.subject(), request, request.reply())
    for event in consumes:
        _hears(broker, subjects.every(event), event, None)
    for event in subjects.events():
        if context == event.CONTEXT:
            broker.publisher(
                f"events.{event.ce_type()}.{{tenant}}.{{{event.ENTITY}}}",
                title=event.ce_type(),
                description=inspect.getdoc(event),
                schema=event,
            )
    specification = AsyncAPI(
        broker, title=f"Rendezvous: {service}", version=version, schema_version="3.0.0"
    )
    return specification.to_specification().to_jsonable()


def _hears(broker: NatsBroker, subject: str, payload: type[Any], reply: type[Any] | None) -> None:
    handler = _handler()
    handler.__annotations__ = {"body": payload, "return": reply}
    told = f"\n\nReplies with `{reply.__name__}`." if reply else ""
    broker.subscriber(
        subject, title=payload.__name__, description=f"{inspect.getdoc(payload)}{told}"
    )(handler)


def _handler() -> Callable[[Any], Any]:
    async def handler(body: Any) -> None:
        _ = body

    return handler
