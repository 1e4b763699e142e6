"""What the application needs said and asked on the bus, without speaking its language."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from calendar_sync.domain import Fact, Person
from service_kit.database import Connection


class Publish(Protocol):
    """Says a fact when the connection's transaction commits."""

    async def __call__(self, connection: Connection, at: datetime, fact: Fact) -> None:
        """Writes it to the outbox; `at` is UTC."""
        ...


class Bookings(Protocol):
    """What only booking knows, asked at the moment of use. Raises `UnavailableError`."""

    async def attendance(self, tenant: str, booking_id: UUID) -> tuple[Person | None, str | None]:
        """A booking's attendee and the host's join link; nothing where they are gone."""
        ...

    async def people(self, tenant: str, person_ids: Collection[UUID]) -> Mapping[UUID, Person]:
        """People by id, in one question; those who were erased are absent."""
        ...
