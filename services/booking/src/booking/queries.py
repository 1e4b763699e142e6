"""What can be asked about bookings. Personal details are joined at the moment of asking."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from booking import booking_list, publishing, store
from booking.domain import Booking, PersonRef
from booking.event_log import EventLog, LoggedEvent, replay
from booking.links import Links
from booking.store import Person, Words
from contracts.booking import (
    BookingPage,
    BookingStatus,
    BookingView,
    Document,
    FoundPeople,
    GetBooking,
    GetHistory,
    History,
    HistoryEntry,
    LinkGrant,
    ListBookings,
    OpenLink,
    People,
)
from contracts.booking import Person as PersonContract
from contracts.envelope import Actor
from service_kit.clock import Clock
from service_kit.database import Connection, Database
from service_kit.errors import ProblemError
from service_kit.signing import InvalidTokenError

WAIT_FOR_PROJECTION_SECONDS = 1.0

_OWN_BUSINESS = {
    "originator_id",
    "originator_version",
    "originator_topic",
    "timestamp",
    "actor",
    "tenant",
    "correlation_id",
    "causation_id",
    "traceparent",
}


class Queries:
    """Answers questions from the event store, the personal tables and the list."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        links: Links,
        clock: Clock,
        cursors: booking_list.Cursors,
    ) -> None:
        self._database = database
        self._log = log
        self._links = links
        self._clock = clock
        self._cursors = cursors

    async def get(self, query: GetBooking) -> BookingView:
        """One booking from the aggregate, now or as of a version or an instant."""
        async with self._database.reading() as connection:
            async with connection.pipeline():
                asked = await self._log.ask(connection, query.booking_id)
                words = await store.words_of(connection, query.booking_id)
            logged = await self._log.answered(asked)
            booking = replay(logged, until_version=query.as_of_version, until=query.as_of)
            if booking is None or booking.tenant != query.tenant:
                raise _not_found()
            attendance = booking.attendance
            people = await store.people_at(connection, [attendance.attendee, *attendance.guests])
        return self._view(booking, _position(logged, booking.version), people, words)

    async def history(self, query: GetHistory) -> History:
        """Every event of one booking, first to last."""
        async with self._database.reading() as connection:
            logged = await self._log.of(connection, query.booking_id)
        if not logged or logged[0][1].tenant != query.tenant:
            raise _not_found()
        return History(events=[_entry(event) for _, event in logged])

    async def list(self, query: ListBookings) -> BookingPage:
        """A page of the list; waits up to a second for the projection where it must."""
        async with self._database.reading() as connection:
            position = await self._reached(connection, query.min_position)
            return await booking_list.page(connection, query, position, self._cursors)

    async def people(self, query: People) -> FoundPeople:
        """The newest details of people; erased ones are absent."""
        async with self._database.reading() as connection:
            found = await store.people_now(connection, query.tenant, query.person_ids)
        return FoundPeople(items=[_person(person) for person in found])

    async def open_link(self, query: OpenLink) -> LinkGrant:
        """What a signed link allows; the epoch is the booking's own, so links can be revoked."""
        try:
            link = self._links.read(query.token)
        except InvalidTokenError as error:
            raise _invalid_link() from error
        if link.action != query.action or link.expires_at < self._clock():
            raise _invalid_link()
        async with self._database.reading() as connection:
            booking = replay(await self._log.of(connection, link.booking_id))
        if booking is None or booking.tenant != link.tenant or booking.link_epoch != link.epoch:
            raise _invalid_link()
        return LinkGrant(
            tenant=link.tenant,
            booking_id=link.booking_id,
            action=link.action,
            role=link.role,
            expires_at=link.expires_at,
        )

    async def _reached(self, connection: Connection, wanted: int | None) -> int:
        deadline = asyncio.get_running_loop().time() + WAIT_FOR_PROJECTION_SECONDS
        while True:
            position = await booking_list.position(connection)
            if wanted is None or position >= wanted:
                return position
            if asyncio.get_running_loop().time() > deadline:
                raise ProblemError(
                    "projection_behind", "The list has not caught up yet; try again in a moment."
                )
            await asyncio.sleep(0.01)

    def _view(
        self, booking: Booking, position: int, people: Sequence[Person], words: Words | None
    ) -> BookingView:
        known = {person.ref: _person(person) for person in people}
        terms = publishing.terms(booking.terms) if booking.terms else None
        has_room = booking.meeting_id is not None and booking.status == "confirmed"
        return BookingView(
            id=booking.id,
            tenant=booking.tenant,
            number=booking.number,
            status=cast("BookingStatus", booking.status),
            version=booking.version,
            position=position,
            appointment_type=booking.wish.appointment_type,
            start=terms.start if terms else booking.wish.start,
            end=terms.end if terms else None,
            duration_minutes=terms.duration_minutes if terms else booking.wish.duration_minutes,
            time_zone=booking.wish.time_zone,
            host_id=terms.host_id if terms else booking.wish.host_id,
            terms=terms,
            attendee=known.get(booking.attendance.attendee),
            guests=_known(known, booking.attendance.guests),
            answers=words.answers if words else {},
            notes=words.notes if words else None,
            documents=[Document(**found) for found in words.documents] if words else [],
            meeting_id=booking.meeting_id,
            meeting_provider=booking.meeting_provider,
            rejection_reason=cast("Any", booking.rejection_reason),
            rejection_field=booking.rejection_field,
            alternatives=[publishing.slot(found) for found in booking.alternatives],
            sequence=booking.sequence,
            created_at=booking.created_on,
            manage_url=self._links.manage_url(booking),
            join_url=self._links.call_url(booking, "attendee") if has_room else None,
            host_join_url=self._links.call_url(booking, "host") if has_room else None,
        )


def _known(
    known: dict[PersonRef, PersonContract], refs: Sequence[PersonRef]
) -> list[PersonContract]:
    return [known[ref] for ref in refs if ref in known]


def _person(person: Person) -> PersonContract:
    return PersonContract(
        person_id=person.person_id,
        version=person.version,
        name=person.name,
        email=person.email,
        phone=person.phone,
    )


def _entry(event: Booking.Event) -> HistoryEntry:
    told = {name: value for name, value in vars(event).items() if name not in _OWN_BUSINESS}
    return HistoryEntry(
        version=event.originator_version,
        type=type(event).__name__,
        occurred_at=event.timestamp,
        actor=Actor(kind=event.actor.kind, id=event.actor.id),
        correlation_id=event.correlation_id,
        data={name: _plain(value) for name, value in told.items()},
    )


def _plain(value: Any) -> Any:
    """A stored value as JSON has it."""
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list():
            return [_plain(item) for item in cast("list[Any]", value)]
        case dict():
            found = cast("dict[str, Any]", value)
            return {name: _plain(item) for name, item in found.items()}
        case _ if hasattr(value, "__dataclass_fields__"):
            return _plain(asdict(value))
        case _:
            return value


def _position(logged: Sequence[LoggedEvent], version: int) -> int:
    return max(number for number, event in logged if event.originator_version <= version)


def _not_found() -> ProblemError:
    return ProblemError("not_found", "There is no such booking.")


def _invalid_link() -> ProblemError:
    return ProblemError("link_invalid", "This link is not valid any more.")
