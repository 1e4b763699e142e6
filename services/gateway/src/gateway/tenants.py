"""Which tenants there are, and which words can never be one."""

import re
import time
from collections.abc import Callable

from gateway import store
from service_kit.database import Database

SLUG = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")

RESERVED = frozenset(
    (
        # words of the API
        *("api-keys", "appointment-types", "bookings", "calendar-connections", "dev", "events"),
        *("exports", "feeds", "feedback", "holds", "hosts", "me", "notifications", "payments"),
        *("people", "persons", "reports", "resources", "schedules", "series", "sessions"),
        *("tenants", "users", "webhooks"),
        # words of the pages
        *("app", "assets", "b", "call", "docs", "embed", "favicon", "health", "livez", "login"),
        *("logout", "metrics", "openapi", "problems", "readyz", "robots", "sign-in", "static"),
        *("v1", "v2", "well-known"),
    )
)
"""Slugs that no tenant may have, because routes use or will use these words."""

KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 1.0
CACHE_SIZE = 10_000


def check_slug(slug: str) -> None:
    """Raises `ValueError` where a slug is malformed or a word of our routes."""
    if not SLUG.fullmatch(slug):
        raise ValueError(f"a tenant's slug is lower-case letters, digits and hyphens: {slug!r}")
    if slug in RESERVED:
        raise ValueError(f"{slug!r} is a word of our routes and cannot name a tenant")


class Tenants:
    """Answers whether a tenant exists, mostly from memory."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, bool]] = {}

    async def exists(self, slug: str) -> bool:
        """Whether `slug` is a tenant; a new one is seen within `UNKNOWN_SECONDS`."""
        if not SLUG.fullmatch(slug) or slug in RESERVED:
            return False
        until, known = self._seen.get(slug, (0.0, False))
        if until > self._monotonic():
            return known
        async with self._database.reading() as connection:
            known = await store.tenant_exists(connection, slug)
        if len(self._seen) >= CACHE_SIZE:
            self._seen.clear()
        lifetime = KNOWN_SECONDS if known else UNKNOWN_SECONDS
        self._seen[slug] = (self._monotonic() + lifetime, known)
        return known
