"""The dead letters of every service: found, shown, handled again, dropped."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rendezvous.errors import StartError
from rendezvous.services import Service
from service_kit import dead_letters
from service_kit.database import Connection
from service_kit.dead_letters import DeadLetter

LEAST_PREFIX = 4
LOOK_AGAIN_SECONDS = 0.25


@dataclass(frozen=True)
class Letter:
    """A dead letter, and the service that keeps it."""

    service: Service
    letter: DeadLetter

    def as_json(self) -> dict[str, Any]:
        """Everything but the body, which `show` has."""
        letter = self.letter
        return {
            "id": str(letter.id),
            "service": self.service.name,
            "consumer": letter.consumer,
            "type": self.kind,
            "subject": letter.subject,
            "died_at": letter.died_at.isoformat(),
            "deliveries": letter.deliveries,
            "replay_wanted": letter.replay_wanted,
            "error": letter.error,
            "headers": dict(letter.headers),
        }

    @property
    def kind(self) -> str:
        """What kind of event it was, as far as it can be told."""
        return self.letter.headers.get("ce-type", "unreadable")

    def body(self) -> str:
        """The body for a reader: JSON set in lines, else text, else bytes by their numbers."""
        raw = self.letter.body
        try:
            return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
        except ValueError:
            return raw.decode(errors="backslashreplace")


@dataclass(frozen=True)
class Outcome:
    """What came of letters that were to be handled again."""

    handled: Sequence[Letter]
    failed: Sequence[Letter]
    unanswered: Sequence[Letter]


async def listed(
    connections: Mapping[Service, Connection], consumer: str | None = None
) -> list[Letter]:
    """Every letter, or those of one service or consumer, the newest first."""
    found = [
        Letter(service, letter)
        for service, connection in connections.items()
        for letter in await dead_letters.listed(connection)
        if consumer is None or consumer in (service.name, letter.consumer)
    ]
    return sorted(found, key=lambda each: each.letter.died_at, reverse=True)


async def one(connections: Mapping[Service, Connection], beginning: str) -> Letter:
    """The letter whose id begins so. Raises StartError where there is none, or several."""
    if len(beginning) < LEAST_PREFIX:
        raise StartError(f"{beginning} is too short: give at least {LEAST_PREFIX} characters.")
    letters = await listed(connections)
    found = [each for each in letters if str(each.letter.id).startswith(beginning.lower())]
    if not found:
        raise StartError(f"There is no dead letter {beginning}: see `rendezvous dlq list`.")
    if len(found) > 1:
        raise StartError(f"{len(found)} dead letters begin with {beginning}: give more of the id.")
    return found[0]


async def replay(
    connections: Mapping[Service, Connection], letters: Sequence[Letter], within: float
) -> Outcome:
    """Has letters handled again by their services, and waits for that, `within` seconds at most.

    What is not handled by then will be when its service runs.
    """
    for service, own in _by_service(letters).items():
        await dead_letters.want_back(connections[service], [each.letter.id for each in own])
    deadline = asyncio.get_running_loop().time() + within
    while True:
        waiting = {each.letter.id: each for each in await _still_there(connections, letters)}
        unanswered = [each for each in waiting.values() if each.letter.replay_wanted]
        if not unanswered or asyncio.get_running_loop().time() > deadline:
            return Outcome(
                [each for each in letters if each.letter.id not in waiting],
                [each for each in waiting.values() if not each.letter.replay_wanted],
                unanswered,
            )
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def drop(connections: Mapping[Service, Connection], letters: Sequence[Letter]) -> None:
    """Forgets letters for good."""
    for each in letters:
        await dead_letters.drop(connections[each.service], each.letter.id)


async def _still_there(
    connections: Mapping[Service, Connection], letters: Sequence[Letter]
) -> list[Letter]:
    return [
        Letter(service, letter)
        for service, own in _by_service(letters).items()
        for letter in await dead_letters.still_there(
            connections[service], [each.letter.id for each in own]
        )
    ]


def _by_service(letters: Sequence[Letter]) -> dict[Service, list[Letter]]:
    found: dict[Service, list[Letter]] = {}
    for each in letters:
        found.setdefault(each.service, []).append(each)
    return found
