from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import pytest

from rendezvous.errors import StartError
from rendezvous.local import nats as local
from rendezvous.local.ports import free_port
from rendezvous.local.program import Child
from rendezvous.migrate import check_nats


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Child, int]]:
    port = free_port()
    program = local.program(tmp_path / "nats", port=port, password="s3-cr_et")
    child = Child(program, tmp_path / "log").wait_ready()
    yield child, port
    child.stop()


async def test_a_password_opens_it_and_nothing_else_does(guarded: tuple[Child, int]) -> None:
    _, port = guarded

    client = await nats.connect(local.url(port, "s3-cr_et"))
    assert (await client.jetstream().account_info()).streams == 0
    await client.close()
    with pytest.raises(StartError, match="NATS_URL cannot be reached: nats: 'Authorization Viol"):
        await check_nats(local.url(port, "guess"))


def test_it_listens_on_loopback_and_on_its_port_alone(guarded: tuple[Child, int]) -> None:
    child, port = guarded

    listening = [
        connection.laddr
        for connection in psutil.Process(child.process.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]

    assert [tuple(address) for address in listening] == [("127.0.0.1", port)]


@pytest.mark.usefixtures("guarded")
def test_its_configuration_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert (tmp_path / "nats" / "nats.conf").stat().st_mode & 0o077 == 0
