"""What booking hears and answers: translate, delegate, nothing else."""

import asyncio
from collections.abc import Sequence

from opentelemetry.trace import SpanKind
from uuid_utils.compat import uuid7

from booking import store
from booking.application import Bookings, Change, Command
from booking.domain import Actor, Attendance, Because, Wish
from booking.process import command_for
from booking.queries import Queries
from booking.store import Key, Person, Words, email_key
from booking.writer import Saved, Writer
from contracts.availability import SlotRejected, SlotReserved
from contracts.booking import (
    CancelBooking,
    CommandAccepted,
    GetBooking,
    GetHistory,
    Idempotency,
    ListBookings,
    OpenLink,
    People,
    PersonDetails,
    RequestBooking,
)
from contracts.envelope import Actor as ActorContract
from contracts.envelope import Event
from contracts.video import MeetingProvisioned
from service_kit import causation, telemetry
from service_kit.bus import Bus, answers
from service_kit.clock import Clock
from service_kit.consumer import Delivery
from service_kit.database import Database

CONSUMES: tuple[type[Event], ...] = (SlotReserved, SlotRejected, MeetingProvisioned)

SYSTEM = Actor("system")


class BookingBus:
    """The bus side of the service."""

    def __init__(self, writer: Writer, queries: Queries, database: Database, clock: Clock) -> None:
        self._writer = writer
        self._queries = queries
        self._database = database
        self._clock = clock

    def bus(self) -> Bus:
        """What the service subscribes to."""
        return Bus(
            "booking",
            requests=[
                answers(RequestBooking, self.request_booking),
                answers(CancelBooking, self.cancel_booking),
                answers(GetBooking, self._queries.get),
                answers(GetHistory, self._queries.history),
                answers(ListBookings, self._queries.list),
                answers(People, self._queries.people),
                answers(OpenLink, self._queries.open_link),
            ],
        )

    async def apply(self, _consumer: str, batch: Sequence[Delivery]) -> None:
        """Facts from elsewhere become commands; a fact that is known already changes nothing.

        All that came are saved together by the writer, in order for each booking.
        """
        await asyncio.gather(*(self._on_fact(delivery) for delivery in batch))

    async def request_booking(self, request: RequestBooking) -> CommandAccepted:
        """Keeps who asks, and asks for the slot."""
        because = self._because(request.actor)
        people = await self._people(request.tenant, [request.attendee, *request.guests])
        attendance = Attendance(people[0].ref, [person.ref for person in people[1:]])
        wish = Wish(
            appointment_type=request.appointment_type,
            start=request.start,
            duration_minutes=request.duration_minutes,
            time_zone=request.time_zone,
            location_kind=request.location_kind,
            host_id=request.host_id,
            hold_id=request.hold_id,
            remind_by_email=request.reminders.email,
            remind_by_sms=request.reminders.sms,
        )
        key = _key(request.tenant, request.idempotency)

        def decide(bookings: Bookings) -> Change:
            return bookings.request(
                request.booking_id,
                request.tenant,
                wish,
                attendance,
                because,
                key=key,
                people=people,
                words=_words(request),
            )

        return _accepted(await self._writer.carry_out(Command(request.booking_id, decide, key)))

    async def cancel_booking(self, request: CancelBooking) -> CommandAccepted:
        """Calls a booking off."""
        because = self._because(request.actor)
        key = _key(request.tenant, request.idempotency)

        def decide(bookings: Bookings) -> Change:
            return bookings.cancel(
                request.booking_id,
                request.tenant,
                because,
                reason=request.reason,
                expected_version=request.expected_version,
                key=key,
            )

        return _accepted(await self._writer.carry_out(Command(request.booking_id, decide, key)))

    async def _on_fact(self, delivery: Delivery) -> None:
        envelope = delivery.envelope
        why = causation.Causation(envelope.correlation_id, str(envelope.id))
        trace = {"traceparent": envelope.traceparent} if envelope.traceparent else None
        with causation.because_of(why), telemetry.span(envelope.type, SpanKind.CONSUMER, trace):
            command = command_for(delivery.event, self._because(SYSTEM))
            if command is not None:
                await self._writer.carry_out(command)

    async def _people(self, tenant: str, wanted: Sequence[PersonDetails]) -> list[Person]:
        """Who asks, as the version of a person that is known already or is to be kept."""
        async with self._database.reading() as connection:
            known = await store.newest_people(connection, tenant, [w.email for w in wanted])
        found: list[Person] = []
        for details in wanted:
            person = _version_of(known.get(email_key(details.email)), tenant, details)
            known[email_key(details.email)] = person
            found.append(person)
        return found

    def _because(self, actor: Actor | ActorContract) -> Because:
        why = causation.current()
        return Because(
            actor=Actor(actor.kind, actor.id),
            at=self._clock(),
            correlation_id=why.correlation_id,
            causation_id=why.causation_id,
            traceparent=telemetry.traceparent(),
        )


def _version_of(known: Person | None, tenant: str, details: PersonDetails) -> Person:
    said = (details.name, details.email, details.phone)
    if known is None:
        return Person(uuid7(), 1, tenant, *said)
    if (known.name, known.email, known.phone) == said:
        return known
    return Person(known.person_id, known.version + 1, tenant, *said)


def _words(request: RequestBooking) -> Words:
    return Words(
        booking_id=request.booking_id,
        tenant=request.tenant,
        answers=request.answers,
        notes=request.notes,
        documents=[document.model_dump() for document in request.documents],
    )


def _key(tenant: str, given: Idempotency) -> Key:
    return Key(tenant, given.route, given.key, given.body_hash)


def _accepted(saved: Saved) -> CommandAccepted:
    return CommandAccepted(
        booking_id=saved.booking_id,
        version=saved.version,
        position=saved.position,
        settled_version=saved.settled_version,
    )
