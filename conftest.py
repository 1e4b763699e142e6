"""Real servers for every test: given by URL, in containers where asked for, else from the wheels.

TEST_DATABASE_URL   an admin URL of a PostgreSQL that runs already
TEST_NATS_URL       a nats-server with JetStream that runs already; its streams are removed
TEST_BACKEND        `testcontainers`: containers, where a Docker engine answers
"""

import os
import secrets
import warnings
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager

import nats
import pytest

from rendezvous import databases
from rendezvous.local.nats import NatsServer
from rendezvous.local.postgres import PostgresServer
from service_kit import migrations

ServiceDatabase = Callable[[str], str]
"""Takes a service's package, returns the URL of a fresh database with its migrations applied."""


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An admin URL of a real PostgreSQL."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
    elif _containers_wanted():
        with _postgres_container() as url:
            yield url
    else:
        server = PostgresServer(tmp_path_factory.mktemp("postgres"))
        server.start()
        yield server.url
        server.stop()


@pytest.fixture
def database(postgres_url: str) -> Iterator[Callable[[str], str]]:
    """Makes an empty database, named after its argument, that a role of its own owns; its URL."""
    made: list[str] = []

    def make(label: str) -> str:
        made.append(f"{label}_{secrets.token_hex(6)}")
        return databases.ensure(postgres_url, made[-1], secrets.token_hex(16))

    yield make
    for name in made:
        databases.drop(postgres_url, name)


@pytest.fixture
def service_database(database: Callable[[str], str]) -> ServiceDatabase:
    """Makes a service's database as it is in production: its own role, all migrations."""

    def make(package: str) -> str:
        url = database(package)
        migrations.apply(url, package)
        return url

    return make


@pytest.fixture
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server of this test's own, running, that it may stop, kill, empty and start."""
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def nats_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of a real nats-server with JetStream and no streams."""
    if given := os.environ.get("TEST_NATS_URL"):
        await _remove_streams(given)
        yield given
    elif _containers_wanted():
        with _nats_container() as url:
            yield url
    else:
        server: NatsServer = request.getfixturevalue("nats_server")
        yield server.url


async def _remove_streams(url: str) -> None:
    client = await nats.connect(url)
    stream = client.jetstream()
    for name in [found.config.name for found in await stream.streams_info()]:
        if name is not None:
            await stream.delete_stream(name)
    await client.close()


def _containers_wanted() -> bool:
    if os.environ.get("TEST_BACKEND") != "testcontainers":
        return False
    from docker import from_env  # noqa: PLC0415  not loaded by a run without containers
    from docker.errors import DockerException  # noqa: PLC0415

    try:
        return bool(from_env().ping())
    except DockerException:
        return False


@contextmanager
def _postgres_container() -> Generator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415

    container = PostgresContainer("postgres:18", driver=None).with_command(
        "postgres -c max_connections=400 -c fsync=off"
    )
    with container as server:
        yield server.get_connection_url()


@contextmanager
def _nats_container() -> Generator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from testcontainers.community.nats import NatsContainer  # noqa: PLC0415

    with NatsContainer("nats:2.15", jetstream=True) as server:
        yield server.nats_uri()
