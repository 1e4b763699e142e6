"""Outside calendars and feeds, as the API offers them; and the hosts they belong to."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest

from contracts.calendar_sync import (
    CalendarConnection,
    CalendarConnections,
    ConnectCalendar,
    CreateFeed,
    DisconnectCalendar,
    Feed,
    FeedDocument,
    ListCalendarConnections,
    ReadFeed,
)
from contracts.envelope import Done
from service_kit.errors import ProblemError

from .builders import HOST_ID, OTHER_TENANT, PUBLIC_URL, START
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]
CONNECTIONS = "/v1/calendar-connections"
CONNECTION = CalendarConnection(
    id=uuid4(),
    host_id=HOST_ID,
    provider="caldav",
    url="https://cal.example/amira/",
    username="amira",
    created_at=START,
)
BODY = {
    "host_id": str(HOST_ID),
    "url": "https://cal.example/amira/",
    "username": "amira",
    "password": "secret",
}


@pytest.fixture
async def key(make_key: MakeKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {await make_key('calendar:write', 'hosts:read')}"}


async def test_a_calendar_is_connected_listed_and_disconnected_without_its_password(
    http: httpx.AsyncClient, neighbours: Neighbours, key: dict[str, str]
) -> None:
    async def connect(command: ConnectCalendar) -> CalendarConnection:
        assert command.password == "secret"
        return CONNECTION

    async def listed(_: ListCalendarConnections) -> CalendarConnections:
        return CalendarConnections(items=[CONNECTION])

    async def disconnect(command: DisconnectCalendar) -> Done:
        assert command.connection_id == CONNECTION.id
        return Done()

    neighbours.answers |= {
        ConnectCalendar: connect,
        ListCalendarConnections: listed,
        DisconnectCalendar: disconnect,
    }
    made = await http.post(CONNECTIONS, json=BODY, headers=key)
    found = await http.get(CONNECTIONS, headers=key)
    gone = await http.delete(f"{CONNECTIONS}/{CONNECTION.id}", headers=key)

    assert (made.status_code, gone.status_code) == (201, 204)
    assert found.json()["items"] == [made.json()]
    assert "secret" not in made.text


async def test_a_calendar_that_does_not_answer_is_422_and_names_the_address(
    http: httpx.AsyncClient, neighbours: Neighbours, key: dict[str, str]
) -> None:
    async def refuse(_: ConnectCalendar) -> CalendarConnection:
        raise ProblemError("calendar_unreachable", "It does not answer.", field="url")

    neighbours.answers[ConnectCalendar] = refuse
    answer = await http.post(CONNECTIONS, json=BODY, headers=key)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/calendar-unreachable")
    assert answer.json()["errors"][0]["field"] == "url"


async def test_a_host_of_another_tenant_gets_neither_calendar_nor_feed(
    http: httpx.AsyncClient, neighbours: Neighbours, make_key: MakeKey
) -> None:
    foreign = {"Authorization": f"Bearer {await make_key(tenant=OTHER_TENANT)}"}

    connected = await http.post(CONNECTIONS, json=BODY, headers=foreign)
    fed = await http.post(f"/v1/hosts/{HOST_ID}/feed", headers=foreign)

    assert connected.json()["errors"][0]["field"] == "host_id"
    assert fed.status_code == 404
    assert not [a for a in neighbours.asked if isinstance(a, ConnectCalendar | CreateFeed)]


async def test_a_feed_is_made_and_read_and_read_again_only_when_it_changed(
    http: httpx.AsyncClient, neighbours: Neighbours, key: dict[str, str]
) -> None:
    async def create(_: CreateFeed) -> Feed:
        return Feed(token="k1.feed-token")

    async def read(query: ReadFeed) -> FeedDocument:
        assert query.token == "k1.feed-token"
        return FeedDocument(ics="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", etag="abc")

    neighbours.answers |= {CreateFeed: create, ReadFeed: read}
    url = (await http.post(f"/v1/hosts/{HOST_ID}/feed", headers=key)).json()["url"]
    address = url.removeprefix(PUBLIC_URL)
    first = await http.get(address)
    again = await http.get(address, headers={"If-None-Match": first.headers["ETag"]})
    weak = await http.get(address, headers={"If-None-Match": '"old", W/"abc"'})
    changed = await http.get(address, headers={"If-None-Match": '"old"'})

    assert first.text == "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["ETag"] == '"abc"'
    assert [again.status_code, weak.status_code, changed.status_code] == [304, 304, 200]


async def test_a_feed_that_does_not_exist_is_404(http: httpx.AsyncClient) -> None:
    assert (await http.get("/feeds/forged.ics")).status_code == 404


async def test_hosts_are_listed_for_a_key(http: httpx.AsyncClient, key: dict[str, str]) -> None:
    answer = await http.get("/v1/hosts", headers=key)

    assert answer.json()["items"] == [
        {
            "id": str(HOST_ID),
            "name": "Dr. Amira Haddad",
            "email": "amira@practice.example",
            "time_zone": "Europe/Berlin",
            "active": True,
        }
    ]
