"""The databases and the broker that an operator's command works on.

Where services run apart, their variables name them, as for `migrate`: BOOKING_DATABASE_URL and its
like, and NATS_URL. Else they are those of the system that runs on RENDEZVOUS_HOME.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nats as nats_client
import psycopg
from nats.aio.client import Client

from rendezvous import databases, migrate
from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.keyring import Keyring, read_keyring
from rendezvous.local import nats, postgres
from rendezvous.services import SERVICES, Service
from rendezvous.settings import Settings, read_settings
from service_kit import database as kit_database
from service_kit import migrations
from service_kit.database import Connection

NAME = "rendezvous"


@dataclass(frozen=True)
class Targets:
    """Where everything is. `home` is a local system's."""

    databases: Mapping[Service, str]
    nats_url: str | None
    home: Home | None = None

    @property
    def keeping(self) -> Path:
        """Where a command keeps what it takes out of the system."""
        return self.home.root / "kept" if self.home else Path("kept")

    @asynccontextmanager
    async def connections(
        self, services: Sequence[Service] = SERVICES
    ) -> AsyncGenerator[dict[Service, Connection]]:
        """One connection in autocommit to each database. Raises StartError."""
        async with AsyncExitStack() as stack:
            found: dict[Service, Connection] = {}
            for service in services:
                found[service] = await stack.enter_async_context(await self._connect(service))
            yield found

    @asynccontextmanager
    async def broker(self) -> AsyncGenerator[Client]:
        """A connection to the broker. Raises StartError."""
        if self.nats_url is None:
            raise StartError("NATS_URL must be set, too.")
        await migrate.check_nats(self.nats_url)
        client = await nats_client.connect(self.nats_url.split(","), connect_timeout=5)
        try:
            yield client
        finally:
            await client.close()

    async def _connect(self, service: Service) -> Connection:
        url = self.databases[service]
        try:
            lacking = migrations.pending(url, service.package)
            connection = await kit_database.connect(url, NAME)
        except (psycopg.Error, migrations.ChangedMigrationError) as error:
            raise StartError(
                f"The database of {service.name} cannot be used: {migrate.one_line(error)}"
            ) from error
        if lacking:
            await connection.close()
            raise StartError(f"The database of {service.name} lacks migrations: run `migrate`.")
        return connection


def find(environment: Mapping[str, str]) -> Targets:
    """What the environment names, or what runs on the home. Raises StartError."""
    named = {s: url for s in SERVICES if (url := environment.get(s.url_variable))}
    if not named:
        return _at_home(read_settings(environment))
    if missing := [s.url_variable for s in SERVICES if s not in named]:
        raise StartError(f"{' and '.join(missing)} must be set, too.")
    return Targets(named, environment.get("NATS_URL") or None)


def _at_home(settings: Settings) -> Targets:
    home = Home(settings.home.absolute())
    keyring = read_keyring(home)
    if keyring is None or not home.is_locked():
        raise StartError(
            f"Nothing runs on {home.root}: start it (`make run`), set RENDEZVOUS_HOME, or name "
            "the databases (BOOKING_DATABASE_URL and its like) and NATS_URL."
        )
    admin_url = admin_url_of(settings, home, keyring)
    if admin_url is None:
        raise StartError("PostgreSQL does not run yet: try again in a moment.")
    urls = {
        service: databases.url_of(
            admin_url,
            settings.database_prefix + service.package,
            keyring.role_passwords.get(service.package, ""),
        )
        for service in SERVICES
    }
    return Targets(urls, nats_url_of(settings, home, keyring), home)


def admin_url_of(settings: Settings, home: Home, keyring: Keyring) -> str | None:
    """An admin URL of the server in use, if that can be told."""
    if settings.database_url:
        return settings.database_url
    entry = home.recorded().get("postgres", {})
    return postgres.url(int(entry["port"]), keyring.postgres_password) if entry else None


def nats_url_of(settings: Settings, home: Home, keyring: Keyring) -> str:
    """The broker in use."""
    if settings.nats_url:
        return settings.nats_url
    entry = home.recorded().get("nats", {})
    return nats.url(int(entry.get("port", 0)), keyring.nats_password)
