"""SQL beside the events: idempotency keys, people, words. One function a statement."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from booking.domain import PersonRef
from booking.recorder import Write
from service_kit.database import Connection


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key for a command, and the SHA-256 of what was asked with it."""

    tenant: str
    route: str
    key: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """The first answer that was given to a key."""

    body_hash: str
    booking_id: UUID
    version: int
    settled_version: int | None
    position: int


@dataclass(frozen=True, slots=True)
class Person:
    """One version of a person's details. `phone` is E.164 where given."""

    person_id: UUID
    version: int
    tenant: str
    name: str
    email: str
    phone: str | None

    @property
    def ref(self) -> PersonRef:
        """The person as events know them."""
        return PersonRef(self.person_id, self.version)


@dataclass(frozen=True, slots=True)
class Words:
    """What a client wrote with a booking."""

    booking_id: UUID
    tenant: str
    answers: dict[str, Any]
    notes: str | None
    documents: list[dict[str, Any]]


def remember_key(key: Key, booking_id: UUID, version: int, at: datetime) -> Write:
    """Fails the transaction where the key is known: the first answer stands."""
    return Write(
        """INSERT INTO idempotency_keys
               (tenant, route, key, body_hash, booking_id, version, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (key.tenant, key.route, key.key, key.body_hash, booking_id, version, at),
    )


def settle_keys(booking_id: UUID, version: int) -> Write:
    """Notes at which version a booking's request got its answer; the first one stands."""
    return Write(
        """UPDATE idempotency_keys SET settled_version = %s
           WHERE booking_id = %s AND settled_version IS NULL""",
        (version, booking_id),
    )


def keep_person(person: Person, at: datetime) -> Write:
    """Keeps a version of a person's details."""
    return Write(
        """INSERT INTO people
               (person_id, version, tenant, email_key, name, email, phone, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
        (
            person.person_id,
            person.version,
            person.tenant,
            email_key(person.email),
            person.name,
            person.email,
            person.phone,
            at,
        ),
    )


def keep_words(words: Words) -> Write:
    """Keeps what a client wrote."""
    return Write(
        """INSERT INTO booking_words (booking_id, tenant, answers, notes, documents)
           VALUES (%s, %s, %s::jsonb, %s, %s::jsonb)""",
        (
            words.booking_id,
            words.tenant,
            json.dumps(words.answers),
            words.notes,
            json.dumps(words.documents),
        ),
    )


def keep_cancel_reason(booking_id: UUID, reason: str) -> Write:
    """Keeps the words of a cancellation."""
    return Write(
        "UPDATE booking_words SET cancel_reason = %s WHERE booking_id = %s", (reason, booking_id)
    )


def email_key(email: str) -> str:
    """An address as it is compared: without case."""
    return email.strip().casefold()


KNOWN_KEY = """
SELECT k.body_hash, k.booking_id, k.version, k.settled_version,
       (SELECT max(notification_id) FROM bookings_events e
        WHERE e.originator_id = k.booking_id) AS position
FROM idempotency_keys k WHERE k.tenant = %s AND k.route = %s AND k.key = %s
"""


async def newest_people(
    connection: Connection, tenant: str, emails: Iterable[str]
) -> dict[str, Person]:
    """The newest details of whoever has these addresses, by `email_key`."""
    async with connection.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(
            """SELECT DISTINCT ON (email_key) person_id, version, tenant, name, email, phone
               FROM people WHERE tenant = %s AND email_key = ANY(%s)
               ORDER BY email_key, version DESC, created_at""",
            (tenant, [email_key(email) for email in emails]),
        )
        return {email_key(person.email): person for person in await cursor.fetchall()}


async def people_at(connection: Connection, refs: Sequence[PersonRef]) -> list[Person]:
    """The details of people at the versions that were meant; erased ones are absent."""
    async with connection.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(
            """SELECT person_id, version, tenant, name, email, phone
               FROM people JOIN unnest(%s::uuid[], %s::int[]) AS wanted (id, at)
                    ON person_id = wanted.id AND version = wanted.at""",
            ([ref.person_id for ref in refs], [ref.version for ref in refs]),
        )
        return await cursor.fetchall()


async def people_now(connection: Connection, tenant: str, ids: Sequence[UUID]) -> list[Person]:
    """The newest details of people by id; erased ones are absent."""
    async with connection.cursor(row_factory=class_row(Person)) as cursor:
        await cursor.execute(
            """SELECT DISTINCT ON (person_id) person_id, version, tenant, name, email, phone
               FROM people WHERE tenant = %s AND person_id = ANY(%s)
               ORDER BY person_id, version DESC""",
            (tenant, list(ids)),
        )
        return await cursor.fetchall()


async def words_of(connection: Connection, booking_id: UUID) -> Words | None:
    """What a client wrote with a booking; nothing where it was erased."""
    async with connection.cursor(row_factory=class_row(Words)) as cursor:
        await cursor.execute(
            """SELECT booking_id, tenant, answers, notes, documents
               FROM booking_words WHERE booking_id = %s""",
            (booking_id,),
        )
        return await cursor.fetchone()
