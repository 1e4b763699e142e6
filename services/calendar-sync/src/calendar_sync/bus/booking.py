"""What calendar-sync asks of booking."""

from collections.abc import Collection, Mapping
from uuid import UUID

from calendar_sync.domain import Person
from contracts import booking as contract
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc


class BookingsOverRpc:
    """Asks booking over the bus. Raises `UnavailableError` where it has no answer to give."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    async def attendance(self, tenant: str, booking_id: UUID) -> tuple[Person | None, str | None]:
        """A booking's attendee and the host's join link; nothing where they are gone."""
        try:
            found = await self._rpc.call(contract.GetBooking(tenant=tenant, booking_id=booking_id))
        except ProblemError as problem:
            if problem.code == "not_found":
                return None, None
            raise UnavailableError(f"booking answers {problem.code}") from problem
        return found.attendee and _person(found.attendee), found.host_join_url

    async def people(self, tenant: str, person_ids: Collection[UUID]) -> Mapping[UUID, Person]:
        """People by id, in one question; those who were erased are absent."""
        if not person_ids:
            return {}
        try:
            found = await self._rpc.call(
                contract.People(tenant=tenant, person_ids=sorted(person_ids))
            )
        except ProblemError as problem:
            raise UnavailableError(f"booking answers {problem.code}") from problem
        return {person.person_id: _person(person) for person in found.items}


def _person(found: contract.Person) -> Person:
    return Person(name=found.name, email=found.email, phone=found.phone)
