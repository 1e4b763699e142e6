"""The people of a booking, asked of the services that know them at the moment of use."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from contracts import availability, booking
from contracts.envelope import Contract, Request
from notify.domain.letters import Briefing, Document, Host, Person
from notify.domain.notifications import DeliveryError
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc

ASKING_SECONDS: Final = 5.0

_OVER: Final = frozenset({"cancelled", "declined", "unavailable", "expired"})

ReplyT = TypeVar("ReplyT", bound=Contract)


class BookingDirectory:
    """Asks booking and availability; keeps nothing.

    Mails about one booking that are written at the same time share one answer.
    """

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._asking: dict[UUID, asyncio.Task[Briefing]] = {}

    async def brief(self, tenant: str, booking_id: UUID, host_id: UUID) -> Briefing:
        """Everything personal about a booking; raises `DeliveryError`."""
        asking = self._asking.get(booking_id)
        if asking is None:
            asking = asyncio.create_task(self._brief(tenant, booking_id, host_id))
            self._asking[booking_id] = asking
            asking.add_done_callback(lambda _: self._asking.pop(booking_id, None))
        # One mail that is given up must not take the answer from the others.
        return await asyncio.shield(asking)

    async def _brief(self, tenant: str, booking_id: UUID, host_id: UUID) -> Briefing:
        view, hosts = await asyncio.gather(
            self._ask(booking.GetBooking(tenant=tenant, booking_id=booking_id)),
            self._ask(availability.GetHosts(tenant=tenant, ids=[host_id])),
        )
        host = next((h for h in hosts.items if h.id == host_id), None)
        return Briefing(
            cancelled=view.status in _OVER,
            number=view.number,
            manage_url=view.manage_url,
            attendee=_person(view.attendee) if view.attendee else None,
            host=Host(host.id, host.name, host.email, host.time_zone) if host else None,
            guests=tuple(map(_person, view.guests)),
            join_url=view.join_url,
            host_join_url=view.host_join_url,
            answers=_answers(view.answers),
            notes=view.notes,
            documents=tuple(Document(d.title, d.url) for d in view.documents),
        )

    async def _ask(self, request: Request[ReplyT]) -> ReplyT:
        service = request.SERVICE
        try:
            return await self._rpc.call(request, timeout=ASKING_SECONDS)
        except UnavailableError as error:
            raise DeliveryError(f"{service}_unreachable") from error
        except ProblemError as problem:
            permanent = problem.code == "not_found"
            reason = f"{service}_unknown" if permanent else f"{service}_refused"
            raise DeliveryError(reason, permanent=permanent) from problem


def _person(person: booking.Person) -> Person:
    return Person(person.person_id, person.name, person.email, person.phone)


def _answers(answers: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((question, _words(answer)) for question, answer in answers.items())


def _words(answer: Any) -> str:
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    if isinstance(answer, list):
        return ", ".join(_words(each) for each in cast("list[Any]", answer))
    return "" if answer is None else str(answer)
