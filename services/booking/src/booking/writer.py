"""Saves commands that arrive together in one transaction of the event store.

Writers to an events table go one at a time (its lock keeps ids in commit order), so one thread
that saves many aggregates at once is faster than many that save one each. A group holds one
command a booking and a key. Where a group is refused, or its outcome is not known, each of its
commands is looked up by its key, and run again alone: one bad command never takes others down,
and a conflict that was our own commit is answered with the truth.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError
from prometheus_client import Histogram

from booking import store
from booking.application import (
    BookingNotFoundError,
    Bookings,
    Change,
    Command,
    VersionMismatchError,
)
from booking.domain import BookingError
from booking.recorder import BookingRecorder
from booking.store import Key, KnownKey
from service_kit.database import Database
from service_kit.errors import ProblemError, UnavailableError

GROUP = 64
BUDGET_SECONDS = 4.0

GROUP_SIZE = Histogram(
    "booking_group_size", "Commands saved in one transaction", buckets=(1, 2, 4, 8, 16, 32, 64)
)

AmbiguousError = (OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True)
class Saved:
    """A command's answer: the booking's version and position after it."""

    booking_id: UUID
    version: int
    position: int
    settled_version: int | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    command: Command
    answer: "asyncio.Future[Saved]"


class Writer:
    """The one hand that writes to the event store in this process."""

    def __init__(self, bookings: Bookings, database: Database) -> None:
        self._bookings = bookings
        self._database = database
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="event-store")

    async def carry_out(self, command: Command) -> Saved:
        """The answer to a command, once it stands in the event store.

        Raises `ProblemError` where a rule refuses it, `UnavailableError` where the store did not
        answer in time: then nobody knows whether it stands.
        """
        waiting = _Waiting(command, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        return await waiting.answer

    async def run(self) -> None:
        """Saves what has arrived, again and again; supervised."""
        while True:
            await self._arrived.wait()
            group = self._next_group()
            if not self._waiting:
                self._arrived.clear()
            if group:
                await self._save(group)

    def close(self) -> None:
        """Ends the thread, and the store's connections."""
        self._thread.shutdown(wait=True)
        self._bookings.close()

    def _next_group(self) -> list[_Waiting]:
        """One command a booking and a key, in order of arrival; the rest waits for the next."""
        group: list[_Waiting] = []
        rest: list[_Waiting] = []
        taken: set[UUID | Key] = set()
        for waiting in self._waiting:
            names = {waiting.command.booking_id, waiting.command.key} - {None}
            if len(group) < GROUP and not names & taken:
                group.append(waiting)
            else:
                rest.append(waiting)
            taken |= {name for name in names if name is not None}
        self._waiting = rest
        return group

    async def _save(self, group: Sequence[_Waiting]) -> None:
        GROUP_SIZE.observe(len(group))
        loop = asyncio.get_running_loop()
        commands = [waiting.command for waiting in group]
        answers: Sequence[Saved | Exception] = [UnavailableError("the service stops")] * len(group)
        try:
            answers = await loop.run_in_executor(self._thread, self._together, commands)
        finally:
            for waiting, answer in zip(group, answers, strict=True):
                _answer(waiting.answer, answer)
        self._database.committed()

    # ------------------------------------------------------------------ in the thread

    def _together(self, commands: Sequence[Command]) -> list[Saved | Exception]:
        answers: dict[int, Saved | Exception] = {}
        changes: dict[int, Change] = {}
        for index, command in enumerate(commands):
            decided = self._decided(command)
            if isinstance(decided, Change):
                changes[index] = decided
            else:
                answers[index] = decided
        try:
            saved = self._saved(list(changes.values()))
            answers |= dict(zip(changes, saved, strict=True))
        except (IntegrityError, *AmbiguousError):
            answers |= {index: self._alone(commands[index]) for index in changes}
        return [answers[index] for index in range(len(commands))]

    def _alone(self, command: Command) -> Saved | Exception:
        """Looks the key up, else decides anew, until it stands, is refused, or time is up."""
        deadline = time.monotonic() + BUDGET_SECONDS
        pause = 0.05
        while time.monotonic() < deadline:
            decided = self._decided(command, look_up=True)
            if not isinstance(decided, Change | UnavailableError):
                return decided
            try:
                if isinstance(decided, Change):
                    return self._saved([decided])[0]
            except IntegrityError:
                continue
            except AmbiguousError:
                pass
            time.sleep(pause)
            pause = min(pause * 2, 0.5)
        return UnavailableError("the event store did not answer in time")

    def _decided(self, command: Command, *, look_up: bool = False) -> Change | Saved | Exception:
        try:
            if look_up and (known := self._look_up(command)):
                return known
            return command.decide(self._bookings)
        except AmbiguousError:
            return UnavailableError("the event store does not answer")
        except (BookingNotFoundError, VersionMismatchError, BookingError) as refusal:
            # A repeat of a command that was carried out is answered as it was then.
            return self._look_up(command) or _problem(refusal)
        except Exception as error:  # noqa: BLE001 - one bad command must not take the others down
            return error

    def _saved(self, changes: Sequence[Change]) -> list[Saved]:
        fresh = [change for change in changes if change.booking.pending_events]
        writes = [write for change in fresh for write in change.writes]
        recordings = self._bookings.save(*[change.booking for change in fresh], writes=writes)
        reached = {r.notification.originator_id: r.notification.id for r in recordings}
        return [
            Saved(
                change.booking.id, change.booking.version, int(reached.get(change.booking.id) or 0)
            )
            for change in changes
        ]

    def _look_up(self, command: Command) -> Saved | ProblemError | None:
        if command.key is None:
            return None
        known = self._known(command.key)
        if known is None:
            return None
        if known.body_hash != command.key.body_hash:
            return ProblemError(
                "idempotency_key_reused",
                "This Idempotency-Key was used before with another body.",
                field="Idempotency-Key",
            )
        return Saved(known.booking_id, known.version, known.position, known.settled_version)

    def _known(self, key: Key) -> KnownKey | None:
        recorder = cast("BookingRecorder", self._bookings.recorder)
        row = recorder.fetch_one(store.KNOWN_KEY, (key.tenant, key.route, key.key))
        return KnownKey(**row) if row else None


def _problem(refusal: Exception) -> ProblemError:
    if isinstance(refusal, BookingError):
        return ProblemError(refusal.code, str(refusal))
    if isinstance(refusal, VersionMismatchError):
        return ProblemError("version_mismatch", "The booking has changed since you last saw it.")
    return ProblemError("not_found", "There is no such booking.")


def _answer(waiting: "asyncio.Future[Saved]", answer: Saved | BaseException) -> None:
    if waiting.done():
        return
    if isinstance(answer, BaseException):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
