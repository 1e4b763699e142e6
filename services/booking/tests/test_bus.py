import asyncio
from uuid import UUID, uuid4

import pytest

from contracts.booking import (
    BookingView,
    GetBooking,
    GetHistory,
    ListBookings,
    OpenLink,
    People,
    PersonDetails,
)
from service_kit.errors import ProblemError
from service_kit.rpc import Rpc
from service_kit.testing import eventually

from .builders import a_cancellation, a_request
from .conftest import Grants


async def settled(rpc: Rpc, booking_id: UUID) -> BookingView:
    async def look() -> BookingView | None:
        view = await rpc.call(GetBooking(tenant="demo", booking_id=booking_id))
        return view if view.status != "requested" else None

    return await eventually(look)


async def test_a_request_becomes_a_confirmed_booking(rpc: Rpc, availability: Grants) -> None:
    accepted = await rpc.call(a_request())

    view = await settled(rpc, accepted.booking_id)

    assert (view.status, view.version) == ("confirmed", 2)
    assert view.attendee is not None
    assert view.attendee.name == "Sarah Weiß"
    assert view.answers == {"topic": "back pain"}


async def test_a_lost_slot_makes_the_booking_unavailable_with_alternatives(
    rpc: Rpc, availability: Grants
) -> None:
    first = await rpc.call(a_request("one"))
    await settled(rpc, first.booking_id)
    second = await rpc.call(a_request("two"))

    view = await settled(rpc, second.booking_id)

    assert (view.status, view.rejection_reason) == ("unavailable", "slot_taken")
    assert len(view.alternatives) == 1


async def test_the_same_key_ten_times_at_once_is_one_booking(
    rpc: Rpc, availability: Grants
) -> None:
    answers = await asyncio.gather(*(rpc.call(a_request("same")) for _ in range(10)))

    assert len({answer.booking_id for answer in answers}) == 1
    page = await rpc.call(
        ListBookings(tenant="demo", min_position=max(a.position for a in answers))
    )
    assert len(page.items) == 1


async def test_the_same_key_with_another_body_is_refused(rpc: Rpc) -> None:
    request = a_request("same")
    await rpc.call(request)
    other = request.idempotency.model_copy(update={"body_hash": "c" * 64})

    with pytest.raises(ProblemError) as refused:
        await rpc.call(request.model_copy(update={"booking_id": uuid4(), "idempotency": other}))

    assert refused.value.code == "idempotency_key_reused"


async def test_a_repeat_after_settlement_says_at_which_version_it_was_answered(
    rpc: Rpc, availability: Grants
) -> None:
    accepted = await rpc.call(a_request("same"))
    await settled(rpc, accepted.booking_id)
    await rpc.call(a_cancellation(accepted.booking_id))

    repeated = await rpc.call(a_request("same"))
    then = await rpc.call(
        GetBooking(
            tenant="demo",
            booking_id=repeated.booking_id,
            as_of_version=repeated.settled_version,
        )
    )

    assert (repeated.booking_id, then.status) == (accepted.booking_id, "confirmed")


async def test_a_cancellation_repeated_with_its_key_gets_its_first_answer(
    rpc: Rpc, availability: Grants
) -> None:
    accepted = await rpc.call(a_request())
    await settled(rpc, accepted.booking_id)

    first = await rpc.call(a_cancellation(accepted.booking_id))
    again = await rpc.call(a_cancellation(accepted.booking_id))

    assert (again.booking_id, again.version) == (first.booking_id, first.version)


async def test_a_second_cancellation_is_a_conflict(rpc: Rpc, availability: Grants) -> None:
    accepted = await rpc.call(a_request())
    await settled(rpc, accepted.booking_id)
    await rpc.call(a_cancellation(accepted.booking_id))

    with pytest.raises(ProblemError) as refused:
        await rpc.call(a_cancellation(accepted.booking_id, key="another"))

    assert refused.value.code == "conflict"


async def test_a_stale_version_is_told(rpc: Rpc, availability: Grants) -> None:
    accepted = await rpc.call(a_request())
    await settled(rpc, accepted.booking_id)

    with pytest.raises(ProblemError) as refused:
        await rpc.call(a_cancellation(accepted.booking_id, expected_version=1))

    assert refused.value.code == "version_mismatch"


async def test_history_tells_every_turn_without_personal_data(
    rpc: Rpc, availability: Grants
) -> None:
    accepted = await rpc.call(a_request())
    await settled(rpc, accepted.booking_id)
    await rpc.call(a_cancellation(accepted.booking_id))

    history = await rpc.call(GetHistory(tenant="demo", booking_id=accepted.booking_id))

    assert [(e.version, e.type) for e in history.events] == [
        (1, "Requested"),
        (2, "Confirmed"),
        (3, "Cancelled"),
    ]
    assert "sarah" not in history.model_dump_json().lower()


async def test_a_foreign_tenant_does_not_find_the_booking(rpc: Rpc) -> None:
    accepted = await rpc.call(a_request())

    with pytest.raises(ProblemError) as refused:
        await rpc.call(GetBooking(tenant="other", booking_id=accepted.booking_id))

    assert refused.value.code == "not_found"


async def test_a_manage_link_opens_its_booking_and_a_changed_one_does_not(
    rpc: Rpc, availability: Grants
) -> None:
    accepted = await rpc.call(a_request())
    view = await settled(rpc, accepted.booking_id)
    token = view.manage_url.rpartition("/")[2]

    grant = await rpc.call(OpenLink(token=token, action="manage"))

    assert (grant.booking_id, grant.role) == (accepted.booking_id, "attendee")
    for refused in (
        OpenLink(token=token[:-2] + "AA", action="manage"),
        OpenLink(token=token, action="call"),
    ):
        with pytest.raises(ProblemError):
            await rpc.call(refused)


async def test_a_person_who_books_again_is_the_same_person(rpc: Rpc, availability: Grants) -> None:
    first = await rpc.call(a_request("one"))
    renamed = PersonDetails(name="Sarah Black", email="SARAH@example.org")
    second = await rpc.call(a_request("two", attendee=renamed))
    before = (await settled(rpc, first.booking_id)).attendee
    after = (await settled(rpc, second.booking_id)).attendee
    assert before
    assert after

    found = await rpc.call(People(tenant="demo", person_ids=[before.person_id]))

    assert before.person_id == after.person_id
    assert [person.name for person in found.items] == ["Sarah Black"]


async def test_the_list_is_filtered_and_paged(rpc: Rpc, availability: Grants) -> None:
    requests = [a_request(f"key-{n}") for n in range(5)]
    accepted = [await rpc.call(request) for request in requests]
    last = max(answer.position for answer in accepted)

    first = await rpc.call(ListBookings(tenant="demo", limit=3, min_position=last))
    rest = await rpc.call(ListBookings(tenant="demo", limit=3, cursor=first.next_cursor))

    assert (len(first.items), len(rest.items), rest.next_cursor) == (3, 2, None)
    found = await rpc.call(ListBookings(tenant="demo", q="weiß", status=("declined",)))
    assert found.items == []


async def test_a_cursor_of_another_tenant_is_refused(rpc: Rpc) -> None:
    accepted = [await rpc.call(a_request(f"key-{n}")) for n in range(2)]
    page = await rpc.call(ListBookings(tenant="demo", limit=1, min_position=accepted[-1].position))

    with pytest.raises(ProblemError) as refused:
        await rpc.call(ListBookings(tenant="other", limit=1, cursor=page.next_cursor))

    assert refused.value.details == {"field": "cursor"}
