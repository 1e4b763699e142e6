"""Private feeds: of a token only its SHA-256 is kept."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from service_kit.database import Connection


async def replace(
    connection: Connection, tenant: str, host_id: UUID, token: str, at: datetime
) -> None:
    """Gives a host's feed a new token; the old one stands for nothing any more."""
    await connection.execute(
        """
        INSERT INTO feeds (tenant, host_id, token_hash, created_at) VALUES (%s, %s, %s, %s)
        ON CONFLICT (tenant, host_id) DO UPDATE
        SET token_hash = excluded.token_hash, created_at = excluded.created_at
        """,
        (tenant, host_id, _hash(token), at),
    )


async def owner(connection: Connection, token: str) -> tuple[str, UUID] | None:
    """The tenant and the host of a token, or nothing."""
    cursor = await connection.execute(
        "SELECT tenant, host_id FROM feeds WHERE token_hash = %s", (_hash(token),)
    )
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


def _hash(token: str) -> bytes:
    # A token is random to the last bit, so a plain hash is all that it takes.
    return sha256(token.encode()).digest()
