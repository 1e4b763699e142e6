"""Outside calendars behind one Protocol.

CalendarError             an outside calendar did not do as asked; its text names no address
├── AddressRefusedError   the address is none that we would turn to; nothing was sent
├── NotReachedError       no answer, in time or at all; or the server says that it is not well
├── AccessRefusedError    the user name or the password is wrong, or may not do this
├── NotACalendarError     there is something else at the address, or nothing
└── EntryRefusedError     the calendar does not want this entry
"""

from typing import Protocol

from calendar_sync.domain import Access


class CalendarError(Exception):
    """An outside calendar did not do as asked. The text is a sentence for people.

    `anything` says whether everything else asked of this calendar would fail by it too.
    """

    anything = True


class AddressRefusedError(CalendarError):
    """The address is none that we would turn to; nothing was sent."""


class NotReachedError(CalendarError):
    """No answer, in time or at all; or the server says that it is not well."""


class AccessRefusedError(CalendarError):
    """The user name or the password is wrong, or may not do this."""


class NotACalendarError(CalendarError):
    """There is something else at the address, or nothing."""


class EntryRefusedError(CalendarError):
    """The calendar does not want this entry."""

    anything = False


class CalendarProvider(Protocol):
    """A kind of outside calendar. Every call ends within a bounded time, or raises."""

    name: str

    async def probe(self, access: Access) -> None:
        """Returns where entries can be written at all; writes nothing. Raises CalendarError."""
        ...

    async def write(self, access: Access, name: str, document: bytes) -> None:
        """Puts an entry there, over the one of the same name. Raises CalendarError."""
        ...

    async def remove(self, access: Access, name: str) -> bool:
        """Takes an entry away; False where there was none. Raises CalendarError."""
        ...
