"""Brings every database and the streams to what this version's code expects."""

import asyncio
import importlib
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

import nats
import psycopg
from nats.errors import Error as NatsError

from contracts.envelope import Event
from rendezvous import databases
from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.keyring import Keyring, open_keyring
from rendezvous.services import SERVICES, Service
from rendezvous.settings import read_settings
from service_kit import migrations, streams

NATS_WITHIN_SECONDS = 5.0

Say = Callable[[str], None]


def apply_all(urls: Mapping[Service, str], say: Say) -> None:
    """Applies what each database lacks; says what was applied. Raises StartError."""
    for service, url in urls.items():
        try:
            applied = migrations.apply(url, service.package)
        except (psycopg.Error, migrations.ChangedMigrationError) as error:
            raise StartError(
                f"The database of {service.name} could not be migrated: {one_line(error)}"
            ) from error
        if applied:
            say(f"{service.name}: {len(applied)} migrations applied.")


async def declare_streams(nats_url: str, replicas: int = 1) -> None:
    """Declares every stream and each service's consumers. Raises StartError."""
    try:
        await streams.declare(nats_url, consumers(), replicas=replicas)
    except (NatsError, OSError) as error:
        raise StartError(f"The streams could not be declared: {one_line(error)}") from error


def consumers() -> dict[str, tuple[type[Event], ...]]:
    """The events that each service handles, as its `bus.CONSUMES` says."""
    return {service.name: found for service in SERVICES if (found := _consumed(service.package))}


def _consumed(package: str) -> tuple[type[Event], ...]:
    try:
        bus = importlib.import_module(f"{package}.bus")
    except ModuleNotFoundError as error:
        if error.name == f"{package}.bus":
            return ()  # the service only asks
        raise
    return tuple(getattr(bus, "CONSUMES", ()))


def database_urls(environment: Mapping[str, str], admin_url: str | None) -> dict[Service, str]:
    """Each service's database, made with the admin URL where one is given. Raises StartError.

    The databases that `<SERVICE>_DATABASE_URL` name in `environment`, or else those of the local
    home.
    """
    named = {s: url for s in SERVICES if (url := environment.get(s.url_variable))}
    if missing := [s.url_variable for s in SERVICES if s not in named]:
        if named:
            raise StartError(f"{' and '.join(missing)} must be set, too.")
        if admin_url is None:
            raise StartError(
                "Nothing to migrate: set BOOKING_DATABASE_URL and its like, or DATABASE_URL."
            )
        return _home_databases(environment, admin_url)
    if admin_url is not None:
        check_admin(admin_url)
        _ensure_databases(named, admin_url)
    return named


def _home_databases(environment: Mapping[str, str], admin_url: str) -> dict[Service, str]:
    settings = read_settings(environment)
    home = Home(settings.home.absolute())
    check_admin(admin_url)
    home.prepare()
    return local_databases(admin_url, open_keyring(home), settings.database_prefix)


def local_databases(admin_url: str, keyring: Keyring, prefix: str = "") -> dict[Service, str]:
    """Makes each service's role and database with the keyring's passwords; their URLs."""
    return {
        service: make_database(
            admin_url, prefix + service.package, keyring.role_passwords[service.package]
        )
        for service in SERVICES
    }


def _ensure_databases(urls: Mapping[Service, str], admin_url: str) -> None:
    """Makes the role and the database that each URL names. Raises StartError."""
    for service, url in urls.items():
        parts = urlsplit(url)
        user, database = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
        if not user or user != database or parts.password is None:
            raise StartError(
                f"{service.url_variable} must name a role, its password, and a database of the "
                "same name, to be made with the admin URL."
            )
        make_database(admin_url, database, unquote(parts.password))


def make_database(admin_url: str, name: str, password: str) -> str:
    """Makes one role and its database where absent; its URL. Raises StartError."""
    try:
        return databases.ensure(admin_url, name, password)
    except databases.ForeignDatabaseError as error:
        raise StartError(
            f"Nothing was changed: {error}; set RENDEZVOUS_DATABASE_PREFIX."
        ) from error
    except psycopg.Error as error:
        raise StartError(f"The database {name} could not be made: {one_line(error)}") from error


async def check_nats(nats_url: str) -> None:
    """Raises StartError unless a nats-server with JetStream answers within a few seconds."""
    said: list[Exception] = []

    async def note(error: Exception) -> None:
        said.append(error)

    try:
        # The library would try for ever where the server refuses us.
        async with asyncio.timeout(NATS_WITHIN_SECONDS):
            client = await nats.connect(
                nats_url.split(","), max_reconnect_attempts=1, error_cb=note
            )
    except (NatsError, OSError, ValueError, TimeoutError) as error:
        reason = one_line(said[-1] if said else error)
        raise StartError(f"NATS_URL cannot be reached: {reason}") from error
    try:
        await client.jetstream(timeout=NATS_WITHIN_SECONDS).account_info()
    except NatsError as error:
        raise StartError("The server at NATS_URL has no JetStream: start it with -js.") from error
    finally:
        await client.close()


def check_admin(admin_url: str) -> None:
    """Raises StartError unless the role may make roles and databases on a server that answers."""
    try:
        with psycopg.connect(admin_url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT rolsuper OR (rolcreaterole AND rolcreatedb), rolname,"
                " current_setting('server_version_num')::int"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        raise StartError(f"DATABASE_URL cannot be used: {one_line(error)}") from error
    allowed, role, version = row or (False, "", 0)
    if not allowed:
        raise StartError(f"DATABASE_URL's role {role} may not make roles and databases.")
    if version < 140000:
        raise StartError("DATABASE_URL's server is older than PostgreSQL 14.")


def one_line(error: Exception) -> str:
    """What an error says, on one line."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".") + "."
