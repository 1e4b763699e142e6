"""Where calendar-sync is put together."""

from calendar_sync.application import Connections, Entries, Feeds
from calendar_sync.bus import bus
from calendar_sync.bus.booking import BookingsOverRpc
from calendar_sync.providers.caldav import CaldavProvider
from calendar_sync.providers.urls import UrlGuard
from calendar_sync.publishing import publish
from calendar_sync.settings import CalendarSyncSettings
from calendar_sync.store.passwords import Vault
from service_kit.service import Parts, Runtime, run
from service_kit.workers import Worker

WRITERS = 3
"""As many calendars are written to at once; a server that hangs holds up one of them."""


async def build(runtime: Runtime, settings: CalendarSyncSettings) -> Parts:
    """Wires the rooms."""
    provider = CaldavProvider(UrlGuard(private_hosts=settings.allow_private_calendar_hosts))
    vault = Vault(settings.secret_keys())
    bookings = BookingsOverRpc(runtime.rpc)
    database, clock, public_url = runtime.database, runtime.clock, settings.public_url
    connections = Connections(database, clock, provider, vault, publish)
    entries = Entries(database, clock, provider, vault, bookings, publish, public_url)
    feeds = Feeds(database, clock, bookings, public_url)
    return Parts(
        bus=bus(connections, entries, feeds),
        context="calendar",
        workers=[Worker(f"calendar writer {n}", entries.write_next) for n in range(WRITERS)],
    )


def main() -> None:
    """Runs calendar-sync until it is told to stop."""
    settings = CalendarSyncSettings.model_validate({})
    run("calendar-sync", settings, lambda runtime: build(runtime, settings))


if __name__ == "__main__":
    main()
