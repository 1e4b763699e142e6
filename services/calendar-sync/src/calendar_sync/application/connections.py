"""Linking hosts' calendars."""

from uuid import UUID

from uuid_utils.compat import uuid7

from calendar_sync.application import flows
from calendar_sync.application.ports import Publish
from calendar_sync.domain import Access, Connected, Connection, Disconnected
from calendar_sync.providers import AddressRefusedError, CalendarError, CalendarProvider
from calendar_sync.providers.urls import parse
from calendar_sync.store import connections, entries
from calendar_sync.store.passwords import Vault
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.errors import ProblemError

LONGEST_CREDENTIAL = 500


class Connections:
    """The links between hosts and their outside calendars."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        provider: CalendarProvider,
        vault: Vault,
        publish: Publish,
    ) -> None:
        self._database = database
        self._clock = clock
        self._provider = provider
        self._vault = vault
        self._publish = publish

    async def connect(
        self, tenant: str, host_id: UUID, url: str, username: str, password: str
    ) -> Connection:
        """Links a calendar that can be written to; a calendar linked already gets the new password.

        The host's bookings that have not ended are written into it. Raises `ProblemError`:
        `invalid` with the field at fault, `calendar_unreachable`.
        """
        _check("username", username)
        _check("password", password)
        clean = await self._tried(url, username, password)
        now = self._clock()
        new = Connection(
            id=uuid7(),
            tenant=tenant,
            host_id=host_id,
            provider=self._provider.name,
            url=clean,
            username=username,
            created_at=now,
        )
        async with self._database.transaction() as connection:
            await connections.hold_still(connection, tenant, alone=True)
            link, is_new = await connections.link(connection, new, self._vault.seal(password))
            await entries.backfill(connection, link.id, now, flows.current())
            await entries.revive(connection, link.id, now)
            if is_new:
                fact = Connected(tenant, link.id, host_id, link.provider)
                await self._publish(connection, now, fact)
        return link

    async def listed(self, tenant: str, host_id: UUID | None) -> list[Connection]:
        """A tenant's links, or one host's, the oldest first."""
        async with self._database.reading() as connection:
            return await connections.listed(connection, tenant, host_id)

    async def disconnect(self, tenant: str, connection_id: UUID) -> None:
        """Forgets a link and its password; what stands in the calendar stays there.

        Raises `ProblemError` `not_found`.
        """
        async with self._database.transaction() as connection:
            await connections.hold_still(connection, tenant, alone=True)
            link = await connections.unlink(connection, tenant, connection_id)
            if link is None:
                raise ProblemError("not_found", "There is no such calendar connection.")
            fact = Disconnected(tenant, link.id, link.host_id)
            await self._publish(connection, self._clock(), fact)

    async def _tried(self, url: str, username: str, password: str) -> str:
        """The address in its plain form, after the calendar there was tried."""
        try:
            clean, *_ = parse(url)
            await self._provider.probe(Access(clean, username, password))
        except AddressRefusedError as error:
            raise ProblemError("invalid", str(error), field="url") from error
        except CalendarError as error:
            raise ProblemError("calendar_unreachable", str(error), field="url") from error
        return clean


def _check(field: str, value: str) -> None:
    """Raises `ProblemError` where this cannot be part of any login."""
    if not value or len(value) > LONGEST_CREDENTIAL or not value.isprintable():
        raise ProblemError("invalid", f"The {field} is missing or malformed.", field=field)
    if field == "username" and ":" in value:
        # Basic authentication (RFC 7617) would read what follows as the password.
        raise ProblemError("invalid", "A user name has no colon.", field=field)
