"""Stands in for the other services: what they would answer and say, over the real broker.

The booking desk keeps what a test must be able to see from outside (keys, versions, facts); the
other answers are whatever a test puts there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from nats.aio.client import Client

from contracts import subjects
from contracts.availability import (
    AppointmentTypes,
    GetAppointmentType,
    GetHosts,
    Hosts,
    ListAppointmentTypes,
    RejectionReason,
)
from contracts.booking import (
    BookingView,
    CancelBooking,
    CommandAccepted,
    GetBooking,
    LinkGrant,
    OpenLink,
    RequestBooking,
)
from contracts.envelope import Contract, Request
from service_kit import rpc
from service_kit.bus import answers
from service_kit.errors import ProblemError
from service_kit.health import Health
from service_kit.service import connection_of, nats_broker

from .builders import HOST, TENANT, a_slot, a_type, a_view

SERVICES = ("booking", "availability", "video", "notify", "calendar-sync")

Answer = Callable[[Any], Awaitable[Contract]]
Timing = Literal["before the reply", "after the reply", "unheard", "never"]


@dataclass
class BookingDesk:
    """Keeps bookings by version and keys by tenant, and settles as the test says."""

    timing: Timing = "after the reply"
    rejection: RejectionReason | None = None
    client: Client | None = None
    versions: dict[UUID, list[BookingView]] = field(default_factory=dict[UUID, list[BookingView]])
    keys: dict[tuple[str, str, str], tuple[UUID, str]] = field(
        default_factory=dict[tuple[str, str, str], tuple[UUID, str]]
    )
    links: dict[str, LinkGrant] = field(default_factory=dict[str, LinkGrant])
    commands: list[Request[Any]] = field(default_factory=list[Request[Any]])

    def keep(self, view: BookingView) -> None:
        """The booking is now this."""
        self.versions.setdefault(view.id, []).append(view)

    def settled_version(self, booking_id: UUID) -> int | None:
        settled = [v.version for v in self.versions[booking_id] if v.status != "requested"]
        return settled[0] if settled else None

    async def settle(self, booking_id: UUID) -> None:
        """Settles a booking and says so."""
        status = "unavailable" if self.rejection else "confirmed"
        first = self.versions[booking_id][0]
        changes: dict[str, Any] = {"status": status, "version": first.version + 1}
        if self.rejection:
            changes |= {
                "terms": None,
                "rejection_reason": self.rejection,
                "alternatives": [a_slot(), a_slot(minutes=60)],
            }
        else:
            changes["terms"] = a_view().terms
        self.keep(first.model_copy(update=changes))
        if self.timing != "unheard":
            await self.say(first.tenant, booking_id, status, first.version + 1)

    async def say(self, tenant: str, booking_id: UUID, fact: str, version: int) -> None:
        assert self.client is not None
        subject = f"events.booking.{fact}.v1.{tenant}.{booking_id}"
        await self.client.publish(subject, b'{"version":%d}' % version)

    async def request(self, command: RequestBooking) -> CommandAccepted:
        self.commands.append(command)
        given = command.idempotency
        key = (command.tenant, given.route, given.key)
        is_repeat = key in self.keys
        first, body_hash = self.keys.setdefault(key, (command.booking_id, given.body_hash))
        if body_hash != given.body_hash:
            raise ProblemError("idempotency_key_reused", "This key came with another body.")
        if first not in self.versions:
            await self._take(command)
        return CommandAccepted(
            booking_id=first,
            version=self.versions[first][-1].version,
            position=17,
            settled_version=self.settled_version(first) if is_repeat else None,
        )

    async def _take(self, command: RequestBooking) -> None:
        requested = a_view(
            id=command.booking_id,
            tenant=command.tenant,
            status="requested",
            version=1,
            terms=None,
            time_zone=command.time_zone,
        )
        self.keep(requested)
        if self.timing in {"before the reply", "unheard"}:
            await self.settle(command.booking_id)
        elif self.timing == "after the reply":
            await self._settle_later(command.booking_id)

    async def _settle_later(self, booking_id: UUID) -> None:
        """The fact goes out on a connection that the reply does not share, so it comes after."""
        assert self.client is not None
        await self.client.publish("desk.settle", str(booking_id).encode())

    async def get(self, query: GetBooking) -> BookingView:
        for view in reversed(self.versions.get(query.booking_id, [])):
            if view.tenant == query.tenant and query.as_of_version in {None, view.version}:
                return view
        raise ProblemError("not_found", "There is no such booking.")

    async def cancel(self, command: CancelBooking) -> CommandAccepted:
        self.commands.append(command)
        view = await self.get(GetBooking(tenant=command.tenant, booking_id=command.booking_id))
        if command.expected_version not in {None, view.version}:
            raise ProblemError("version_mismatch", "The booking has changed.")
        if view.status == "cancelled":
            raise ProblemError("conflict", "The booking is cancelled already.")
        cancelled = view.model_copy(update={"status": "cancelled", "version": view.version + 1})
        self.keep(cancelled)
        return CommandAccepted(booking_id=view.id, version=cancelled.version, position=18)

    async def open(self, query: OpenLink) -> LinkGrant:
        grant = self.links.get(query.token)
        if grant is None or grant.action != query.action:
            raise ProblemError("link_invalid", "This link is not valid.")
        return grant


class Neighbours:
    """The other services, as far as the gateway can tell."""

    def __init__(self) -> None:
        self.desk = BookingDesk()
        self.asked: list[Request[Any]] = []
        self.health = {service: Health(service) for service in SERVICES}
        self.answers: dict[type[Request[Any]], Answer] = {
            RequestBooking: self.desk.request,
            GetBooking: self.desk.get,
            CancelBooking: self.desk.cancel,
            OpenLink: self.desk.open,
            ListAppointmentTypes: _types,
            GetAppointmentType: _type,
            GetHosts: _hosts,
        }

    async def start(self, nats_url: str) -> None:
        self._broker = nats_broker(nats_url)
        for request in subjects.requests():
            rpc.serve(self._broker, request.SERVICE, answers(request, self._answer))
        await self._broker.connect()
        await self._broker.start()
        self.desk.client = connection_of(self._broker)
        for health in self.health.values():
            await health.answer_over(self.desk.client)
        await self.desk.client.subscribe("desk.settle", cb=self._settle)
        await self.desk.client.flush()

    async def stop(self) -> None:
        await self._broker.stop()

    async def _answer(self, request: Request[Any]) -> Contract:
        self.asked.append(request)
        answer = self.answers.get(type(request))
        if answer is None:
            raise ProblemError("not_found", "There is no such thing.")
        return await answer(request)

    async def _settle(self, message: Any) -> None:
        await self.desk.settle(UUID(message.data.decode()))


async def _types(query: ListAppointmentTypes) -> AppointmentTypes:
    return AppointmentTypes(items=[a_type()] if query.tenant == TENANT else [])


async def _type(query: GetAppointmentType) -> Contract:
    if (query.tenant, query.slug) != (TENANT, "video-consultation"):
        raise ProblemError("not_found", "There is no such appointment type.")
    return a_type()


async def _hosts(query: GetHosts) -> Hosts:
    mine = query.tenant == TENANT and (query.ids is None or HOST.id in query.ids)
    return Hosts(items=[HOST] if mine else [])
