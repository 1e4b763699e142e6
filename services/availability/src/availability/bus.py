"""What availability hears and answers, and how the contracts' words become its own."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict

from availability.application import Availability, SlotsQuery
from availability.domain.catalogue import AppointmentType, Host, Location, Price
from availability.domain.errors import InvalidError, NotFoundError
from availability.domain.reservations import Wish
from availability.domain.schedules import WeeklyInterval
from availability.publishing import instant
from contracts import availability as contracts
from contracts.booking import BookingCancelled, BookingRequested
from contracts.envelope import Done, Event, Money
from service_kit.bus import Bus, answers, handles
from service_kit.database import Connection
from service_kit.errors import ProblemError
from service_kit.messages import Envelope

CONSUMES: tuple[type[Event], ...] = (BookingRequested, BookingCancelled)


def bus(availability: Availability) -> Bus:
    """The handlers, over one application."""
    door = _Door(availability)
    return Bus(
        service="availability",
        events=[
            handles(BookingRequested, door.on_booking_requested),
            handles(BookingCancelled, door.on_booking_cancelled),
        ],
        requests=[
            answers(contracts.FindSlots, door.find_slots),
            answers(contracts.ListAppointmentTypes, door.list_appointment_types),
            answers(contracts.GetAppointmentType, door.get_appointment_type),
            answers(contracts.GetHosts, door.get_hosts),
            answers(contracts.PutHost, door.put_host),
            answers(contracts.PutAppointmentType, door.put_appointment_type),
        ],
    )


class _Door:
    def __init__(self, availability: Availability) -> None:
        self._availability = availability

    async def on_booking_requested(
        self, connection: Connection, event: BookingRequested, envelope: Envelope
    ) -> None:
        wish = Wish(
            tenant=event.tenant,
            booking_id=event.booking_id,
            appointment_type=event.appointment_type,
            start=event.start,
            duration_minutes=event.duration_minutes,
            location_kind=event.location_kind,
            host_id=event.host_id,
            asked_at=envelope.time,
        )
        await self._availability.reserve(connection, wish)

    async def on_booking_cancelled(
        self, connection: Connection, event: BookingCancelled, envelope: Envelope
    ) -> None:
        await self._availability.release(connection, event.tenant, event.booking_id)

    async def find_slots(self, query: contracts.FindSlots) -> contracts.Slots:
        with _problems():
            minutes, slots = await self._availability.find_slots(
                SlotsQuery(
                    tenant=query.tenant,
                    slug=query.slug,
                    from_date=query.from_date,
                    to_date=query.to_date,
                    time_zone=query.time_zone,
                    duration_minutes=query.duration_minutes,
                    host_id=query.host_id,
                )
            )
        # One call into pydantic for all: half the time of a model built for each slot.
        rows = [{"start": instant(s.start), "end": instant(s.end), "hosts": s.hosts} for s in slots]
        return contracts.Slots.model_validate({"duration_minutes": minutes, "slots": rows})

    async def list_appointment_types(
        self, query: contracts.ListAppointmentTypes
    ) -> contracts.AppointmentTypes:
        found = await self._availability.appointment_types(query.tenant)
        return contracts.AppointmentTypes(items=[_type_details(one) for one in found])

    async def get_appointment_type(
        self, query: contracts.GetAppointmentType
    ) -> contracts.AppointmentTypeDetails:
        with _problems():
            return _type_details(
                await self._availability.appointment_type(query.tenant, query.slug)
            )

    async def get_hosts(self, query: contracts.GetHosts) -> contracts.Hosts:
        found = await self._availability.hosts(query.tenant, query.ids)
        return contracts.Hosts(items=[_host_details(host) for host in found])

    async def put_host(self, command: contracts.PutHost) -> Done:
        with _problems():
            host = _host(command.host, command.schedule)
            await self._availability.put_host(command.tenant, host)
        return Done()

    async def put_appointment_type(self, command: contracts.PutAppointmentType) -> Done:
        with _problems():
            offered = _appointment_type(command.appointment_type)
            await self._availability.put_appointment_type(command.tenant, offered)
        return Done()


@contextmanager
def _problems() -> Generator[None]:
    try:
        yield
    except InvalidError as error:
        raise ProblemError("invalid", error.message, field=error.field) from error
    except NotFoundError as error:
        raise ProblemError("not_found", error.message) from error


def _hours(intervals: list[contracts.WeeklyInterval], field: str) -> tuple[WeeklyInterval, ...]:
    return tuple(
        WeeklyInterval.between(one.weekday, one.start, one.until, field=f"{field}.{index}")
        for index, one in enumerate(intervals)
    )


def _host(details: contracts.HostDetails, schedule: list[contracts.WeeklyInterval]) -> Host:
    return Host(
        id=details.id,
        name=details.name,
        email=details.email,
        time_zone=details.time_zone,
        active=details.active,
        schedule=_hours(schedule, "schedule"),
    )


def _appointment_type(details: contracts.AppointmentTypeDetails) -> AppointmentType:
    price = details.price
    return AppointmentType(
        slug=details.slug,
        title=details.title,
        description=details.description,
        durations_minutes=tuple(details.durations_minutes),
        default_duration_minutes=details.default_duration_minutes,
        locations=tuple(Location(**one.model_dump()) for one in details.locations),
        hosts=tuple(details.hosts),
        price=Price(price.amount_minor, price.currency) if price else None,
        approval=details.approval,
        buffer_before_minutes=details.buffer_before_minutes,
        buffer_after_minutes=details.buffer_after_minutes,
        notice_minutes=details.notice_minutes,
        window_days=details.window_days,
        slot_interval_minutes=details.slot_interval_minutes,
        cancellation_notice_minutes=details.cancellation.notice_minutes,
        reminders_minutes=details.reminders_minutes,
        hours=None if details.hours is None else _hours(details.hours, "hours"),
        active=details.active,
    )


def _type_details(offered: AppointmentType) -> contracts.AppointmentTypeDetails:
    price = offered.price
    return contracts.AppointmentTypeDetails(
        slug=offered.slug,
        title=offered.title,
        description=offered.description,
        durations_minutes=list(offered.durations_minutes),
        default_duration_minutes=offered.default_duration_minutes,
        locations=[contracts.Location.model_validate(asdict(one)) for one in offered.locations],
        hosts=list(offered.hosts),
        price=Money(amount_minor=price.amount_minor, currency=price.currency) if price else None,
        approval=offered.approval,
        buffer_before_minutes=offered.buffer_before_minutes,
        buffer_after_minutes=offered.buffer_after_minutes,
        notice_minutes=offered.notice_minutes,
        window_days=offered.window_days,
        slot_interval_minutes=offered.slot_interval_minutes,
        cancellation=contracts.CancellationPolicy(
            notice_minutes=offered.cancellation_notice_minutes
        ),
        reminders_minutes=offered.reminders_minutes,
        hours=None if offered.hours is None else [_interval(one) for one in offered.hours],
        active=offered.active,
    )


def _interval(one: WeeklyInterval) -> contracts.WeeklyInterval:
    return contracts.WeeklyInterval(weekday=one.weekday, start=one.start, until=one.until)


def _host_details(host: Host) -> contracts.HostDetails:
    return contracts.HostDetails(
        id=host.id, name=host.name, email=host.email, time_zone=host.time_zone, active=host.active
    )
