"""A service's start and stop: wires the rooms that every service has, once, by hand.

`run` blocks until SIGTERM or SIGINT. It opens the database, connects to NATS, lets the service
build its own parts, then answers requests, publishes the outbox, handles events and works.
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import structlog
import uvloop
from faststream.middlewares import AckPolicy
from faststream.nats import NatsBroker
from nats.aio.client import Client
from starlette.applications import Starlette

from contracts.envelope import Event
from service_kit import rpc, streams, telemetry
from service_kit.bus import Bus
from service_kit.clock import Clock, system_clock
from service_kit.consumer import Applier, EventConsumer, RetryPolicy, transactional
from service_kit.database import Database
from service_kit.health import Health
from service_kit.http import AsgiApp, HttpServer
from service_kit.outbox import OutboxSource
from service_kit.relay import Relay
from service_kit.rpc import Rpc
from service_kit.settings import ServiceSettings
from service_kit.source import Source
from service_kit.supervision import Supervisor
from service_kit.workers import Worker

STARTING_SECONDS = 60.0
GRACE_SECONDS = 8.0

_log = structlog.get_logger()


@dataclass
class Runtime:
    """What a service is given to build itself from."""

    name: str
    settings: ServiceSettings
    clock: Clock
    database: Database
    client: Client
    rpc: Rpc
    health: Health
    on_reconnect: list[Callable[[], None]]


@dataclass
class Http:
    """An application of the service's own, and where it listens."""

    app: AsgiApp
    host: str
    port: int


@dataclass
class Parts:
    """What a service consists of. `context` names the stream of what it says, if it says any.

    `source`, and `apply` with the events it `consumes`, replace the outbox and the handlers in
    the inbox's transaction, for a service whose events live elsewhere (an event store).
    """

    bus: Bus
    context: str | None = None
    workers: Sequence[Worker] = ()
    background: dict[str, Callable[[], Awaitable[None]]] = field(
        default_factory=dict[str, Callable[[], Awaitable[None]]]
    )
    source: Source | None = None
    apply: Applier | None = None
    consumes: Sequence[type[Event]] = ()
    retries: RetryPolicy | None = None
    http: Http | None = None
    closing: Sequence[Callable[[], Awaitable[None]]] = ()


Build = Callable[[Runtime], Awaitable[Parts]]


def run(name: str, settings: ServiceSettings, build: Build) -> None:
    """Runs a service until it is told to stop; `name` is its name on the bus, e.g. `booking`."""
    telemetry.configure_logs(name, settings.log_level)
    telemetry.configure_traces(name, settings.otel_exporter_otlp_endpoint)
    uvloop.run(_run(name, settings, build))
    telemetry.flush_traces()


async def _run(name: str, settings: ServiceSettings, build: Build) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        service = RunningService(name, settings)
        stack.push_async_callback(service.close)
        started = asyncio.create_task(service.start(build))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((started, stopped), return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            started.result()
            _log.info("ready for requests")
            await stopped
        started.cancel()
        _log.info("stopping")


class RunningService:
    """One service in this process, from its connections to its tasks."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.database = Database(settings.database_url, size=settings.pool_size, name=name)
        self.health = Health(name)
        self._supervisor = Supervisor()
        self._on_reconnect: list[Callable[[], None]] = []
        self._servers: list[HttpServer] = []
        self._broker: NatsBroker | None = None
        self._parts = Parts(Bus(name))

    async def start(self, build: Build) -> None:
        """Starts everything; raises where the database or the broker stay away too long."""
        await _insist(self.database.open, "the database")
        self._broker = nats_broker(self.settings.nats_url, self._reconnected)
        await _insist(self._broker.connect, "NATS")
        client = connection_of(self._broker)
        runtime = Runtime(
            name=self.name,
            settings=self.settings,
            clock=system_clock(self.settings.clock_file),
            database=self.database,
            client=client,
            rpc=Rpc(client),
            health=self.health,
            on_reconnect=self._on_reconnect,
        )
        self._parts = await build(runtime)
        self.health.declarations = self._declarations
        await self._start_bus(runtime, self._broker)
        self._start_relay(runtime)
        self._start_workers()
        self._add_checks(client)
        await self.health.answer_over(client)
        await self._serve()
        _calm_the_collector()

    async def close(self) -> None:
        """Stops in the order that loses nothing: the doors first, the connections last."""
        self.health.stopping = True
        for server in reversed(self._servers):
            await server.stop(GRACE_SECONDS)
        if self._broker is not None:
            await rpc.hang_up(self._broker)
        await self._supervisor.stop()
        for closing in self._parts.closing:
            await closing()
        if self._broker is not None:
            await self._broker.stop()
        await self.database.close()

    async def _start_bus(self, runtime: Runtime, broker: NatsBroker) -> None:
        for handler in self._parts.bus.requests:
            rpc.serve(broker, self.name, handler)
        await broker.start()
        handlers = self._parts.bus.events
        apply = self._parts.apply or transactional(self.database, handlers)
        for context, events in streams.by_context(self._consumed()).items():
            consumer = EventConsumer(
                self.name,
                context,
                events,
                client=runtime.client,
                database=self.database,
                clock=runtime.clock,
                apply=apply,
                policy=self._parts.retries,
            )
            self._on_reconnect.append(consumer.renew)
            self._supervisor.watch(consumer.name, consumer.run)
            self.health.checks[f"consumer {consumer.name}"] = _checked(consumer.problem)

    def _start_relay(self, runtime: Runtime) -> None:
        if self._parts.context is None:
            return
        source = self._parts.source or OutboxSource(self.name)
        relay = Relay(self._parts.context, source, self.settings.database_url, runtime.client)
        self.database.on_commit(relay.wake)
        self._on_reconnect.append(relay.relocate)
        self._supervisor.watch("relay", relay.run)
        self._supervisor.watch("relay nudge", relay.nudge)
        self.health.checks["relay"] = _checked(relay.problem)

    def _start_workers(self) -> None:
        for worker in self._parts.workers:
            self.database.on_commit(worker.wake)
            self._supervisor.watch(worker.name, worker.run)
        for name, background in self._parts.background.items():
            self._supervisor.watch(name, background)

    def _add_checks(self, client: Client) -> None:
        async def database() -> None:
            await self.database.ping()

        async def broker() -> str | None:
            return None if client.is_connected else "not connected"

        async def tasks() -> str | None:
            return "; ".join(self._supervisor.problems()) or None

        self.health.checks |= {"database": database, "broker": broker, "tasks": tasks}

    async def _serve(self) -> None:
        probes = Starlette(routes=self.health.routes())
        self._servers = [HttpServer(probes, self.settings.health_host, self.settings.health_port)]
        if http := self._parts.http:
            self._servers.append(HttpServer(http.app, http.host, http.port))
        for server in self._servers:
            await server.start()

    def _declarations(self) -> dict[str, Any]:
        # Imported when somebody asks: it costs memory that a service need not pay.
        from service_kit import asyncapi  # noqa: PLC0415

        return asyncapi.document(
            self.name,
            requests=[handler.request for handler in self._parts.bus.requests],
            consumes=self._consumed(),
            context=self._parts.context,
            version=metadata.version(self.name),
        )

    def _consumed(self) -> list[type[Event]]:
        handled = [handler.event for handler in self._parts.bus.events]
        return [*handled, *self._parts.consumes]

    async def _reconnected(self) -> None:
        _log.info("connected to NATS again")
        for listener in self._on_reconnect:
            listener()


def _calm_the_collector() -> None:
    """What start-up made stays for good: a collection need not look at it again.

    With Python's own thresholds, full collections took 20 ms in the middle of requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def nats_broker(url: str, reconnected: Callable[[], Awaitable[None]] | None = None) -> NatsBroker:
    """A broker that never gives up: after 60 tries the default would freeze the event loop."""
    return NatsBroker(
        url.split(","),
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        ping_interval=5,
        max_outstanding_pings=2,
        connect_timeout=5,
        graceful_timeout=GRACE_SECONDS,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        apply_types=False,
        reconnected_cb=reconnected,
        logger=None,
    )


def connection_of(broker: NatsBroker) -> Client:
    """The nats-py client that a connected broker speaks through."""
    connection = broker.config.connection_state.connection
    if not isinstance(connection, Client):
        raise TypeError("the broker is not connected")
    return connection


def _checked(problem: Callable[[], str | None]) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        return problem()

    return check


async def _insist(attempt: Callable[[], Awaitable[Any]], what: str) -> None:
    """Tries until it works: at a system's start the parts come up in any order."""
    deadline = asyncio.get_running_loop().time() + STARTING_SECONDS
    while True:
        try:
            await attempt()
        except Exception as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            _log.warning(f"{what} does not answer yet", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.5)
        else:
            return
