"""`rendezvous up`: the whole system on one machine, until it is told to stop."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

import nats as nats_client
from nats.errors import Error as NatsError

from rendezvous import demo, migrate, service_settings
from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.keyring import Keyring, open_keyring
from rendezvous.local import nats, postgres
from rendezvous.local.ports import free_port, is_free
from rendezvous.programs import Surroundings, mail_sink
from rendezvous.services import GATEWAY, SERVICES, Service
from rendezvous.settings import Settings
from rendezvous.supervisor import Supervisor, end_leftovers
from rendezvous.terminal import Terminal
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc

SERVERS_WITHIN_SECONDS = 60.0
SERVICES_WITHIN_SECONDS = 120.0

# The doors first, the record last; all of it within ten seconds.
_STOP_ORDER = (
    (2.5, (GATEWAY.name,)),
    (3.0, tuple(service.name for service in SERVICES if service != GATEWAY)),
    (1.0, ("mail-sink",)),
    (1.0, ("nats",)),
    (2.0, ("postgres",)),
)


async def up(settings: Settings, terminal: Terminal) -> None:
    """Runs until SIGINT, SIGTERM or SIGHUP. Raises StartError if the system cannot start."""
    home = Home(settings.home.absolute())
    home.prepare()
    with home.locked():
        supervisor = Supervisor(home, terminal.say)
        stop = _stop_event()
        starting = asyncio.create_task(System(settings, home, terminal, supervisor).start())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopped
            terminal.say("Stopping.")
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await supervisor.stop(_STOP_ORDER)
        terminal.say("Stopped.")


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@dataclass
class System:
    """Brings the parts up one after the other."""

    settings: Settings
    home: Home
    terminal: Terminal
    supervisor: Supervisor
    _began: float = field(default_factory=time.monotonic)
    _checkpoint: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when everything is ready and the summary is printed. Raises StartError."""
        await asyncio.to_thread(end_leftovers, self.home, self.terminal.say)
        self._check_port()
        keyring = open_keyring(self.home)
        admin_url = await self._postgres(keyring)
        nats_url = await self._nats(keyring)
        urls = await self._databases(admin_url, keyring)
        await migrate.declare_streams(nats_url)
        await self._services(keyring, urls, nats_url)
        await self._demo(keyring, urls, nats_url)
        self._summary(keyring, nats_url)

    def _check_port(self) -> None:
        address, port = self.settings.bind, self.settings.port
        try:
            free = is_free(port, address)
        except OSError as error:
            raise StartError(
                f"The gateway cannot listen on {address} port {port}: {error.strerror or error}."
            ) from error
        if not free:
            raise StartError(
                f"Port {port} on {address} is in use: stop what listens there, "
                "or set RENDEZVOUS_PORT to a free one."
            )

    async def _postgres(self, keyring: Keyring) -> str:
        """An admin URL of the server that is given, or of our own."""
        if given := self.settings.database_url:
            await asyncio.to_thread(migrate.check_admin, given)
            return given
        password, port = keyring.postgres_password, free_port()
        await asyncio.to_thread(postgres.prepare, self.home.postgres, password=password)
        program = postgres.program(self.home.postgres, port=port, password=password)
        await self.supervisor.start([program], within=SERVERS_WITHIN_SECONDS)
        self._done(f"PostgreSQL {postgres.VERSION} on port {port}")
        return postgres.url(port, password)

    async def _nats(self, keyring: Keyring) -> str:
        if given := self.settings.nats_url:
            await migrate.check_nats(given)
            return given
        password, port = keyring.nats_password, free_port()
        program = nats.program(self.home.nats, port=port, password=password)
        await self.supervisor.start([program], within=SERVERS_WITHIN_SECONDS)
        self._done(f"NATS with JetStream on port {port}")
        return nats.url(port, password)

    async def _databases(self, admin_url: str, keyring: Keyring) -> dict[Service, str]:
        urls = await asyncio.to_thread(
            migrate.local_databases, admin_url, keyring, self.settings.database_prefix
        )
        await asyncio.to_thread(migrate.apply_all, urls, self.terminal.say)
        self._done("Databases")
        if self.settings.database_url is None:
            self._checkpoint = asyncio.create_task(
                asyncio.to_thread(postgres.checkpoint, admin_url)
            )
        return urls

    async def _services(self, keyring: Keyring, urls: dict[Service, str], nats_url: str) -> None:
        smtp_port = free_port()
        surroundings = Surroundings(
            self.settings, self.home, keyring, nats_url, smtp_port, os.environ
        )
        programs = [surroundings.program(service, url) for service, url in urls.items()]
        for service, program in zip(urls, programs, strict=True):
            service_settings.check(service, program.environment or {})
        programs.append(mail_sink(self.home, smtp_port))
        await self.supervisor.start(programs, within=SERVICES_WITHIN_SECONDS)
        self._done(f"{len(SERVICES)} services")

    async def _demo(self, keyring: Keyring, urls: dict[Service, str], nats_url: str) -> None:
        await demo.install_key(urls[GATEWAY], keyring.demo_key)
        client = await nats_client.connect(nats_url.split(","), connect_timeout=5)
        try:
            await demo.seed_patiently(Rpc(client))
        except (ProblemError, UnavailableError, NatsError) as error:
            raise StartError(f"The demo tenant could not be made: {error}") from error
        finally:
            await client.close()
        self._done("Demo tenant")

    def _done(self, what: str) -> None:
        self.terminal.say(f"✓ {what} ({time.monotonic() - self._began:.1f} s)")

    def _summary(self, keyring: Keyring, nats_url: str) -> None:
        base = self.settings.public_url
        types = f"{base}/v1/{demo.TENANT}/appointment-types"
        rows = (
            ("API", base),
            ("API documentation", f"{base}/docs"),
            ("What can be booked", types),
            ("Free slots", f"{types}/intro-call/slots?from=…&to=…&time_zone=Europe/Berlin"),
            ("Mail that was sent", f"{base}/v1/dev/mail"),
            ("Is it well?", f"{base}/readyz, or `rendezvous doctor`"),
            ("Data and logs", f"{self.home.root}, {self.home.logs}"),
        )
        self.terminal.table("Rendezvous is ready. Ctrl-C stops it.", rows)
        self.terminal.say(f"NATS_URL={nats_url}")
        self.terminal.say(f"RENDEZVOUS_DEMO_KEY={keyring.demo_key}")


def run(settings: Settings, terminal: Terminal) -> None:
    """Blocks until the system is stopped. Raises StartError."""
    with suppress(KeyboardInterrupt):  # Ctrl-C before the signals are ours
        asyncio.run(up(settings, terminal))
