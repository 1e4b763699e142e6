"""What can be done with bookings: one method a command. Each gets and acts; `Writer` saves.

Methods answer with a `Change` that is not saved yet, because the event store takes one writer at
a time: commands that arrive together are saved together, under one lock and one commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import Transcoder
from psycopg.conninfo import conninfo_to_dict

from booking import store, transcoding
from booking.domain import Alternative, Attendance, Because, Booking, Terms, Wish
from booking.recorder import Write
from booking.store import Key, Person, Words


class BookingNotFoundError(Exception):
    """There is no such booking in this tenant."""


class VersionMismatchError(Exception):
    """The booking has changed since the client saw it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a command does: a booking with new events, and the rows of the same transaction."""

    booking: Booking
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """A command that waits to be decided and saved; `key` is the client's, if one came."""

    booking_id: UUID
    decide: Callable[["Bookings"], Change]
    key: Key | None = None


class Bookings(Application[UUID]):
    """The event-sourced heart of the service."""

    name = "Bookings"

    def construct_transcoder(self) -> Transcoder:
        """Stores value objects under names that outlive their modules."""
        return transcoding.transcoder()

    def request(
        self,
        booking_id: UUID,
        tenant: str,
        wish: Wish,
        attendance: Attendance,
        because: Because,
        *,
        key: Key,
        people: Sequence[Person],
        words: Words,
    ) -> Change:
        """Asks for a slot. The people's details and the client's words are kept beside it."""
        booking = Booking.request(booking_id, tenant, wish, attendance, because)
        writes = [
            store.remember_key(key, booking_id, booking.version, because.at),
            store.keep_words(words),
            *(store.keep_person(person, because.at) for person in people),
        ]
        return Change(booking, tuple(writes))

    def confirm(self, booking_id: UUID, terms: Terms, because: Because) -> Change:
        """The slot is theirs."""
        booking = self._get(booking_id)
        booking.confirm(terms, because)
        return _settled(booking)

    def mark_unavailable(
        self,
        booking_id: UUID,
        reason: str,
        field: str | None,
        alternatives: list[Alternative],
        because: Because,
    ) -> Change:
        """The slot could not be had."""
        booking = self._get(booking_id)
        booking.mark_unavailable(reason, field, alternatives, because)
        return _settled(booking)

    def attach_meeting(
        self, booking_id: UUID, meeting_id: UUID, provider: str, because: Because
    ) -> Change:
        """The booking has its meeting."""
        booking = self._get(booking_id)
        booking.attach_meeting(meeting_id, provider, because)
        return Change(booking)

    def cancel(
        self,
        booking_id: UUID,
        tenant: str,
        because: Because,
        *,
        reason: str | None,
        expected_version: int | None,
        key: Key,
    ) -> Change:
        """Calls a booking off; its reason is kept with the client's words."""
        booking = self._get(booking_id, tenant)
        if expected_version is not None and expected_version != booking.version:
            raise VersionMismatchError
        booking.cancel(because)
        writes = [store.remember_key(key, booking_id, booking.version, because.at)]
        if reason:
            writes.append(store.keep_cancel_reason(booking_id, reason))
        settled = _settled(booking)
        return Change(booking, (*writes, *settled.writes))

    def _get(self, booking_id: UUID, tenant: str | None = None) -> Booking:
        try:
            booking: Booking = self.repository.get(booking_id)
        except AggregateNotFoundError as error:
            raise BookingNotFoundError from error
        if tenant is not None and booking.tenant != tenant:
            raise BookingNotFoundError
        return booking


def bookings(database_url: str) -> Bookings:
    """The application on its database, whose tables the migrations have made."""
    return Bookings(env=environment(database_url))


def environment(database_url: str) -> dict[str, str]:
    """Eventsourcing's settings for a libpq URL."""
    parts: dict[str, Any] = conninfo_to_dict(database_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "APPLICATION_RECORDER_TOPIC": "booking.recorder:BookingRecorder",
        "CREATE_TABLE": "n",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts.get("host", "127.0.0.1")),
        "POSTGRES_PORT": str(parts.get("port", "5432")),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "POSTGRES_SCHEMA": "public",
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_MAX_OVERFLOW": "2",
        "POSTGRES_CONNECT_TIMEOUT": "3",
        "POSTGRES_LOCK_TIMEOUT": "5",
    }


def _settled(booking: Booking) -> Change:
    """A change after which the client's request for the booking has its answer."""
    return Change(booking, (store.settle_keys(booking.id, booking.version),))
