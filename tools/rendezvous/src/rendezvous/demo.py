"""The demo tenant: two hosts, four appointment types and an admin's key."""

import asyncio
from datetime import time
from uuid import UUID, uuid5

import psycopg

from contracts.availability import (
    AppointmentTypeDetails,
    GetAppointmentType,
    GetHosts,
    HostDetails,
    Location,
    PutAppointmentType,
    PutHost,
    WeeklyInterval,
)
from gateway import keys
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc

TENANT = "demo"

_IDS = UUID("5f0c1b1e-8f6b-5c3a-9a53-2d1f6f7f4c11")
AMIRA = uuid5(_IDS, "demo/amira-haddad")
MIKE = uuid5(_IDS, "demo/mike-jensen")


def weekdays(start: time, until: time) -> list[WeeklyInterval]:
    """The same hours from Monday to Friday."""
    return [WeeklyInterval(weekday=day, start=start, until=until) for day in range(1, 6)]


HOSTS = (
    HostDetails(
        id=AMIRA,
        name="Dr. Amira Haddad",
        email="amira.haddad@demo.example",
        time_zone="Europe/Berlin",
    ),
    HostDetails(
        id=MIKE,
        name="Mike Jensen",
        email="mike.jensen@demo.example",
        time_zone="America/New_York",
    ),
)

_VIDEO = Location(kind="video", video_provider="jitsi")

APPOINTMENT_TYPES = (
    AppointmentTypeDetails(
        slug="video-consultation",
        title="Video consultation",
        description="A conversation with Dr. Haddad from wherever you are.",
        durations_minutes=[15, 30, 60],
        default_duration_minutes=30,
        slot_interval_minutes=15,
        locations=[_VIDEO],
        hosts=[AMIRA],
        notice_minutes=60,
    ),
    AppointmentTypeDetails(
        slug="office-visit",
        title="Office visit",
        description="An appointment at the practice.",
        durations_minutes=[30, 60],
        default_duration_minutes=30,
        slot_interval_minutes=30,
        locations=[
            Location(
                kind="in_person",
                address="Beispielpraxis, Musterstraße 12, 10115 Berlin, Germany",
                directions_url="https://www.openstreetmap.org/?mlat=52.5320&mlon=13.3840#map=17/52.5320/13.3840",
                parking_note="Two visitor spaces in the courtyard; ring at the gate.",
            )
        ],
        hosts=[AMIRA],
        notice_minutes=60,
        buffer_after_minutes=10,
    ),
    AppointmentTypeDetails(
        slug="phone-call",
        title="Phone call",
        description="A short call about anything that needs no picture.",
        durations_minutes=[15, 30],
        default_duration_minutes=15,
        slot_interval_minutes=15,
        # 555-01xx is reserved for examples.
        locations=[Location(kind="phone", phone_number="+12125550143", caller="attendee")],
        hosts=[MIKE],
        notice_minutes=60,
    ),
    AppointmentTypeDetails(
        slug="intro-call",
        title="Intro call",
        description="Fifteen minutes to get to know each other.",
        durations_minutes=[15],
        default_duration_minutes=15,
        slot_interval_minutes=15,
        locations=[_VIDEO],
        hosts=[MIKE],
        hours=weekdays(time(10), time(19)),
    ),
)


async def seed(rpc: Rpc) -> None:
    """Adds what is not there; what somebody changed since is left as it is."""
    known = {host.id for host in (await rpc.call(GetHosts(tenant=TENANT))).items}
    for host in HOSTS:
        if host.id not in known:
            schedule = weekdays(time(9), time(17))
            await rpc.call(PutHost(tenant=TENANT, host=host, schedule=schedule))
    for appointment_type in APPOINTMENT_TYPES:
        if not await _is_known(rpc, appointment_type.slug):
            await rpc.call(PutAppointmentType(tenant=TENANT, appointment_type=appointment_type))


async def install_key(gateway_database_url: str, key: str) -> None:
    """Makes the demo admin's key valid; the tenant becomes known with it."""
    async with await psycopg.AsyncConnection.connect(gateway_database_url) as connection:
        await keys.install(
            connection, key=key, tenant=TENANT, name="demo admin", scopes=keys.SCOPES
        )


async def seed_patiently(rpc: Rpc, within: float = 20.0) -> None:
    """Seeds as soon as availability answers. Raises UnavailableError after `within` seconds."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        try:
            return await seed(rpc)
        except UnavailableError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)


async def _is_known(rpc: Rpc, slug: str) -> bool:
    try:
        await rpc.call(GetAppointmentType(tenant=TENANT, slug=slug))
    except ProblemError as problem:
        if problem.code == "not_found":
            return False
        raise
    return True
