"""The gateway as it runs, on a real Postgres and a real broker, with stand-ins behind it."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.__main__ import build_with
from gateway.keys import SCOPES, install, new_key
from gateway.settings import GatewaySettings
from rendezvous import databases
from rendezvous.local.ports import free_port
from service_kit import migrations
from service_kit.database import Database
from service_kit.service import RunningService
from service_kit.testing import running

from .builders import OTHER_TENANT, PUBLIC_URL, TENANT
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]


@pytest.fixture(scope="module")
def database_url(postgres_url: str) -> Iterator[str]:
    """One database for all tests of a module: each makes the keys that it needs."""
    name = f"gateway_{secrets.token_hex(6)}"
    url = databases.ensure(postgres_url, name, secrets.token_hex(16))
    migrations.apply(url, "gateway")
    yield url
    databases.drop(postgres_url, name)


@pytest.fixture
def settings(database_url: str, nats_url: str, tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        database_url=database_url,
        nats_url=nats_url,
        port=free_port(),
        public_url=PUBLIC_URL,
        settle_budget_seconds=5,
        local_mode=True,
        mail_dir=tmp_path / "mail",
    )


@pytest.fixture
async def neighbours(nats_url: str) -> AsyncIterator[Neighbours]:
    them = Neighbours()
    await them.start(nats_url)
    yield them
    await them.stop()


@pytest.fixture
async def gateway(
    settings: GatewaySettings, neighbours: Neighbours
) -> AsyncIterator[RunningService]:
    async with running("gateway", settings, build_with(settings)) as service:
        yield service


@pytest.fixture
async def make_key(gateway: RunningService) -> MakeKey:
    """Makes an API key of a tenant, with all scopes where none are named."""

    async def make(*scopes: str, tenant: str = TENANT) -> str:
        key = new_key()
        await put_key(gateway.database, key, tenant, *(scopes or SCOPES))
        return key

    await put_key(gateway.database, new_key(), TENANT, *SCOPES)
    await put_key(gateway.database, new_key(), OTHER_TENANT, *SCOPES)
    return make


async def put_key(database: Database, key: str, tenant: str, *scopes: str) -> None:
    async with database.transaction() as connection:
        await install(connection, key=key, tenant=tenant, name="a test", scopes=scopes)


@pytest.fixture
async def http(
    gateway: RunningService, settings: GatewaySettings, make_key: MakeKey
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without any credentials; both tenants exist."""
    base = f"http://127.0.0.1:{settings.port}"
    async with httpx.AsyncClient(base_url=base, timeout=20) as client:
        yield client
