"""What calendar-sync can do, one class for each of the things that it owns.

`Connections` links calendars, `Entries` writes bookings into them, `Feeds` publishes them.
"""

from calendar_sync.application.connections import Connections
from calendar_sync.application.entries import Entries
from calendar_sync.application.feeds import Feeds
from calendar_sync.application.ports import Bookings, Publish

__all__ = ["Bookings", "Connections", "Entries", "Feeds", "Publish"]
