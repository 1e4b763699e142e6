"""SQL of the gateway's own database: tenants and API keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from service_kit.database import Connection


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key as it is kept: all but the key itself."""

    id: str
    hash: bytes
    tenant: str
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


_KEY = "id, hash, tenant, name, scopes, created_at, last_used_at, revoked_at"


async def add_tenant(connection: Connection, slug: str) -> None:
    """Makes a tenant known; nothing happens where it is known already."""
    await connection.execute(
        "INSERT INTO tenants (slug) VALUES (%s) ON CONFLICT DO NOTHING", (slug,)
    )


async def tenant_exists(connection: Connection, slug: str) -> bool:
    """Whether a tenant is known."""
    found = await connection.execute("SELECT 1 FROM tenants WHERE slug = %s", (slug,))
    return await found.fetchone() is not None


async def put_key(connection: Connection, row: Mapping[str, Any]) -> None:
    """Adds a key, or gives a known one its new name and scopes; a revoked one stays revoked."""
    await connection.execute(
        """
        INSERT INTO api_keys (id, hash, tenant, name, scopes)
        VALUES (%(id)s, %(hash)s, %(tenant)s, %(name)s, %(scopes)s)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, scopes = excluded.scopes
        WHERE api_keys.hash = excluded.hash AND api_keys.tenant = excluded.tenant
        """,
        row,
    )


async def add_key(connection: Connection, row: Mapping[str, Any]) -> KeyRow | None:
    """Adds a key; nothing where its idempotency key was used in this tenant before."""
    cursor = connection.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(
        f"""
        INSERT INTO api_keys (id, hash, tenant, name, scopes, idempotency_key)
        VALUES (%(id)s, %(hash)s, %(tenant)s, %(name)s, %(scopes)s, %(idempotency_key)s)
        ON CONFLICT (tenant, idempotency_key) DO NOTHING
        RETURNING {_KEY}
        """,  # noqa: S608 - a constant
        row,
    )
    return await cursor.fetchone()


async def find_key(connection: Connection, key_id: str) -> KeyRow | None:
    """The key with this id that is not revoked."""
    cursor = connection.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(
        f"SELECT {_KEY} FROM api_keys WHERE id = %s AND revoked_at IS NULL",  # noqa: S608 - a constant
        (key_id,),
    )
    return await cursor.fetchone()


async def list_keys(connection: Connection, tenant: str) -> list[KeyRow]:
    """All keys of a tenant, revoked ones too, oldest first."""
    cursor = connection.cursor(row_factory=class_row(KeyRow))
    await cursor.execute(
        f"SELECT {_KEY} FROM api_keys WHERE tenant = %s ORDER BY created_at, id",  # noqa: S608 - a constant
        (tenant,),
    )
    return await cursor.fetchall()


async def revoke_key(connection: Connection, tenant: str, key_id: str) -> bool:
    """Revokes a key of this tenant; False where there is none that still works."""
    found = await connection.execute(
        """
        UPDATE api_keys SET revoked_at = now()
        WHERE id = %s AND tenant = %s AND revoked_at IS NULL
        """,
        (key_id, tenant),
    )
    return found.rowcount > 0


async def mark_used(connection: Connection, used: Mapping[str, datetime]) -> None:
    """Writes when keys were last used; an older moment never replaces a newer one."""
    ids: Sequence[str] = list(used)
    await connection.execute(
        """
        UPDATE api_keys SET last_used_at = used.at
        FROM unnest(%s::text[], %s::timestamptz[]) AS used (id, at)
        WHERE api_keys.id = used.id
          AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)
        """,
        (ids, [used[key_id] for key_id in ids]),
    )
