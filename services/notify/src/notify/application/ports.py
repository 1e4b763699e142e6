"""What notify needs of the world around it."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from notify.domain.letters import Briefing
from notify.domain.notifications import Fact
from service_kit.database import Connection


class Publish(Protocol):
    """Says facts when the connection's transaction commits."""

    async def __call__(self, connection: Connection, at: datetime, fact: Fact) -> None:
        """Writes it to the outbox; `at` is UTC."""
        ...


class Directory(Protocol):
    """Knows the people of a booking, and its links, as they are now."""

    async def brief(self, tenant: str, booking_id: UUID, host_id: UUID) -> Briefing:
        """Everything personal about a booking; raises `DeliveryError`."""
        ...
