"""What availability can do: keep the catalogue, tell the slots, reserve and release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID, uuid4

from availability.domain.assignment import HALF_A_WEEK
from availability.domain.catalogue import AppointmentType, Host
from availability.domain.errors import InvalidError, NotFoundError
from availability.domain.offers import Offer, asked_span
from availability.domain.reservations import (
    FAULTS,
    MOST_ALTERNATIVES,
    AppointmentTypeChanged,
    Fact,
    Grant,
    HostChanged,
    Reason,
    Rejected,
    Released,
    Reserved,
    Wish,
    judge,
)
from availability.domain.rules import check_appointment_type, check_host, is_slug
from availability.domain.slots import FreeSlot, Span, nearest
from availability.store import calendars, catalogue, hosts, reservations
from availability.store.reservations import Entry
from service_kit.clock import Clock
from service_kit.database import Connection, Database

_LOOK_AROUND_DAYS = (7, 35)
"""How far from a lost slot others are looked for: near first, further if that is not enough."""


class Publish(Protocol):
    """Says facts to the other services when the transaction commits."""

    async def __call__(self, connection: Connection, at: datetime, *facts: Fact) -> None:
        """`at` is when they came about, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SlotsQuery:
    """Which slots are asked for: local dates in the asker's zone, `to_date` excluded."""

    tenant: str
    slug: str
    from_date: date
    to_date: date
    time_zone: str
    duration_minutes: int | None = None
    host_id: UUID | None = None


class Availability:
    """One instance a process. Every method raises `InvalidError` or `NotFoundError` only."""

    def __init__(self, database: Database, clock: Clock, publish: Publish) -> None:
        self._database = database
        self._clock = clock
        self._publish = publish

    async def put_host(self, tenant: str, host: Host) -> None:
        """Adds or replaces a host. Nothing is said where nothing changes."""
        check_host(host)
        now = self._clock()
        async with self._database.transaction() as connection:
            if await hosts.lock(connection, tenant, host.id) == host.in_order():
                return
            version = await hosts.put(connection, tenant, host, now)
            await self._publish(connection, now, HostChanged(tenant, host.id, version))

    async def put_appointment_type(self, tenant: str, offered: AppointmentType) -> None:
        """Adds or replaces an appointment type. Nothing is said where nothing changes."""
        now = self._clock()
        async with self._database.transaction() as connection:
            check_appointment_type(offered, await hosts.known(connection, tenant, offered.hosts))
            if await catalogue.lock(connection, tenant, offered.slug) == offered.in_order():
                return
            version = await catalogue.put(connection, tenant, offered, now)
            changed = AppointmentTypeChanged(tenant, offered.slug, version)
            await self._publish(connection, now, changed)

    async def hosts(self, tenant: str, ids: Sequence[UUID] | None) -> list[Host]:
        """The hosts with these ids, all where none are named."""
        async with self._database.reading() as connection:
            return await hosts.find(connection, tenant, ids)

    async def appointment_types(self, tenant: str) -> list[AppointmentType]:
        """The active appointment types, by title."""
        async with self._database.reading() as connection:
            return await catalogue.active(connection, tenant)

    async def appointment_type(self, tenant: str, slug: str) -> AppointmentType:
        """One active appointment type."""
        found = None
        if is_slug(slug):
            async with self._database.reading() as connection:
                found = await catalogue.find(connection, tenant, slug)
        if found is None:
            raise _no_such_type()
        return found

    async def find_slots(self, query: SlotsQuery) -> tuple[int, list[FreeSlot]]:
        """The duration in minutes that was meant, and its free slots by start."""
        span = asked_span(query.from_date, query.to_date, query.time_zone)
        async with self._database.reading() as connection:
            offer = await _offer(connection, query.tenant, query.slug, span, query.host_id)
        if offer is None:
            raise _no_such_type()
        minutes = offer.appointment_type.duration(query.duration_minutes)
        if minutes is None:
            raise InvalidError("duration_minutes", "This duration is not offered.")
        if query.host_id is not None and not offer.calendars:
            raise InvalidError("host_id", "This host does not give this appointment.")
        return minutes, offer.free_slots(minutes, span, self._clock())

    async def reserve(self, connection: Connection, wish: Wish) -> None:
        """Claims what a booking asks for, or says why not; once for each booking."""
        now = self._clock()
        week = Span(wish.start_second - HALF_A_WEEK, wish.start_second + HALF_A_WEEK)
        offer = await _offer(connection, wish.tenant, wish.appointment_type, week)
        entry = Entry(uuid4(), wish.tenant, wish.booking_id, now)
        verdict = judge(wish, offer, now)
        reason = (
            await self._claim(connection, entry, verdict) if isinstance(verdict, Grant) else verdict
        )
        if reason is None or not await reservations.reject(connection, entry):
            return
        others: list[FreeSlot] = []
        if FAULTS[reason] == "start":
            others = await _alternatives(connection, wish, offer, now)
        rejected = Rejected(wish.tenant, wish.booking_id, reason, others)
        await self._publish(connection, now, rejected)

    async def release(self, connection: Connection, tenant: str, booking_id: UUID) -> None:
        """Frees what a booking had claimed; one that comes before its request gets nothing."""
        now = self._clock()
        entry = Entry(uuid4(), tenant, booking_id, now)
        reservation_id = await reservations.release(connection, entry)
        if reservation_id is not None:
            await self._publish(connection, now, Released(tenant, booking_id, reservation_id))

    async def _claim(self, connection: Connection, entry: Entry, grant: Grant) -> Reason | None:
        """Tries one host after the other; nothing is left to say unless all are taken."""
        for host in grant.hosts:
            outcome = await reservations.reserve(
                connection, entry, grant, host.host_id, grant.claims(host)
            )
            if outcome == "claimed":
                reserved = Reserved(entry.tenant, entry.booking_id, entry.id, grant, host)
                await self._publish(connection, entry.at, reserved)
            if outcome != "taken":
                return None
        return "slot_taken"


async def _offer(
    connection: Connection, tenant: str, slug: str, span: Span, host_id: UUID | None = None
) -> Offer | None:
    if not is_slug(slug):
        return None
    return await calendars.read(connection, tenant, slug, span, host_id)


async def _alternatives(
    connection: Connection, wish: Wish, offer: Offer | None, now: datetime
) -> list[FreeSlot]:
    """The free slots nearest to the one that was lost: same type, duration and wish for a host."""
    minutes = offer and offer.appointment_type.duration(wish.duration_minutes)
    found: list[FreeSlot] = []
    for days in _LOOK_AROUND_DAYS:
        if offer is None or minutes is None:
            break
        span = offer.around(wish.start_second, days, now)
        # Read anew: somebody may have claimed what was free a moment ago.
        offer = await _offer(connection, wish.tenant, wish.appointment_type, span, wish.host_id)
        if offer is not None:
            found = offer.free_slots(minutes, span, now)
        if len(found) >= MOST_ALTERNATIVES:
            break
    return nearest(found, wish.start_second, MOST_ALTERNATIVES)


def _no_such_type() -> NotFoundError:
    return NotFoundError("There is no such appointment type.")
