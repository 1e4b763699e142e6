"""The one place that reads a clock. Everything else is handed a `Clock`."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]
"""Answers with now, as an aware UTC datetime."""


def system_clock(offset_file: Path | None = None) -> Clock:
    """The machine's clock, moved by the seconds that `offset_file` holds, if there is one.

    The file is for tests, which move time for every process at once by writing it. It is read
    anew when it changes; an absent or unreadable file means no offset.
    """
    if offset_file is None:
        return lambda: datetime.now(UTC)
    return _OffsetClock(offset_file)


class _OffsetClock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: int = 0
        self._offset = timedelta()

    def __call__(self) -> datetime:
        self._refresh()
        return datetime.now(UTC) + self._offset

    def _refresh(self) -> None:
        try:
            stamp = self._file.stat().st_mtime_ns
        except OSError:
            stamp = 0
        if stamp == self._stamp:
            return
        self._stamp, self._offset = stamp, timedelta()
        with suppress(OSError, ValueError):
            self._offset = timedelta(seconds=float(self._file.read_text()))
