"""The broker may be stopped, emptied, rolled back or purged: the streams are filled again."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import pytest

from rendezvous.local.nats import NatsServer, store
from service_kit.testing import eventually
from tests.e2e.clients import Client, client_of
from tests.e2e.conftest import StartSystem
from tests.e2e.system import System

STREAMS = ("BOOKING", "AVAILABILITY", "VIDEO", "NOTIFY")


async def _messages(url: str) -> dict[str, int]:
    client = await nats.connect(url)
    try:
        jetstream = client.jetstream()
        infos = [await jetstream.stream_info(name) for name in STREAMS]
        return {info.config.name or "": info.state.messages for info in infos}
    finally:
        await client.close()


async def _booked_and_mailed(system: System, client: Client, starts: list[str], name: str) -> None:
    for index, start in enumerate(starts):
        address = f"{name}-{index}@example.org"
        await client.book(start, attendee={"name": name, "email": address})
    await eventually(lambda: _mailed(system, name, len(starts)), 60, f"the mails of {name}")


async def _mailed(system: System, name: str, count: int) -> bool:
    return all(len(system.mails(f"{name}-{index}@example.org")) == 1 for index in range(count))


async def _no_mail_twice(system: System) -> None:
    ids = [str(mail["Message-ID"]) for mail in system.mails()]
    assert len(ids) == len(set(ids))


@pytest.mark.timeout(300)
async def test_a_broker_that_comes_back_empty_is_filled_again_and_nothing_doubles(
    new_system: StartSystem, nats_server: NatsServer
) -> None:
    async def lose() -> None:
        await asyncio.to_thread(nats_server.stop)
        await asyncio.sleep(10)  # the outage itself, as the story has it
        nats_server.empty()
        await asyncio.to_thread(nats_server.start)

    await _survives(new_system, nats_server, lose)


@pytest.mark.timeout(300)
async def test_a_broker_that_is_rolled_back_gets_its_tail_again(
    new_system: StartSystem, nats_server: NatsServer, tmp_path: Path
) -> None:
    system = new_system(nats_url=nats_server.url).start()
    async with client_of(system) as client:
        starts = [slot["start"] for slot in await client.slots()]
        await _booked_and_mailed(system, client, starts[:3], "early")
        await asyncio.to_thread(nats_server.stop)
        shutil.copytree(store(nats_server.directory), tmp_path / "copy")
        await asyncio.to_thread(nats_server.start)
        await asyncio.to_thread(system.wait_ready)
        await _booked_and_mailed(system, client, starts[3:6], "between")
        before = await _messages(nats_server.url)

        await asyncio.to_thread(nats_server.stop)
        nats_server.empty()
        shutil.copytree(tmp_path / "copy", store(nats_server.directory))
        await asyncio.to_thread(nats_server.start)

        await _recovers(system, client, nats_server, before, starts[6:9])


@pytest.mark.timeout(300)
async def test_a_stream_that_is_purged_while_running_is_filled_again(
    new_system: StartSystem, nats_server: NatsServer
) -> None:
    async def lose() -> None:
        client = await nats.connect(nats_server.url)
        for name in STREAMS:
            await client.jetstream().purge_stream(name)
        await client.close()

    await _survives(new_system, nats_server, lose)


async def _survives(
    new_system: StartSystem, nats_server: NatsServer, lose: Callable[[], Awaitable[None]]
) -> None:
    system = new_system(nats_url=nats_server.url).start()
    async with client_of(system) as client:
        starts = [slot["start"] for slot in await client.slots()]
        await _booked_and_mailed(system, client, starts[:4], "before")
        before = await _messages(nats_server.url)

        await lose()

        await _recovers(system, client, nats_server, before, starts[4:8])


async def _recovers(
    system: System,
    client: Client,
    nats_server: NatsServer,
    before: dict[str, int],
    starts: list[str],
) -> None:
    async def filled() -> bool:
        now = await _messages(nats_server.url)
        return all(now[name] >= before[name] for name in STREAMS)

    await eventually(filled, 40, "the streams to be filled again")
    await asyncio.to_thread(system.wait_ready)
    await _booked_and_mailed(system, client, starts, "after")
    await _no_mail_twice(system)
