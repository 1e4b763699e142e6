import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nats
import psycopg
import pytest

from contracts import subjects
from rendezvous import databases
from rendezvous.doctor import Examination, Finding
from rendezvous.home import Home
from rendezvous.keyring import open_keyring
from rendezvous.migrate import apply_all, declare_streams, local_databases
from rendezvous.services import SERVICES
from rendezvous.settings import Settings, read_settings
from service_kit import migrations


@pytest.fixture
def prefix(postgres_url: str) -> Iterator[str]:
    prefix = f"m{secrets.token_hex(4)}_"
    yield prefix
    for service in SERVICES:
        databases.drop(postgres_url, prefix + service.package)


@pytest.fixture
def urls(postgres_url: str, prefix: str) -> dict[str, str]:
    """The databases of services that run apart, not yet made, by the variable that names each."""
    return {
        service.url_variable: databases.url_of(postgres_url, prefix + service.package, "s3cret")
        for service in SERVICES
    }


def _migrate(**environment: str) -> subprocess.CompletedProcess[str]:
    hidden = {"DATABASE_URL", "NATS_URL"}
    return subprocess.run(
        [sys.executable, "-m", "rendezvous", "migrate"],
        env={**{k: v for k, v in os.environ.items() if k not in hidden}, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


async def test_it_makes_and_migrates_every_database_and_declares_the_streams(
    urls: dict[str, str], postgres_url: str, nats_url: str
) -> None:
    first = _migrate(**urls, DATABASE_URL=postgres_url, NATS_URL=nats_url)
    assert first.returncode == 0, first.stderr
    assert "booking: " in first.stdout

    again = _migrate(**urls, NATS_URL=nats_url)
    assert (again.returncode, again.stdout) == (0, "Everything is up to date.\n")

    for service in SERVICES:
        assert migrations.pending(urls[service.url_variable], service.package) == []
    client = await nats.connect(nats_url)
    streams = {info.config.name for info in await client.jetstream().streams_info()}
    consumers = await client.jetstream().consumers_info("BOOKING")
    await client.close()
    assert streams == {subjects.stream(context) for context in subjects.CONTEXTS}
    assert {"availability-booking", "notify-booking"} <= {info.name for info in consumers}


def test_two_at_once_do_not_disturb_each_other(urls: dict[str, str], postgres_url: str) -> None:
    command = [sys.executable, "-m", "rendezvous", "migrate"]
    environment = {**os.environ, **urls, "DATABASE_URL": postgres_url}

    both = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    for process in both:
        _, said = process.communicate(timeout=90)
        assert process.returncode == 0, said


def test_a_url_that_is_missing_among_the_others_is_named(urls: dict[str, str]) -> None:
    del urls["NOTIFY_DATABASE_URL"]

    done = _migrate(**urls)

    assert done.returncode == 1
    assert done.stderr == "rendezvous: NOTIFY_DATABASE_URL must be set, too.\n"


def test_with_nothing_to_migrate_it_says_what_to_set() -> None:
    done = _migrate()

    assert done.returncode == 1
    assert "set BOOKING_DATABASE_URL and its like, or DATABASE_URL" in done.stderr


@pytest.fixture
async def examined(
    tmp_path: Path, postgres_url: str, nats_url: str, prefix: str
) -> tuple[Home, Settings]:
    """A home whose servers are set up, and on which no service runs."""
    settings = read_settings(
        {
            "RENDEZVOUS_HOME": str(tmp_path / "var"),
            "RENDEZVOUS_DATABASE_PREFIX": prefix,
            "DATABASE_URL": postgres_url,
            "NATS_URL": nats_url,
        }
    )
    home = Home(settings.home)
    home.prepare()
    apply_all(local_databases(postgres_url, open_keyring(home), prefix), print)
    await declare_streams(nats_url)
    return home, settings


async def _wrong(home: Home, settings: Settings) -> list[Finding]:
    with home.locked():
        found = await Examination(settings, home).findings()
    return [finding for finding in found if not finding.well]


async def test_the_doctor_misses_a_stream_and_a_consumer(examined: tuple[Home, Settings]) -> None:
    home, settings = examined
    assert await _wrong(home, settings) == []

    client = await nats.connect(settings.nats_url or "")
    await client.jetstream().delete_stream("VIDEO")
    await client.jetstream().delete_consumer("BOOKING", "notify-booking")
    await client.close()

    wrong = {finding.what: finding.remedy for finding in await _wrong(home, settings)}
    assert {"stream VIDEO", "consumer notify-booking"} <= wrong.keys()
    assert set(wrong.values()) == {"rendezvous migrate"}


async def test_the_doctor_counts_dead_letters_and_events_that_wait(
    examined: tuple[Home, Settings],
) -> None:
    home, settings = examined
    keyring = open_keyring(home)
    urls = local_databases(settings.database_url or "", keyring, settings.database_prefix)
    by_name = {service.name: url for service, url in urls.items()}
    with psycopg.connect(by_name["notify"]) as connection:
        connection.execute(
            "INSERT INTO dead_letters"
            " (id, consumer, subject, headers, body, error, deliveries, died_at) VALUES"
            " (gen_random_uuid(), 'notify-booking', 'events.x', '{}', '', 'poison', 8, now())"
        )
    with psycopg.connect(by_name["video"]) as connection:
        connection.execute(
            "INSERT INTO outbox (id, type, subject, tenant, entity_id, occurred_at,"
            " correlation_id, body) VALUES (gen_random_uuid(), 't', 's', 'demo', 'e',"
            " now() - interval '1 hour', 'c', '')"
        )

    wrong = {finding.what: finding.said for finding in await _wrong(home, settings)}

    assert wrong == {
        "database of notify": "1 dead letters",
        "database of video": "1 events wait to be published",
    }
