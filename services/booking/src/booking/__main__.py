"""Wires booking once, by hand."""

from booking.application import bookings
from booking.booking_list import Cursors
from booking.bus import CONSUMES, BookingBus
from booking.event_log import EventLog
from booking.links import Links
from booking.projections import BookingListProjection
from booking.queries import Queries
from booking.settings import Settings
from booking.writer import Writer
from service_kit import service
from service_kit.service import Parts, Runtime
from service_kit.signing import Signer
from service_kit.workers import Worker

LIST_RESTS_SECONDS = 0.05
"""The list may be this late, and takes what came meanwhile at once: a third of the cost."""


async def build(runtime: Runtime, settings: Settings) -> Parts:
    """The service's parts, on what every service is given."""
    application = bookings(settings.database_url)
    signer = Signer(settings.link_keys)
    log = EventLog(application.mapper)
    writer = Writer(application, runtime.database)
    queries = Queries(
        runtime.database, log, Links(signer, settings.public_url), runtime.clock, Cursors(signer)
    )
    booking_bus = BookingBus(writer, queries, runtime.database, runtime.clock)
    projection = BookingListProjection(runtime.database, log)

    async def close() -> None:
        writer.close()

    return Parts(
        bus=booking_bus.bus(),
        context="booking",
        source=log,
        apply=booking_bus.apply,
        consumes=CONSUMES,
        workers=[Worker("booking list", projection.catch_up, rest_seconds=LIST_RESTS_SECONDS)],
        background={"writer": writer.run},
        closing=[close],
    )


def main() -> None:
    """Runs the service until it is told to stop."""
    settings = Settings()  # pyright: ignore[reportCallIssue] - read from the environment
    service.run("booking", settings, lambda runtime: build(runtime, settings))


if __name__ == "__main__":
    main()
