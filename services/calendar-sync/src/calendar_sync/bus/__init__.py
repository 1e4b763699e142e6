"""What calendar-sync listens to, answers and asks."""

from calendar_sync.application import Connections, Entries, Feeds
from calendar_sync.bus import events, requests
from service_kit.bus import Bus

CONSUMES = events.CONSUMES


def bus(connections: Connections, entries: Entries, feeds: Feeds) -> Bus:
    """Calendar-sync's handlers, bound to its application."""
    return Bus(
        service="calendar-sync",
        events=events.handlers(entries),
        requests=requests.handlers(connections, feeds),
    )
