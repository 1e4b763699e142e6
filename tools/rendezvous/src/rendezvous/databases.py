"""One database a service, owned by a role of its own that may reach no other."""

from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

LOCK = 7_365_131_002
"""The advisory lock that lets one caller at a time make databases."""


class ForeignDatabaseError(Exception):
    """A database of this name is somebody else's."""


def ensure(admin_url: str, name: str, password: str) -> str:
    """Creates the role and the database `name` where they are absent; returns the role's URL.

    `admin_url` is a URL or a libpq connection string of a role that may create both. The role's
    password becomes `password`. Raises psycopg.Error, and ForeignDatabaseError where the database
    has another owner.
    """
    role = sql.Identifier(name)
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=5) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        owner = _owner(admin, name)
        if owner not in {None, name}:
            raise ForeignDatabaseError(f"the database {name} belongs to somebody else, {owner}")
        if not _has_role(admin, name):
            admin.execute(sql.SQL("CREATE ROLE {}").format(role))
        admin.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
        )
        # An administrator who is no superuser acts on a role's things as its member.
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        if owner is None:
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))
    return url_of(admin_url, name, password)


def drop(admin_url: str, name: str) -> None:
    """Drops the database and the role, whoever is connected."""
    role = sql.Identifier(name)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(role))
        admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))


def url_of(admin_url: str, name: str, password: str) -> str:
    """The URL of the database `name` for its role, on the same server as `admin_url`."""
    known = {key: str(value) for key, value in conninfo_to_dict(admin_url).items()}
    for replaced in ("user", "password", "dbname"):
        known.pop(replaced, None)
    host, port = known.pop("host", "localhost"), known.pop("port", "5432")
    if "/" in host or "," in host or ":" in host:
        place, known = "", {"host": host, "port": port, **known}
    else:
        place = f"{host}:{port}"
    query = f"?{urlencode(known, quote_via=quote)}" if known else ""
    return f"postgresql://{quote(name, safe='')}:{quote(password, safe='')}@{place}/{name}{query}"


def _owner(admin: psycopg.Connection, database: str) -> str | None:
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s"
    row = admin.execute(query, (database,)).fetchone()
    return str(row[0]) if row else None


def _has_role(admin: psycopg.Connection, name: str) -> bool:
    query = "SELECT FROM pg_roles WHERE rolname = %s"
    return admin.execute(query, (name,)).fetchone() is not None
