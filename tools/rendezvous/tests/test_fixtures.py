from collections.abc import Callable
from urllib.parse import urlsplit

import nats
import psycopg
import pytest

from rendezvous.local.nats import NatsServer
from rendezvous.local.ports import is_free


def test_the_real_server_is_a_postgres_18_with_room_for_every_pool(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        version = connection.execute("SHOW server_version_num").fetchone()
        room = connection.execute("SHOW max_connections").fetchone()

    assert version is not None
    assert int(version[0]) >= 180000
    assert room == ("400",)


def test_a_role_owns_its_database_and_reaches_no_other(database: Callable[[str], str]) -> None:
    mine, other = database("booking"), database("notify")

    with psycopg.connect(mine) as connection:
        connection.execute("CREATE TABLE bookings (id bigint)")

    trespass = urlsplit(mine)._replace(path=urlsplit(other).path).geturl()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(trespass)


async def test_a_nats_server_keeps_its_streams_through_a_kill_and_loses_them_when_emptied(
    nats_server: NatsServer, nats_url: str
) -> None:
    client = await nats.connect(nats_url)
    await client.jetstream().add_stream(name="BOOKING", subjects=["events.>"])
    await client.close()

    nats_server.kill()
    assert is_free(nats_server.port)
    nats_server.start()
    client = await nats.connect(nats_url)
    assert len(await client.jetstream().streams_info()) == 1
    await client.close()

    nats_server.stop()
    nats_server.empty()
    nats_server.start()
    client = await nats.connect(nats_url)
    assert await client.jetstream().streams_info() == []
    await client.close()
