"""An event on the wire: CloudEvents 1.0 in binary mode over NATS headers.

The attributes follow the CloudEvents NATS protocol binding 1.0, with the extensions `tenant`,
`sequence`, `ordinal`, `correlationid` and `causationid`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Position(NamedTuple):
    """Where an event stands in its source: the stored event, and which of its messages."""

    sequence: int
    ordinal: int = 0


START = Position(0, 0)
"""Before the first event of a source."""


class MalformedMessageError(Exception):
    """A message that is no event of ours."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything about an event but the event itself."""

    id: UUID
    source: str
    type: str
    subject: str
    tenant: str
    entity_id: str
    time: datetime
    position: Position
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None

    def headers(self) -> dict[str, str]:
        """The envelope as NATS headers."""
        headers = {
            "ce-specversion": "1.0",
            "ce-id": str(self.id),
            "ce-source": self.source,
            "ce-type": self.type,
            "ce-subject": self.entity_id,
            "ce-time": self.time.isoformat(),
            "ce-tenant": self.tenant,
            "ce-sequence": str(self.position.sequence),
            "ce-ordinal": str(self.position.ordinal),
            "ce-correlationid": self.correlation_id,
            "content-type": "application/json",
        }
        if self.causation_id:
            headers["ce-causationid"] = self.causation_id
        if self.traceparent:
            headers["traceparent"] = self.traceparent
        return headers

    @classmethod
    def parse(cls, subject: str, headers: Mapping[str, str] | None) -> "Envelope":
        """The envelope of a received message.

        Raises `MalformedMessageError` where an attribute is missing or is not of its form.
        """
        found = headers or {}
        try:
            return cls(
                id=UUID(found["ce-id"]),
                source=found["ce-source"],
                type=found["ce-type"],
                subject=subject,
                tenant=found["ce-tenant"],
                entity_id=found["ce-subject"],
                time=datetime.fromisoformat(found["ce-time"]),
                position=Position(int(found["ce-sequence"]), int(found.get("ce-ordinal", "0"))),
                correlation_id=found["ce-correlationid"],
                causation_id=found.get("ce-causationid"),
                traceparent=found.get("traceparent"),
            )
        except (KeyError, ValueError) as error:
            raise MalformedMessageError(f"not an event of ours: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that is ready to be published."""

    envelope: Envelope
    body: bytes
