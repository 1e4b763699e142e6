"""The pool, while Postgres comes and goes."""

import pytest
from psycopg_pool import PoolTimeout

from rendezvous.local.postgres import PostgresServer
from service_kit.database import Database
from service_kit.testing import eventually


async def test_a_database_that_was_away_at_first_is_opened_when_it_is_there(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = PostgresServer(tmp_path_factory.mktemp("late"))
    database = Database(server.url, patience=0.2)
    with pytest.raises(PoolTimeout):
        await database.open()
    server.start()

    async def opened() -> bool:
        await database.open()
        return True

    await eventually(opened)
    await database.ping()
    await database.close()
    server.stop()
