"""Whether a database is still the one it was, or has been restored from a dump.

The streams and the broker's counts go on from where the lost database was: what a restored one
would say stands where others have heard something else, and what it has not heard has been
acknowledged for it. So it says and hears nothing until `rendezvous streams repair` has looked
(ADR 0009).
"""

from psycopg.errors import InsufficientPrivilege

from service_kit.database import Connection
from service_kit.messages import Position


class RestoredDatabaseError(Exception):
    """The database was restored from a dump, and nobody has looked at it since."""

    def __init__(self) -> None:
        super().__init__("the database was restored from a backup; run `rendezvous streams repair`")


async def check(connection: Connection) -> None:
    """Raises `RestoredDatabaseError` where the database is not where it knows itself to be.

    A new one remembers where it is. On a connection in autocommit.
    """
    here = await _here(connection)
    known = await _known(connection)
    if known is None:
        await connection.execute(
            "INSERT INTO home (name) VALUES (%s) ON CONFLICT DO NOTHING", (here,)
        )
    elif known != here:
        raise RestoredDatabaseError


async def is_restored(connection: Connection) -> bool:
    """Whether `check` would raise; changes nothing. On a connection in autocommit."""
    return await _known(connection) not in {None, await _here(connection)}


async def check_tables(connection: Connection) -> None:
    """The same within a transaction, for as long as it lasts, once it has written to its tables.

    Nobody can then put other tables in their place before the commit.
    """
    known = await _known(connection)
    if known is None or not known.endswith(await _tables(connection)):
        raise RestoredDatabaseError


async def notice(connection: Connection, head: Position) -> None:
    """Notes where a restored record ended, before it goes on; the first one to see it is right."""
    await connection.execute(
        "UPDATE home SET restored_head = %s WHERE restored_head IS NULL", (head.sequence,)
    )


async def restored_head(connection: Connection) -> int | None:
    """Where a restored record ended when that was noticed; nothing where it was not."""
    cursor = await connection.execute("SELECT restored_head FROM home")
    row = await cursor.fetchone()
    return row[0] if row else None


async def accept(connection: Connection) -> None:
    """Somebody has looked: the database is at home here. On a connection in autocommit."""
    await connection.execute(
        """INSERT INTO home (name) VALUES (%s)
           ON CONFLICT (one) DO UPDATE SET name = excluded.name, restored_head = NULL""",
        (await _here(connection),),
    )


async def _known(connection: Connection) -> str | None:
    cursor = await connection.execute("SELECT name FROM home")
    row = await cursor.fetchone()
    return row[0] if row else None


async def _here(connection: Connection) -> str:
    """Names the server's cluster, and the tables as they were made in it.

    A dump that is restored makes them anew. A restart, a crash and a failover leave them.
    """
    try:
        cursor = await connection.execute("SELECT system_identifier FROM pg_control_system()")
        row = await cursor.fetchone()
    except InsufficientPrivilege:  # some who rent out servers keep it for themselves
        row = None
    return f"{row[0] if row else 'unknown'}{await _tables(connection)}"


async def _tables(connection: Connection) -> str:
    cursor = await connection.execute(
        """SELECT oid, coalesce(to_regclass('consumer_marks')::oid, 0)
           FROM pg_database WHERE datname = current_database()"""
    )
    row = await cursor.fetchone()
    return f"/{row[0]}/{row[1]}" if row else "/"
