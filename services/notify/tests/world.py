"""Notify's surroundings: a mail server, a clock that the test moves, services that answer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP
from faststream.nats import NatsBroker
from icalendar import Calendar
from uuid_utils.compat import uuid7

from contracts.availability import GetHosts, HostDetails, Hosts
from contracts.booking import BookingView, GetBooking
from contracts.envelope import Event
from contracts.notify import ListNotifications, Notification
from notify.application import Appointments, Deliveries, Reminders
from notify.bus import bus
from notify.providers.email import EmailChannel, Sender, SmtpServer
from notify.providers.email.smtp import Protection
from service_kit.bus import answers
from service_kit.database import Database
from service_kit.errors import ProblemError
from service_kit.messages import Envelope, Position
from service_kit.rpc import serve
from service_kit.service import nats_broker

from .builders import CONFIRMED_AT, HOST, ABooking


class MovingClock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = CONFIRMED_AT

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class MailServer:
    """A real SMTP server in the test's own loop, which can refuse, fall silent or go down."""

    def __init__(self) -> None:
        self.inbox: list[EmailMessage] = []
        self._sessions: list[Any] = []
        self._options: dict[str, Any] = {}
        self.refusals: dict[str, str] = {}
        self.data_answers: list[str] = []
        self.before_data: Callable[[], Awaitable[None]] | None = None
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(
        self, tls: SSLContext | None = None, protection: Protection = "none", **options: Any
    ) -> None:
        """Listens, on the same port each time."""
        self._options = options | ({"tls_context": tls} if protection == "starttls" else {})
        self._server = await asyncio.get_running_loop().create_server(
            self._session,
            "127.0.0.1",
            self.port,
            ssl=tls if protection == "tls" else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def hang_up(self) -> None:
        """Breaks the connections that clients keep."""
        for session in self._sessions:
            if session.transport:
                session.transport.close()

    def server(self, **settings: Any) -> SmtpServer:
        """This server as notify is told of it."""
        given: dict[str, Any] = {"timeout": 2.0, **settings}
        return SmtpServer("127.0.0.1", self.port, us="book.example", **given)

    @property
    def connections(self) -> int:
        return len(self._sessions)

    def _session(self) -> SMTP:
        session = SMTP(self, hostname="mail.example", enable_SMTPUTF8=True, **self._options)
        self._sessions.append(session)
        return session

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if refusal := self.refusals.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        if self.before_data:
            await self.before_data()
        if self.data_answers and not (answer := self.data_answers.pop(0)).startswith("250"):
            return answer
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.inbox.append(message)
        return "250 OK"

    def told(self) -> list[tuple[str, str]]:
        """To whom, and how the subject begins, by address."""
        return sorted(
            (m["to"].addresses[0].addr_spec, m["subject"].partition(":")[0]) for m in self.inbox
        )

    def sequence(self, number: int) -> tuple[str, int]:
        """The method and the sequence of the invite in the mail with this number."""
        [invite] = self.inbox[number].iter_attachments()
        found: Any = Calendar.from_ical(invite.get_content())
        return str(found["method"]), found.events[0]["sequence"]


@dataclass
class Neighbours:
    """Booking and availability as far as notify asks them, on the kit's own bus."""

    bookings: dict[UUID, ABooking] = field(default_factory=dict[UUID, ABooking])
    host_known: bool = True
    broken: bool = False
    _broker: NatsBroker | None = None

    async def start(self, nats_url: str) -> None:
        """Begins to answer."""
        self._broker = nats_broker(nats_url)
        await self._broker.connect()
        for handler in (answers(GetBooking, self._booking), answers(GetHosts, self._hosts)):
            serve(self._broker, "neighbours", handler)
        await self._broker.start()

    async def stop(self) -> None:
        """Answers no more."""
        if self._broker:
            await self._broker.stop()

    async def _booking(self, query: GetBooking) -> BookingView:
        if self.broken:
            raise RuntimeError("broken")
        found = self.bookings.get(query.booking_id)
        if found is None or found.tenant != query.tenant:
            raise ProblemError("not_found", "There is no such booking.")
        return found.view()

    async def _hosts(self, query: GetHosts) -> Hosts:
        host = HostDetails(id=HOST.id, name=HOST.name, email=HOST.email, time_zone=HOST.time_zone)
        asked = query.ids is None or HOST.id in query.ids
        return Hosts(items=[host] if asked and self.host_known else [])


@dataclass
class World:
    """Notify's application on real servers, driven by hand."""

    database: Database
    clock: MovingClock
    mail: MailServer
    neighbours: Neighbours
    appointments: Appointments
    reminders: Reminders
    deliveries: Deliveries

    def send_through(self, server: SmtpServer) -> None:
        """Sends all mail through this server from now on."""
        email = EmailChannel(server, Sender("Practice", "mail@book.example"), "book.example")
        self.deliveries = replace(self.deliveries, channels={"email": email})

    async def hear(self, *events: Event, at: datetime = CONFIRMED_AT) -> None:
        """Hands events to notify's handlers, each in a transaction, as the kit does."""
        handlers = {h.event: h.handle for h in bus(self.appointments).events}
        for event in events:
            async with self.database.transaction() as connection:
                await handlers[type(event)](connection, event, _envelope(event, at))

    async def booked(self, booking: ABooking) -> ABooking:
        """A booking that is known to its neighbours and confirmed to notify."""
        self.neighbours.bookings[booking.id] = booking
        await self.hear(booking.confirmed())
        return booking

    async def work(self) -> None:
        """Lets the workers do everything that is due."""
        while await self.reminders.fire_due() + await self.deliveries.deliver_due():
            pass

    async def listed(self, booking: ABooking, tenant: str = "demo") -> list[Notification]:
        """What notify answers for a booking."""
        answer: Any = bus(self.appointments).requests[0].answer
        found = await answer(ListNotifications(tenant=tenant, booking_id=booking.id))
        return found.items

    async def states(self, booking: ABooking) -> list[tuple[str, str]]:
        """The kind and the state of each of a booking's notifications."""
        return [(each.kind, each.state) for each in await self.listed(booking)]

    async def said(self) -> list[tuple[str, str]]:
        """The type and the JSON body of each event that notify has said."""
        return await self.rows("SELECT type, convert_from(body, 'UTF8') FROM outbox ORDER BY seq")

    async def kinds_said(self) -> list[str]:
        return [kind for kind, _ in await self.said()]

    async def rows(self, query: Any) -> list[Any]:
        async with self.database.reading() as connection:
            return await (await connection.execute(query)).fetchall()

    async def expire_leases(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                "UPDATE notifications SET lease_until = now() - interval '1 s' "
                "WHERE lease_until IS NOT NULL"
            )


def _envelope(event: Event, at: datetime) -> Envelope:
    return Envelope(
        id=uuid7(),
        source=f"/rendezvous/{event.CONTEXT}",
        type=event.ce_type(),
        subject=event.subject,
        tenant=event.tenant,
        entity_id=event.entity_id,
        time=at,
        position=Position(1),
        correlation_id="c-1",
    )
