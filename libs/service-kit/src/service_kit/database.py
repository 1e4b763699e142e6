"""A service's own Postgres: a small pool, transactions that wake what waits for their commit."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Connection = AsyncConnection[TupleRow]

_LIBPQ = {
    # A dead peer is found in seconds rather than hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "connect_timeout": "5",
}


def conninfo(url: str, name: str) -> str:
    """A connection string for `url` that notices dead peers; `name` shows in pg_stat_activity."""
    return make_conninfo(url, application_name=name, **_LIBPQ)


async def connect(url: str, name: str) -> Connection:
    """A connection of its own, in autocommit, for whoever must hold one (a lock, a LISTEN)."""
    return await AsyncConnection[TupleRow].connect(conninfo(url, name), autocommit=True)


_held: ContextVar[list["Database"] | None] = ContextVar("held_announcements", default=None)


@contextmanager
def announcements_held() -> Generator[Callable[[], None]]:
    """Holds back what `on_commit` would tell, until the yielded function is called.

    For loops that look for work in transactions of their own: a look that found nothing must
    wake nobody, or two loops would keep each other awake for ever.
    """
    held: list[Database] = []
    token = _held.set(held)

    def tell() -> None:
        for database in dict.fromkeys(held):
            database.committed()

    try:
        yield tell
    finally:
        _held.reset(token)


class Database:
    """The pool of one process.

    A unit of work is a `transaction`; when it has committed, everybody who asked by `on_commit`
    is called (the relay and the workers, who look for what was written).
    """

    def __init__(
        self, url: str, *, size: int = 8, name: str = "rendezvous", patience: float = 10
    ) -> None:
        self.url = url
        self._size, self._name, self._patience = size, name, patience
        self._listeners: list[Callable[[], None]] = []
        self._pool = self._new_pool()

    async def open(self) -> None:
        """Opens the pool; raises `psycopg_pool.PoolTimeout` where Postgres does not answer.

        May be called again after that: a pool that gave up cannot be reused, so a new one takes
        its place.
        """
        try:
            await self._pool.open(wait=True, timeout=self._patience)
        except PoolTimeout:
            await self._pool.close(timeout=0)
            self._pool = self._new_pool()
            raise

    async def close(self) -> None:
        """Closes the pool; connections in use are closed when they come back."""
        await self._pool.close(timeout=5)

    def _new_pool(self) -> AsyncConnectionPool[Connection]:
        return AsyncConnectionPool[Connection](
            conninfo(self.url, self._name),
            min_size=1,
            max_size=self._size,
            open=False,
            timeout=5,
            max_waiting=1000,
            name=self._name,
            kwargs={"autocommit": True},
        )

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after each transaction that committed in this process."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction: committed at the end, rolled back where the block raises."""
        async with self._pool.connection() as connection, connection.transaction():
            yield connection
        self.committed()

    def committed(self) -> None:
        """Tells everybody who asked that something was committed in this process."""
        held = _held.get()
        if held is not None:
            held.append(self)
            return
        for listener in self._listeners:
            listener()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Connection]:
        """A connection in autocommit, for single statements that read."""
        async with self._pool.connection() as connection:
            yield connection

    async def ping(self) -> None:
        """Raises where the database does not answer."""
        async with self.reading() as connection:
            await connection.execute("SELECT 1")
