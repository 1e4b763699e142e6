"""Private ICS feeds, one a host."""

import secrets
from uuid import UUID

from calendar_sync.application.ports import Bookings
from calendar_sync.domain import FEED_AHEAD, FEED_MOST, FEED_PAST
from calendar_sync.providers import documents
from calendar_sync.providers.documents import Document
from calendar_sync.store import appointments, feeds
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.errors import ProblemError, UnavailableError

TOKEN_BYTES = 32
LONGEST_TOKEN = 200


class Feeds:
    """The feeds of all hosts. Whoever has a feed's token may read it."""

    def __init__(
        self, database: Database, clock: Clock, bookings: Bookings, public_url: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._bookings = bookings
        self._public_url = public_url

    async def create(self, tenant: str, host_id: UUID) -> str:
        """A new token for a host's feed; the old one stands for nothing any more."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        async with self._database.transaction() as connection:
            await feeds.replace(connection, tenant, host_id, token, self._clock())
        return token

    async def read(self, token: str) -> Document:
        """The host's appointments from 30 days ago to a year ahead.

        Raises `ProblemError`: `not_found`, and `unavailable` where the names cannot be had now.
        """
        now = self._clock()
        async with self._database.reading() as connection:
            owner = await feeds.owner(connection, token) if len(token) <= LONGEST_TOKEN else None
            if owner is None:
                raise ProblemError("not_found", "There is no such feed.")
            tenant, host_id = owner
            found = await appointments.of_host(
                connection, tenant, host_id, now - FEED_PAST, now + FEED_AHEAD, FEED_MOST
            )
        wanted = {appointment.details.attendee_id for appointment in found}
        try:
            people = await self._bookings.people(tenant, wanted)
        except UnavailableError as error:
            # Rather no answer than one without names: calendars keep the copy that they have.
            raise ProblemError("unavailable", "The feed cannot be made up now.") from error
        return documents.feed(f"Appointments ({tenant})", found, people, self._public_url)
