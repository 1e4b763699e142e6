"""One contract over all providers, then what is Jitsi's own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import jwt
import pytest

from video.domain import GRACE, Meeting, Role
from video.providers import VideoProvider
from video.providers.jitsi import JitsiVideoProvider

NOW = datetime(2027, 3, 22, 7, 50, tzinfo=UTC)
SECRET = "k" * 32

PROVIDERS: dict[str, Callable[[], VideoProvider]] = {
    "jitsi": lambda: JitsiVideoProvider("meet.example.org"),
    "jitsi with tokens": lambda: JitsiVideoProvider("meet.example.org", "practice", SECRET),
}


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> VideoProvider:
    return PROVIDERS[request.param]()


def a_meeting(room: str = "9f" * 20) -> Meeting:
    return Meeting(
        tenant="demo",
        booking_id=UUID("01900000-0000-7000-8000-000000000001"),
        meeting_id=UUID("01900000-0000-7000-8000-000000000002"),
        provider="jitsi",
        room=room,
        starts_at=NOW + timedelta(minutes=10),
        ends_at=NOW + timedelta(minutes=40),
    )


async def ready(provider: VideoProvider, meeting: Meeting) -> Meeting:
    return replace(meeting, state="ready", reference=await provider.provision(meeting))


async def test_asked_twice_a_provider_gives_the_same_room(provider: VideoProvider):
    first = await provider.provision(a_meeting())
    second = await provider.provision(a_meeting())

    assert first == second != ""


async def test_two_meetings_have_two_rooms(provider: VideoProvider):
    one = await provider.provision(a_meeting("a1" * 20))
    other = await provider.provision(a_meeting("b2" * 20))

    assert one != other


@pytest.mark.parametrize("role", ["attendee", "host"])
async def test_the_way_in_is_an_https_url(provider: VideoProvider, role: Role):
    meeting = await ready(provider, a_meeting())

    url = urlsplit(provider.join_url(meeting, role, "Sarah", NOW))

    assert (url.scheme, bool(url.hostname)) == ("https", True)


@pytest.mark.parametrize(
    "name", ["Zoë Müller", 'a"b&config.x=1#y', "\r\nSet-Cookie: a=b", "名" * 99]
)
async def test_no_name_breaks_out_of_the_url(provider: VideoProvider, name: str):
    meeting = await ready(provider, a_meeting())

    url = provider.join_url(meeting, "attendee", name, NOW)

    assert url.isascii()
    assert url.isprintable()
    assert '"' not in url
    assert " " not in url
    assert url.count("#") <= 1


async def test_everybody_of_a_meeting_comes_into_one_room(provider: VideoProvider):
    meeting = await ready(provider, a_meeting())

    host = urlsplit(provider.join_url(meeting, "host", "Dr. Amira", NOW))
    client = urlsplit(provider.join_url(meeting, "attendee", "Sarah", NOW))

    assert (host.netloc, host.path) == (client.netloc, client.path)


def claims_of(url: str) -> dict[str, object]:
    token = parse_qs(urlsplit(url).query)["jwt"][0]
    return jwt.decode(
        token,
        SECRET,
        algorithms=["HS256"],
        audience="jitsi",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )


def the_token_of(role: Role) -> dict[str, object]:
    provider = JitsiVideoProvider("meet.example.org:8443", "practice", SECRET)
    return claims_of(provider.join_url(a_meeting(), role, "Zoë", NOW))


def test_a_jitsi_token_is_for_this_room_and_this_deployment_only():
    claims = the_token_of("attendee")

    assert claims["aud"] == "jitsi"
    assert claims["iss"] == "practice"
    assert claims["sub"] == "meet.example.org"
    assert claims["room"] == "9f" * 20


def test_a_jitsi_token_lasts_from_now_until_the_meeting_closes():
    claims = the_token_of("attendee")

    assert claims["nbf"] == (NOW - timedelta(minutes=1)).timestamp()
    assert claims["exp"] == (a_meeting().ends_at + GRACE).timestamp()


@pytest.mark.parametrize(("role", "moderator"), [("host", True), ("attendee", False)])
def test_only_the_host_moderates(role: Role, *, moderator: bool):
    context = the_token_of(role)["context"]

    assert isinstance(context, dict)
    assert context["user"]["moderator"] is moderator
    assert context["user"]["name"] == "Zoë"


def test_two_people_are_two_users_of_jitsi():
    provider = JitsiVideoProvider("meet.example.org", "practice", SECRET)
    urls = [provider.join_url(a_meeting(), "attendee", name, NOW) for name in ("Ann", "Bob", "Ann")]
    ann, bob, ann_again = [claims_of(url)["context"]["user"]["id"] for url in urls]  # type: ignore[index]

    assert ann == ann_again != bob


def test_without_a_key_the_name_goes_in_the_fragment_as_json():
    url = urlsplit(JitsiVideoProvider("meet.jit.si").join_url(a_meeting(), "host", "Zoë “X”", NOW))

    assert url.query == ""
    assert unquote(url.fragment) == 'userInfo.displayName="Zo\\u00eb \\u201cX\\u201d"'


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"domain": "https://meet.jit.si"}, "JITSI_DOMAIN must be a host name"),
        ({"domain": "meet.jit.si/x"}, "JITSI_DOMAIN must be a host name"),
        ({"domain": ""}, "JITSI_DOMAIN must be a host name"),
        ({"domain": "meet.jit.si", "app_id": "practice"}, "must be set together"),
        ({"domain": "meet.jit.si", "app_secret": SECRET}, "must be set together"),
        (
            {"domain": "meet.jit.si", "app_id": "practice", "app_secret": "k" * 31},
            "JITSI_APP_SECRET must be 32 bytes or longer",
        ),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings: dict[str, str], complaint: str):
    with pytest.raises(ValueError, match=complaint):
        JitsiVideoProvider(**settings)


def test_a_refusal_does_not_repeat_the_secret():
    with pytest.raises(ValueError, match="32 bytes") as refusal:
        JitsiVideoProvider("meet.jit.si", "practice", "hunter2")

    assert "hunter2" not in str(refusal.value)
