"""When an appointment is, in words, always with the zone."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)


def zone(name: str) -> tzinfo:
    """The IANA zone of this name; UTC where this machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def day(moment: datetime) -> str:
    """For example: Monday 22 March 2027."""
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def point(moment: datetime, zone_name: str) -> str:
    """For example: Monday 22 March 2027, 09:00 (Europe/Berlin, UTC+01:00)."""
    local = moment.astimezone(zone(zone_name))
    return f"{day(local)}, {local:%H:%M} ({_zone_words(local, zone_name)})"


def period(starts_at: datetime, ends_at: datetime, zone_name: str) -> str:
    """For example: Monday 22 March 2027, 09:00 to 09:30 (Europe/Berlin, UTC+01:00)."""
    start, end = (moment.astimezone(zone(zone_name)) for moment in (starts_at, ends_at))
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{day(end)}, {end:%H:%M}"
    return f"{day(start)}, {start:%H:%M} to {until} ({_zone_words(start, zone_name)})"


def short(moment: datetime, zone_name: str) -> str:
    """For a subject line, for example: Mon 22 March, 09:00."""
    local = moment.astimezone(zone(zone_name))
    return f"{_DAYS[local.weekday()][:3]} {local.day} {_MONTHS[local.month - 1]}, {local:%H:%M}"


def _zone_words(local: datetime, zone_name: str) -> str:
    offset = f"{local:%z}"
    return f"{zone_name}, UTC{offset[:3]}:{offset[3:5]}"
