"""Reading bookings: who sees what, as of when, and in lists."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.booking import (
    BookingListItem,
    BookingPage,
    GetBooking,
    GetHistory,
    History,
    HistoryEntry,
    ListBookings,
)
from contracts.envelope import Actor
from contracts.notify import ListNotifications, Notification, Notifications
from service_kit.errors import ProblemError

from .builders import (
    BOOKING_ID,
    HOST_ID,
    MANAGE_TOKEN,
    OTHER_TENANT,
    PERSON_ID,
    START,
    a_grant,
    a_view,
)
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]
ADDRESS = f"/v1/bookings/{BOOKING_ID}"


@pytest.fixture
def desk(neighbours: Neighbours) -> Neighbours:
    """One confirmed booking, and its manage link."""
    neighbours.desk.keep(a_view())
    neighbours.desk.links[MANAGE_TOKEN] = a_grant()
    return neighbours


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_booking_is_read_by_its_link_in_the_header_or_the_query(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    by_header = await http.get(ADDRESS, headers=bearer(MANAGE_TOKEN))
    by_query = await http.get(ADDRESS, params={"token": MANAGE_TOKEN})

    assert (by_header.status_code, by_header.headers["ETag"]) == (200, '"2"')
    assert by_header.json()["attendee"]["name"] == "Ada Lovelace"
    assert by_query.content == by_header.content


async def test_unknown_query_parameters_change_nothing(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    plain = await http.get(ADDRESS, headers=bearer(MANAGE_TOKEN))
    params = {"cancelledBy": "x@example.com", "uid": "1", "as": "host"}
    dressed = await http.get(ADDRESS, headers=bearer(MANAGE_TOKEN), params=params)

    assert (dressed.status_code, dressed.content) == (200, plain.content)


async def test_the_link_of_another_booking_is_404(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    desk.desk.links["another"] = a_grant(booking_id=uuid4())

    answers = [
        await http.get(ADDRESS, headers=bearer("another")),
        await http.get(f"{ADDRESS}/history", headers=bearer("another")),
        await http.post(f"{ADDRESS}/cancel", headers=bearer("another")),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert desk.desk.commands == []


async def test_a_forged_link_and_one_for_another_use_are_401(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    desk.desk.links["a-call-link"] = a_grant(action="call")

    for token in ("forged", "a-call-link", "ü" * 4, "x" * 5000):
        answer = await http.get(ADDRESS, params={"token": token})
        assert (token[:11], answer.status_code) == (token[:11], 401)


async def test_a_key_in_an_address_opens_nothing(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    answer = await http.get(ADDRESS, params={"token": await make_key()})

    assert answer.status_code == 401


async def test_a_key_of_another_tenant_sees_nothing(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    foreign = await make_key(tenant=OTHER_TENANT)

    answers = [
        await http.get(ADDRESS, headers=bearer(foreign)),
        await http.get(f"{ADDRESS}/history", headers=bearer(foreign)),
        await http.get(f"{ADDRESS}/notifications", headers=bearer(foreign)),
        await http.post(f"{ADDRESS}/cancel", headers=bearer(foreign)),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert answers[0].json()["type"] == "/problems/not-found"


async def test_a_key_without_people_read_sees_nobody_and_one_that_cannot_write_no_links(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    answer = await http.get(ADDRESS, headers=bearer(await make_key("bookings:read")))

    booking = answer.json()
    assert (booking["attendee"], booking["guests"], booking["notes"]) == (None, [], None)
    assert (booking["answers"], booking["documents"]) == ({}, [])
    assert (booking["manage_url"], booking["location"]) == (
        None,
        {"kind": "video", "join_url": None},
    )
    assert "Ada" not in answer.text
    assert "k1." not in answer.text


async def test_a_key_with_all_scopes_sees_the_whole_booking_with_the_hosts_call_link(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    booking = (await http.get(ADDRESS, headers=bearer(await make_key()))).json()

    assert booking["attendee"]["phone"] == "+4930123456"
    assert booking["location"]["host_join_url"].endswith("/call/k1.host-call")


async def test_a_booking_is_read_as_of_a_version_or_an_instant(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    asked: list[GetBooking] = []

    async def as_of(query: GetBooking) -> Any:
        asked.append(query)
        return a_view(version=1, status="requested", terms=None)

    desk.answers[GetBooking] = as_of
    by_version = await http.get(f"{ADDRESS}?as_of_version=1", headers=bearer(MANAGE_TOKEN))
    by_instant = await http.get(
        f"{ADDRESS}?as_of=2027-03-22T09:00:00+01:00", headers=bearer(MANAGE_TOKEN)
    )

    assert (by_version.json()["status"], by_version.headers["ETag"]) == ("requested", '"1"')
    assert by_instant.status_code == 200
    assert [(q.as_of_version, q.as_of) for q in asked] == [(1, None), (None, START)]


async def test_both_ways_of_saying_when_are_422(http: httpx.AsyncClient, desk: Neighbours) -> None:
    answer = await http.get(
        f"{ADDRESS}?as_of_version=1&as_of=2027-03-22", headers=bearer(MANAGE_TOKEN)
    )

    assert answer.json()["errors"][0]["field"] == "as_of"


async def test_history_tells_a_key_which_actor_and_a_link_only_what_kind(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    entry = HistoryEntry(
        version=3,
        type="booking.cancelled",
        occurred_at=START,
        actor=Actor(kind="api_key", id="abc"),
        correlation_id="c-1",
        data={"sequence": 1},
    )

    async def history(_: GetHistory) -> History:
        return History(events=[entry])

    desk.answers[GetHistory] = history
    inside = await http.get(f"{ADDRESS}/history", headers=bearer(await make_key("bookings:read")))
    outside = await http.get(f"{ADDRESS}/history", headers=bearer(MANAGE_TOKEN))

    assert inside.json()["events"] == [
        {
            "version": 3,
            "type": "booking.cancelled",
            "occurred_at": "2027-03-22T08:00:00Z",
            "actor": {"kind": "api_key", "id": "abc"},
            "correlation_id": "c-1",
            "data": {"sequence": 1},
        }
    ]
    assert outside.json()["events"][0]["actor"] == {"kind": "api_key", "id": None}
    assert outside.json()["events"][0]["correlation_id"] is None


async def test_notifications_are_listed_for_a_key(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    one = Notification(
        id=BOOKING_ID,
        kind="reminder",
        channel="email",
        recipient=PERSON_ID,
        state="planned",
        due_at=START,
        sent_at=None,
        attempts=0,
    )

    async def notifications(_: ListNotifications) -> Notifications:
        return Notifications(items=[one])

    desk.answers[ListNotifications] = notifications
    answer = await http.get(f"{ADDRESS}/notifications", headers=bearer(await make_key()))

    assert [item["state"] for item in answer.json()["items"]] == ["planned"]


def an_item() -> BookingListItem:
    view = a_view()
    return BookingListItem(
        id=view.id,
        number=view.number,
        status=view.status,
        appointment_type=view.appointment_type,
        title="Video consultation",
        start=view.start,
        end=view.end,
        time_zone=view.time_zone,
        host_id=HOST_ID,
        location_kind="video",
        attendee=view.attendee,
        version=view.version,
        created_at=view.created_at,
    )


async def test_the_list_passes_its_filters_on_and_links_to_the_next_page(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    asked: list[ListBookings] = []

    async def listed(query: ListBookings) -> BookingPage:
        asked.append(query)
        return BookingPage(items=[an_item()], next_cursor="c2", position=41)

    desk.answers[ListBookings] = listed
    params = (
        ("status", "confirmed"),
        ("status", "cancelled"),
        ("host", str(HOST_ID)),
        ("from", "2027-03-22"),
        ("to", "2027-03-29T00:00:00+02:00"),
        ("q", "ada"),
        ("sort", "-start"),
        ("limit", "20"),
        ("min_position", "40"),
    )
    answer = await http.get("/v1/bookings", params=params, headers=bearer(await make_key()))

    (query,) = asked
    assert query.status == ("confirmed", "cancelled")
    assert query.host_id == HOST_ID
    assert query.starts_from == datetime(2027, 3, 22, tzinfo=UTC)
    assert query.starts_before == datetime(2027, 3, 28, 22, tzinfo=UTC)
    assert (query.q, query.sort, query.limit, query.min_position) == ("ada", "-start", 20, 40)
    assert answer.json()["items"][0]["host"]["name"] == "Dr. Amira Haddad"
    assert answer.json()["next_cursor"] == "c2"
    assert answer.headers["Rendezvous-Position"] == "41"
    assert answer.headers["Link"].startswith("</v1/bookings?status=confirmed&status=cancelled")
    assert answer.headers["Link"].endswith('cursor=c2>; rel="next"')


async def test_a_list_that_is_behind_its_position_is_503_and_says_when_to_come_back(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    async def behind(_: ListBookings) -> BookingPage:
        raise ProblemError("projection_behind", "The list has not caught up yet.")

    desk.answers[ListBookings] = behind
    answer = await http.get(
        "/v1/bookings?min_position=99", headers=bearer(await make_key("bookings:read"))
    )

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["type"] == "/problems/projection-behind"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=confimed", "status[0]"),
        ("host=nobody", "host"),
        ("from=yesterday", "from"),
        ("from=1700000000", "from"),
        ("to=0001-01-01", "to"),
        ("sort=name", "sort"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("min_position=-1", "min_position"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_422_and_names_itself(
    http: httpx.AsyncClient, make_key: MakeKey, query: str, field: str
) -> None:
    answer = await http.get(f"/v1/bookings?{query}", headers=bearer(await make_key()))

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_cursor_that_booking_refuses_is_named_as_the_query_names_it(
    http: httpx.AsyncClient, desk: Neighbours, make_key: MakeKey
) -> None:
    async def refuse(_: ListBookings) -> BookingPage:
        raise ProblemError("invalid", "This cursor is not one of ours.", field="cursor")

    desk.answers[ListBookings] = refuse
    answer = await http.get("/v1/bookings?cursor=x", headers=bearer(await make_key()))

    assert answer.json()["errors"] == [
        {"field": "cursor", "message": "This cursor is not one of ours."}
    ]


async def test_searching_by_name_asks_for_the_scope_that_reads_names(
    http: httpx.AsyncClient, make_key: MakeKey
) -> None:
    answer = await http.get("/v1/bookings?q=ada", headers=bearer(await make_key("bookings:read")))

    assert (answer.status_code, "people:read" in answer.json()["detail"]) == (403, True)


async def test_an_id_that_is_none_is_404(http: httpx.AsyncClient, make_key: MakeKey) -> None:
    headers = bearer(await make_key())

    for booking_id in ("42", str(UUID(int=1)), "..%2f..%2fetc"):
        assert (await http.get(f"/v1/bookings/{booking_id}", headers=headers)).status_code == 404


async def test_a_booking_is_shown_without_its_hosts_name_while_nobody_can_tell_it(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    async def broken(_: Any) -> Any:
        raise ProblemError("internal", "a defect")

    desk.answers.update({kind: broken for kind in desk.answers if kind.__name__ == "GetHosts"})
    booking = await http.get(ADDRESS, headers=bearer(MANAGE_TOKEN))

    assert booking.json()["host"] == {
        "id": str(HOST_ID),
        "name": None,
        "time_zone": "Europe/Berlin",
    }
