"""The catalogue: what is put is what is found, and what is wrong is refused whole."""

import asyncio
from datetime import time
from typing import Any

import pytest

from contracts.availability import (
    AppointmentTypeDetails,
    CancellationPolicy,
    GetAppointmentType,
    GetHosts,
    ListAppointmentTypes,
    Location,
    PutAppointmentType,
    PutHost,
    WeeklyInterval,
)
from contracts.envelope import Money
from service_kit.errors import ProblemError

from .builders import TENANT, host_details, host_id, type_details, weekdays
from .conftest import Service


def put_host(number: int = 1, tenant: str = TENANT, **changes: Any) -> PutHost:
    return PutHost(tenant=tenant, host=host_details(number, **changes), schedule=weekdays())


def put_type(
    slug: str = "consultation", tenant: str = TENANT, **changes: Any
) -> PutAppointmentType:
    return PutAppointmentType(tenant=tenant, appointment_type=type_details(slug, **changes))


async def refusal(service: Service, command: PutHost | PutAppointmentType) -> tuple[str, object]:
    with pytest.raises(ProblemError) as problem:
        await service.ask(command)
    return problem.value.code, problem.value.details.get("field")


EVERYTHING = AppointmentTypeDetails(
    slug="everything",
    title="Everything",
    description="All there is.\nOn two lines.",
    durations_minutes=[45, 15, 30],
    default_duration_minutes=30,
    locations=[
        Location(kind="phone", phone_number="+12125550143", caller="attendee"),
        Location(
            kind="in_person",
            address="Street 1",
            directions_url="https://maps.example/?q=1",
            parking_note="Ring.",
        ),
        Location(kind="video", video_provider="jitsi"),
    ],
    hosts=[host_id(2), host_id(1)],
    price=Money(amount_minor=4500, currency="EUR"),
    approval=True,
    buffer_before_minutes=5,
    buffer_after_minutes=10,
    notice_minutes=90,
    window_days=30,
    slot_interval_minutes=20,
    cancellation=CancellationPolicy(notice_minutes=1440),
    reminders_minutes=(2880, 30),
    hours=[
        WeeklyInterval(weekday=1, start=time(10), until=time(12)),
        WeeklyInterval(weekday=1, start=time(13, 30), until=time(0)),
    ],
)


async def test_an_appointment_type_is_found_as_it_was_put(service: Service) -> None:
    await service.ask(put_host(1))
    await service.ask(put_host(2))

    await service.ask(PutAppointmentType(tenant=TENANT, appointment_type=EVERYTHING))

    assert await service.ask(GetAppointmentType(tenant=TENANT, slug="everything")) == EVERYTHING


async def test_an_appointment_type_is_replaced_whole(service: Service) -> None:
    await service.ask(put_host(1))
    await service.ask(put_host(2))
    await service.ask(PutAppointmentType(tenant=TENANT, appointment_type=EVERYTHING))
    plain = type_details("everything")

    await service.ask(PutAppointmentType(tenant=TENANT, appointment_type=plain))

    assert await service.ask(GetAppointmentType(tenant=TENANT, slug="everything")) == plain


async def test_active_types_are_listed_by_title(service: Service) -> None:
    await service.ask(put_host())
    await service.ask(put_type("one", title="Beta"))
    await service.ask(put_type("two", title="Alpha"))
    await service.ask(put_type("three", title="Gone", active=False))

    found = await service.ask(ListAppointmentTypes(tenant=TENANT))

    assert [item.slug for item in found.items] == ["two", "one"]


@pytest.mark.parametrize("slug", ["nothing", "inactive", "Not A Slug", "a\x00b", ""])
async def test_what_cannot_be_booked_is_not_found(service: Service, slug: str) -> None:
    await service.ask(put_host())
    await service.ask(put_type("inactive", active=False))

    with pytest.raises(ProblemError) as problem:
        await service.ask(GetAppointmentType(tenant=TENANT, slug=slug))

    assert problem.value.code == "not_found"


async def test_hosts_are_found_by_id(service: Service) -> None:
    for number in (1, 2, 3):
        await service.ask(put_host(number))

    some = await service.ask(GetHosts(tenant=TENANT, ids=[host_id(3), host_id(1), host_id(9)]))
    everybody = await service.ask(GetHosts(tenant=TENANT))
    nobody = await service.ask(GetHosts(tenant=TENANT, ids=[]))

    assert some.items == [host_details(1), host_details(3)]
    assert len(everybody.items) == 3
    assert nobody.items == []


async def test_tenants_do_not_see_each_other(service: Service) -> None:
    await service.ask(put_host(1))
    await service.ask(put_type())
    await service.ask(put_host(1, tenant="other", name="Somebody else"))

    assert (await service.ask(ListAppointmentTypes(tenant="other"))).items == []
    assert (await service.ask(GetHosts(tenant=TENANT))).items == [host_details(1)]
    assert await refusal(service, put_type(tenant="third")) == ("invalid", "hosts.0")


async def test_every_change_is_said_with_its_version(service: Service) -> None:
    await service.ask(put_host())
    await service.ask(put_host(name="Renamed"))
    await service.ask(put_type())
    await service.ask(put_type(active=False))

    assert await service.told() == [
        ("host-changed.v1", {"tenant": TENANT, "host_id": str(host_id(1)), "version": 1}),
        ("host-changed.v1", {"tenant": TENANT, "host_id": str(host_id(1)), "version": 2}),
        ("appointment-type-changed.v1", {"tenant": TENANT, "slug": "consultation", "version": 1}),
        ("appointment-type-changed.v1", {"tenant": TENANT, "slug": "consultation", "version": 2}),
    ]


async def test_changed_hours_are_a_change(service: Service) -> None:
    await service.ask(put_host())

    shorter = PutHost(tenant=TENANT, host=host_details(), schedule=weekdays(until="16:00"))
    await service.ask(shorter)

    assert [body["version"] for _, body in await service.told()] == [1, 2]


async def test_putting_the_same_again_says_nothing(service: Service) -> None:
    await service.ask(put_host(1))
    await service.ask(put_host(2))
    await service.ask(PutAppointmentType(tenant=TENANT, appointment_type=EVERYTHING))
    said = len(await service.told())

    backwards = list(reversed(weekdays()))
    await service.ask(PutHost(tenant=TENANT, host=host_details(1), schedule=backwards))
    await service.ask(PutAppointmentType(tenant=TENANT, appointment_type=EVERYTHING))

    assert len(await service.told()) == said


async def test_writers_at_once_take_turns(service: Service) -> None:
    names = [f"Name {number}" for number in range(8)]

    await asyncio.gather(*(service.ask(put_host(name=name)) for name in names))

    assert sorted(body["version"] for _, body in await service.told()) == list(range(1, 9))
    assert len(await service.rows("SELECT * FROM host_hours")) == 5


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (put_host(time_zone="Europe/Nowhere"), "time_zone"),
        (put_host(email="nobody"), "email"),
        (
            PutHost(tenant=TENANT, host=host_details(), schedule=weekdays("17:00", "09:00")),
            "schedule.0.until",
        ),
        (
            PutHost(tenant=TENANT, host=host_details(), schedule=[*weekdays(), *weekdays("16:59")]),
            "schedule.5",
        ),
        (
            PutHost(tenant=TENANT, host=host_details(), schedule=weekdays("09:00:30")),
            "schedule.0.start",
        ),
        (put_type(hosts=[host_id(1), host_id(7)]), "hosts.1"),
        (put_type(buffer_after_minutes=-1), "buffer_after_minutes"),
        (put_type(default_duration_minutes=45), "default_duration_minutes"),
        (put_type(hours=[]), "hours"),
        (put_type(hours=weekdays("12:00", "11:00")), "hours.0.until"),
        (put_type(price=Money(amount_minor=-5, currency="EUR")), "price.amount_minor"),
    ],
)
async def test_what_breaks_a_rule_is_refused_and_leaves_nothing(
    service: Service, command: PutHost | PutAppointmentType, field: str
) -> None:
    await service.ask(put_host(1, name="Before"))
    said = await service.told()

    assert await refusal(service, command) == ("invalid", field)

    assert await service.told() == said
    assert [host.name for host in (await service.ask(GetHosts(tenant=TENANT))).items] == ["Before"]
