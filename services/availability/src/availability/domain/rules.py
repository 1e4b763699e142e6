"""The rules that hosts and appointment types must keep, each with its sentence and its field."""

import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from availability.domain.catalogue import LONGEST_MINUTES, AppointmentType, Host, Location
from availability.domain.errors import InvalidError
from availability.domain.schedules import check_hours, check_zone

_YEAR_MINUTES = 365 * 1440
_LONGEST_WINDOW_DAYS = 1095
_MOST_DURATIONS = 50
_MOST_HOSTS = 200
_MOST_REMINDERS = 20
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]{3,30}")
_EMAIL = re.compile(r"[^\s\x00-\x1f\x7f@<>\"',;]+@[^\s\x00-\x1f\x7f@<>\"',;]+")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PROVIDER = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def is_slug(name: str) -> bool:
    """Whether an appointment type could have this name at all."""
    return _SLUG.fullmatch(name) is not None


def check_host(host: Host) -> None:
    """Raises `InvalidError` for a host that breaks a rule."""
    _check_line("name", host.name)
    if len(host.email) > 254 or not _EMAIL.fullmatch(host.email):
        raise InvalidError("email", "This is not an e-mail address.")
    check_zone(host.time_zone, "time_zone")
    check_hours(host.schedule, "schedule")


def check_appointment_type(offered: AppointmentType, known_hosts: Collection[UUID]) -> None:
    """Raises `InvalidError` for an appointment type that breaks a rule."""
    _check_line("title", offered.title)
    _check_text("description", offered.description, 0, 10_000)
    _check_durations(offered)
    _check_locations(offered.locations)
    _check_hosts(offered.hosts, known_hosts)
    _check_limits(offered)
    if not is_slug(offered.slug):
        raise InvalidError("slug", "A slug is of small letters, digits and hyphens between them.")
    if offered.hours is not None:
        if not offered.hours:
            raise InvalidError("hours", "Hours of its own need an interval at least.")
        check_hours(offered.hours, "hours")


def _check_durations(offered: AppointmentType) -> None:
    durations = offered.durations_minutes
    _check_list("durations_minutes", durations, 1, _MOST_DURATIONS)
    for index, minutes in enumerate(durations):
        _check_range(f"durations_minutes.{index}", minutes, 1, LONGEST_MINUTES)
    if offered.default_duration_minutes not in durations:
        message = "The default must be one of the durations offered."
        raise InvalidError("default_duration_minutes", message)


def _check_hosts(hosts: Sequence[UUID], known: Collection[UUID]) -> None:
    _check_list("hosts", hosts, 1, _MOST_HOSTS)
    for index, host_id in enumerate(hosts):
        if host_id not in known:
            raise InvalidError(f"hosts.{index}", "There is no such host.")


def _check_limits(offered: AppointmentType) -> None:
    _check_range("buffer_before_minutes", offered.buffer_before_minutes, 0, LONGEST_MINUTES)
    _check_range("buffer_after_minutes", offered.buffer_after_minutes, 0, LONGEST_MINUTES)
    _check_range("notice_minutes", offered.notice_minutes, 0, _YEAR_MINUTES)
    _check_range("window_days", offered.window_days, 1, _LONGEST_WINDOW_DAYS)
    if offered.slot_interval_minutes is not None:
        _check_range("slot_interval_minutes", offered.slot_interval_minutes, 1, LONGEST_MINUTES)
    cancellation = offered.cancellation_notice_minutes
    _check_range("cancellation.notice_minutes", cancellation, 0, _YEAR_MINUTES)
    _check_list("reminders_minutes", offered.reminders_minutes, 0, _MOST_REMINDERS)
    for index, minutes in enumerate(offered.reminders_minutes):
        _check_range(f"reminders_minutes.{index}", minutes, 1, _YEAR_MINUTES)
    if offered.price is not None:
        _check_range("price.amount_minor", offered.price.amount_minor, 0, 10**12)


def _check_locations(locations: Sequence[Location]) -> None:
    _check_list("locations", [location.kind for location in locations], 1, 3)
    for index, location in enumerate(locations):
        field = f"locations.{index}"
        _check_details(location, field)
        if location.kind == "video":
            provider = location.video_provider
            if provider is not None and not _PROVIDER.fullmatch(provider):
                raise InvalidError(f"{field}.video_provider", "This is not a provider's name.")
        elif location.kind == "in_person":
            _check_place(location, field)
        else:
            _check_phone(location, field)


_DETAILS = {
    "video": ("video_provider",),
    "in_person": ("address", "directions_url", "parking_note"),
    "phone": ("phone_number", "caller"),
}


def _check_details(location: Location, field: str) -> None:
    for kind, names in _DETAILS.items():
        for name in names:
            if kind != location.kind and getattr(location, name) is not None:
                spoken = kind.replace("_", "-")
                raise InvalidError(f"{field}.{name}", f"Only a location of kind {spoken} has this.")


def _check_place(location: Location, field: str) -> None:
    _check_text(f"{field}.address", location.address or "", 1, 500)
    _check_text(f"{field}.parking_note", location.parking_note or "", 0, 1000)
    url = location.directions_url
    if url is not None and not _is_web_address(url):
        raise InvalidError(f"{field}.directions_url", "This is not an http or https address.")


def _check_phone(location: Location, field: str) -> None:
    number = location.phone_number
    if number is None and location.caller != "host":
        message = "An attendee who calls needs a number to call."
        raise InvalidError(f"{field}.phone_number", message)
    if number is not None and not _PHONE.fullmatch(number):
        message = "A phone number starts with + and its country code."
        raise InvalidError(f"{field}.phone_number", message)


def _is_web_address(url: str) -> bool:
    if len(url) > 2000 or " " in url or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _check_line(field: str, text: str) -> None:
    _check_text(field, text, 1, 200)
    if not text.isprintable():
        raise InvalidError(field, "This is one line of plain text.")


def _check_text(field: str, text: str, least: int, most: int) -> None:
    if len(text.strip()) < least:
        raise InvalidError(field, "This must not be empty.")
    if len(text) > most:
        raise InvalidError(field, f"This has at most {most} characters.")
    if "\x00" in text:
        raise InvalidError(field, "This holds a character that no text may hold.")


def _check_list(field: str, items: Sequence[object], least: int, most: int) -> None:
    if not least <= len(items) <= most:
        raise InvalidError(field, f"Between {least} and {most} can be given.")
    if len(set(items)) < len(items):
        raise InvalidError(field, "One stands here twice.")


def _check_range(field: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise InvalidError(field, f"This must be from {least} to {most}.")
