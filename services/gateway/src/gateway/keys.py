"""API keys: made once, shown once, kept as a hash.

A key is `rdv_`, twelve characters that name it, and thirty-two that prove it (190 random bits, so
that a plain SHA-256 is as hard to reverse as any slow hash). It belongs to one tenant and carries
scopes.
"""

import hashlib
import hmac
import re
import secrets
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway import store
from gateway.store import KeyRow
from gateway.tenants import check_slug
from service_kit.clock import Clock
from service_kit.database import Connection, Database

SCOPES = (
    "bookings:read",
    "bookings:write",
    "people:read",
    "hosts:read",
    "calendar:write",
    "keys:write",
)
"""Everything that a key can be allowed; `people:read` shows names, addresses and answers."""

PREFIX = "rdv_"
CACHE_SECONDS = 5.0
CACHE_SIZE = 10_000

_ALPHABET = string.digits + string.ascii_letters
_ID_LENGTH, _SECRET_LENGTH = 12, 32
_FORM = re.compile(rf"rdv_([0-9A-Za-z]{{{_ID_LENGTH}}})[0-9A-Za-z]{{{_SECRET_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was verified: whose it is and what it may."""

    id: str
    tenant: str
    scopes: frozenset[str]


def new_key() -> str:
    """A fresh key, from the system's randomness."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH + _SECRET_LENGTH))


async def install(
    connection: Connection, *, key: str, tenant: str, name: str, scopes: Sequence[str]
) -> None:
    """Makes `key` valid for `tenant` with these scopes; the tenant becomes known, too.

    Doing it again changes nothing but the name and the scopes. Raises `ValueError` for what is no
    key, no scope, or a tenant whose slug is malformed or a word of our routes.
    """
    check_slug(tenant)
    _check_scopes(scopes)
    await store.add_tenant(connection, tenant)
    await store.put_key(connection, _row(key, tenant, name, scopes))


def _row(key: str, tenant: str, name: str, scopes: Sequence[str]) -> dict[str, object]:
    form = _FORM.fullmatch(key)
    if form is None:
        raise ValueError("an API key is rdv_ and 44 letters or digits")
    return {
        "id": form[1],
        "hash": hashlib.sha256(key.encode()).digest(),
        "tenant": tenant,
        "name": name,
        "scopes": sorted(set(scopes)),
    }


def _check_scopes(scopes: Sequence[str]) -> None:
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}")


class Keys:
    """Verifies, makes and revokes keys.

    What was verified is believed for `CACHE_SECONDS`: that long, at most, a revoked key still
    opens the doors of other replicas.
    """

    def __init__(
        self, database: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._verified: dict[bytes, tuple[float, ApiKey | None]] = {}
        self._used: dict[str, datetime] = {}

    async def verify(self, presented: str) -> ApiKey | None:
        """The key that was presented, or nothing where it is malformed, unknown or revoked."""
        form = _FORM.fullmatch(presented)
        if form is None:
            return None
        digest = hashlib.sha256(presented.encode()).digest()
        until, key = self._verified.get(digest, (0.0, None))
        if until < self._monotonic():
            key = await self._look_up(form[1], digest)
        if key is not None:
            self._used[key.id] = self._clock()
        return key

    async def create(
        self, tenant: str, name: str, scopes: Sequence[str], idempotency_key: str | None
    ) -> tuple[KeyRow, str] | None:
        """A new key and its only showing; nothing where the idempotency key was used before.

        Raises `ValueError` for an unknown scope.
        """
        _check_scopes(scopes)
        key = new_key()
        row = {**_row(key, tenant, name, scopes), "idempotency_key": idempotency_key}
        async with self._database.transaction() as connection:
            made = await store.add_key(connection, row)
        return None if made is None else (made, key)

    async def of_tenant(self, tenant: str) -> list[KeyRow]:
        """Every key of a tenant, oldest first."""
        async with self._database.reading() as connection:
            return await store.list_keys(connection, tenant)

    async def revoke(self, tenant: str, key_id: str) -> bool:
        """Ends a key of this tenant, here at once; False where there is none that still works."""
        async with self._database.transaction() as connection:
            revoked = await store.revoke_key(connection, tenant, key_id)
        self._verified.clear()
        return revoked

    async def write_last_used(self) -> int:
        """Writes when keys were last used, and answers 0: there is no more to do until later."""
        used, self._used = self._used, {}
        if used:
            # One statement in autocommit: a transaction's commit would wake this worker again.
            async with self._database.reading() as connection:
                await store.mark_used(connection, used)
        return 0

    async def close(self) -> None:
        """Writes what is not written yet."""
        await self.write_last_used()

    async def _look_up(self, key_id: str, digest: bytes) -> ApiKey | None:
        async with self._database.reading() as connection:
            row = await store.find_key(connection, key_id)
        key = None
        if row is not None and hmac.compare_digest(row.hash, digest):
            key = ApiKey(id=row.id, tenant=row.tenant, scopes=frozenset(row.scopes))
        if len(self._verified) >= CACHE_SIZE:
            self._verified.clear()
        self._verified[digest] = (self._monotonic() + CACHE_SECONDS, key)
        return key
