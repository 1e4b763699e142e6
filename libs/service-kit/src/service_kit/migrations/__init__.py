"""Migrations: plain SQL files, forward only, applied once each under an advisory lock.

A service keeps its files in `<package>/migrations/NNNN_<what>.sql`; the kit's own come first.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString, cast

import psycopg

LOCK = 7_365_131_001
"""The advisory lock that lets one migration run at a time in a database."""

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class ChangedMigrationError(Exception):
    """A file that was applied before reads differently now."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name with its package, and its SQL."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(package: str) -> list[Migration]:
    """The kit's files, then the package's, each by name."""
    packages = dict.fromkeys(("service_kit", package))
    return [migration for name in packages for migration in _files_of(name)]


def apply(database_url: str, package: str) -> list[str]:
    """Applies what is missing and answers with its names.

    Raises `ChangedMigrationError` where an applied file was edited, `psycopg.Error` where SQL
    fails (that file is rolled back; those before it stand).
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(_LEDGER)
        return [m.name for m in _missing(connection, package) if _run(connection, m)]


def pending(database_url: str, package: str) -> list[str]:
    """The names of the migrations that a database still lacks."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        known = connection.execute("SELECT to_regclass('schema_migrations')").fetchone()
        if known is None or known[0] is None:
            return [m.name for m in migrations(package)]
        return [m.name for m in _missing(connection, package)]


def _files_of(package: str) -> Iterator[Migration]:
    folder = files(package) / "migrations"
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".sql"):
            yield Migration(f"{package}/{file.name}", file.read_text(encoding="utf-8"))


def _missing(connection: psycopg.Connection, package: str) -> list[Migration]:
    rows = connection.execute("SELECT name, checksum FROM schema_migrations").fetchall()
    applied = {str(name): str(checksum) for name, checksum in rows}
    for migration in migrations(package):
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise ChangedMigrationError(
                f"{migration.name} was edited after it was applied; add a new file instead"
            )
    return [m for m in migrations(package) if m.name not in applied]


def _run(connection: psycopg.Connection, migration: Migration) -> bool:
    with connection.transaction():
        connection.execute(cast("LiteralString", migration.sql))
        connection.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
            (migration.name, migration.checksum),
        )
    return True
