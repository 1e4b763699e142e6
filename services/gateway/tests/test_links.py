"""What links lead to: the manage page, its form, and the call."""

from typing import Any

import httpx
import pytest

from contracts.availability import LocationKind
from contracts.booking import BookingStatus
from contracts.video import JoinMeeting, Room
from service_kit.errors import ProblemError

from .builders import MANAGE_TOKEN, a_grant, a_view, terms
from .neighbours import Neighbours

PAGE = f"/b/{MANAGE_TOKEN}"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def desk(neighbours: Neighbours) -> Neighbours:
    """One confirmed booking with its manage link and the call links of both sides."""
    neighbours.desk.keep(a_view())
    neighbours.desk.links[MANAGE_TOKEN] = a_grant()
    neighbours.desk.links["as-attendee"] = a_grant(action="call")
    neighbours.desk.links["as-host"] = a_grant(action="call", role="host")

    async def room(query: JoinMeeting) -> Room:
        return Room(url=f"https://meet.example/{query.role}/{query.display_name}")

    neighbours.answers[JoinMeeting] = room
    return neighbours


async def test_a_manage_page_shows_the_booking_in_both_zones_and_is_kept_by_nobody(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    page = await http.get(PAGE, headers=BROWSER)

    assert page.status_code == 200
    for words in (
        "Video consultation",
        "Monday 22 March 2027, 04:00",
        "America/New_York",
        "Monday 22 March 2027, 09:00",
        "Europe/Berlin",
        "Dr. Amira Haddad",
        "until 2 hours before it starts",
    ):
        assert words in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


async def test_a_manage_link_gives_json_to_a_program_that_asks_for_it(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    answer = await http.get(PAGE, headers={"Accept": "application/json"})

    assert (answer.json()["number"], answer.headers["ETag"]) == ("RV-7K2M9Q", '"2"')


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("video", ["Video call", "Join the call"]),
        ("in_person", ["Torstraße 1, Berlin", "https://maps.example/torstr", "In the yard"]),
        ("phone", ["Please call", 'href="tel:+4930123456"']),
    ],
)
async def test_a_manage_page_says_where(
    http: httpx.AsyncClient, desk: Neighbours, kind: LocationKind, words: list[str]
) -> None:
    desk.desk.keep(a_view(terms=terms(kind)))

    page = await http.get(PAGE, headers=BROWSER)

    assert [word for word in words if word not in page.text] == []


async def test_markup_in_what_people_wrote_stays_text(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    view = a_view()
    assert view.attendee is not None
    name = "<script>alert(1)</script>"
    desk.desk.keep(
        view.model_copy(update={"attendee": view.attendee.model_copy(update={"name": name})})
    )

    page = await http.get(PAGE, headers=BROWSER)

    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_looking_at_a_manage_link_changes_nothing_and_only_the_form_cancels(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    await http.get(PAGE)
    by_get = await http.get(f"{PAGE}/cancel")
    looked = list(desk.desk.commands)
    sent = await http.post(f"{PAGE}/cancel", data={"reason": "ill"})
    again = await http.post(f"{PAGE}/cancel", data={"reason": "ill"})

    assert (by_get.status_code, looked) == (405, [])
    assert (sent.status_code, sent.headers["Location"]) == (303, PAGE)
    assert (again.status_code, again.headers["Location"]) == (303, PAGE)
    assert "is cancelled" in (await http.get(PAGE)).text


async def test_a_form_that_comes_too_late_is_a_page_that_says_so(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    async def too_late(_: Any) -> Any:
        raise ProblemError("too_late", "It can be cancelled until 2 hours before.")

    desk.answers.update({k: too_late for k in desk.answers if k.__name__ == "CancelBooking"})
    page = await http.post(f"{PAGE}/cancel", headers=BROWSER)

    assert page.status_code == 409
    assert "It can be cancelled until 2 hours before." in page.text


@pytest.mark.parametrize("address", ["/b/forged", "/call/forged", f"/call/{MANAGE_TOKEN}"])
async def test_a_link_that_is_not_valid_is_404_as_any_wrong_address(
    http: httpx.AsyncClient, desk: Neighbours, address: str
) -> None:
    page = await http.get(address, headers=BROWSER)
    problem = await http.get(address)

    assert (page.status_code, page.headers["content-type"][:9]) == (404, "text/html")
    assert (problem.status_code, problem.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    ("token", "room"),
    [
        ("as-attendee", "https://meet.example/attendee/Ada%20Lovelace"),
        ("as-host", "https://meet.example/host/Dr.%20Amira%20Haddad"),
    ],
)
async def test_a_call_link_leads_to_the_room_as_who_it_was_made_for(
    http: httpx.AsyncClient, desk: Neighbours, token: str, room: str
) -> None:
    answer = await http.get(f"/call/{token}")

    assert (answer.status_code, answer.headers["Location"]) == (303, room)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("status", ["cancelled", "declined", "completed", "no_show", "expired"])
async def test_a_call_that_is_over_is_410_and_no_room_is_asked_for(
    http: httpx.AsyncClient, desk: Neighbours, status: BookingStatus
) -> None:
    desk.desk.keep(a_view(status=status))

    answer = await http.get("/call/as-attendee")

    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/gone")
    assert [asked for asked in desk.asked if isinstance(asked, JoinMeeting)] == []


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("not_found", 503, "meeting-not-ready"), ("meeting_closed", 410, "gone")],
)
async def test_a_room_that_is_not_there_is_told_apart_from_one_that_is_closed(
    http: httpx.AsyncClient, desk: Neighbours, code: str, status: int, kind: str
) -> None:
    async def refuse(_: JoinMeeting) -> Room:
        raise ProblemError(code, "No room.")

    desk.answers[JoinMeeting] = refuse
    answer = await http.get("/call/as-attendee")
    page = await http.get("/call/as-attendee", headers=BROWSER)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert page.headers["content-type"].startswith("text/html")


async def test_a_call_that_waits_for_approval_is_not_open_yet(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    desk.desk.keep(a_view(status="awaiting_approval"))

    assert (await http.get("/call/as-attendee")).status_code == 503


async def test_an_appointment_without_a_call_has_no_room(
    http: httpx.AsyncClient, desk: Neighbours
) -> None:
    desk.desk.keep(a_view(terms=terms("phone")))

    assert (await http.get("/call/as-attendee")).status_code == 404
