"""Writes stored events, and what must stand or fall with them, in one transaction.

The library's recorder is kept but for its way of writing: it retries by itself for longer than
any caller waits, and says NOTIFY in every commit, which halves what the whole server can commit.
"""

from collections.abc import Sequence
from typing import Any, LiteralString, NamedTuple

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import Cursor
from psycopg.rows import DictRow


class Write(NamedTuple):
    """A statement that belongs to the events' transaction."""

    sql: LiteralString
    values: tuple[Any, ...]


class BookingRecorder(PostgresApplicationRecorder):
    """Stores events with the rows that were given along as `writes`."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, writes: Sequence[Write] = (), **_: Any
    ) -> Sequence[int] | None:
        """The events' notification ids, in commit order.

        Raises eventsourcing's `IntegrityError` on a conflict, which may be our own commit whose
        answer got lost, and `OperationalError` where the outcome is not known.
        """
        with self.datastore.get_connection() as connection, connection.pipeline() as pipeline:
            failed: Exception | None = None
            ids: list[int] = []
            with connection.transaction(), connection.cursor() as cursor:
                try:
                    for write in writes:
                        cursor.execute(write.sql, write.values)
                    if stored_events:
                        ids = self._insert(cursor, stored_events, pipeline.sync)
                    else:
                        pipeline.sync()
                except Exception as error:  # noqa: BLE001 - raised below, out of the pipeline
                    failed = error
            if failed:
                raise failed
        return ids

    def fetch_one(self, sql: LiteralString, values: tuple[Any, ...]) -> dict[str, Any] | None:
        """The first row of a query, by column name."""
        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            return cursor.execute(sql, values, prepare=True).fetchone()

    def _insert(
        self, cursor: Cursor[DictRow], stored_events: Sequence[StoredEvent], sync: Any
    ) -> list[int]:
        self._lock_table(cursor)
        super(PostgresApplicationRecorder, self)._insert_stored_events(cursor, stored_events)
        # Here, so that a broken constraint is raised as itself and not by the commit.
        sync()
        return [row["notification_id"] for row in cursor.fetchall()]
