"""No address leads calendar-sync into the private network; nothing is sent before that is known."""

import pytest

from calendar_sync.domain import Access
from calendar_sync.providers import AddressRefusedError, CalendarError, NotReachedError
from calendar_sync.providers.caldav import CaldavProvider
from calendar_sync.providers.urls import UrlGuard, is_public, parse

from .listener import Listen

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",  # noqa: S104 - it is refused
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "203.0.113.5",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "fd00::8",
    "fd00:ec2::254",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::",
    "2001:db8::1",
]
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1", "2002:101:101::1"]

CORPUS = [
    "http://127.0.0.1:{port}/cal/",
    "http://127.1:{port}/cal/",
    "http://0x7f000001:{port}/cal/",
    "http://0X7F.1:{port}/cal/",
    "http://2130706433:{port}/cal/",
    "http://017700000001:{port}/cal/",
    "http://0177.0.0.1:{port}/cal/",
    "http://127.0.0.1.:{port}/cal/",
    "http://[::ffff:127.0.0.1]:{port}/cal/",
    "http://[::ffff:7f00:1]:{port}/cal/",
    "http://[::1]:{port}/cal/",
    "http://[0:0:0:0:0:0:0:1]:{port}/cal/",
    "http://[fd00::8]:{port}/cal/",
    "http://[fe80::1%25lo]:{port}/cal/",
    "http://[::]:{port}/cal/",
    "http://0:{port}/cal/",
    "http://0.0.0.0:{port}/cal/",
    "http://localhost:{port}/cal/",
    "http://LOCALHOST:{port}/cal/",
    "http://169.254.169.254/latest/meta-data/",
    "http://user@127.0.0.1:{port}/cal/",
    "http://calendar.example@127.0.0.1:{port}/cal/",
    "http://calendar.example:80@127.0.0.1:{port}/cal/",
    "http://calendar.example#@127.0.0.1:{port}/cal/",
    "http://calendar.example\\@127.0.0.1:{port}/cal/",
    "http://127.0.0.1:{port}\\.calendar.example/cal/",
    "http://①②⑦.⓪.⓪.①:{port}/cal/",
    "http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54:{port}/cal/",
    "http://127.0.0.1:{port}/cal/\r\nX-Injected: 1",
    "http://127.0.0.1:{port}/cal/\t",
    " http://127.0.0.1:{port}/cal/",
    "//127.0.0.1:{port}/cal/",
    "127.0.0.1:{port}/cal/",
    "http:127.0.0.1:{port}/cal/",
    "http:///127.0.0.1:{port}/cal/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_PROPFIND",
    "ftp://127.0.0.1:{port}/cal/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/cal/",
    "http://127.0.0.1:25/cal/",
    "http://[127.0.0.1]:{port}/cal/",
    "http://:{port}/cal/",
    "",
]


def access(url: str) -> Access:
    return Access(url, "anna", "secret")


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_known_in_every_wrapping(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address: str):
    assert is_public(address)


@pytest.mark.parametrize("url", CORPUS)
async def test_an_address_that_leads_inside_is_refused_and_nothing_is_sent(
    url: str, listen: Listen
):
    listener = await listen()
    provider = CaldavProvider(UrlGuard(private_hosts=False))

    with pytest.raises(AddressRefusedError):
        await provider.probe(access(url.format(port=listener.port)))
    with pytest.raises(AddressRefusedError):
        await provider.write(access(url.format(port=listener.port)), "x.ics", b"")

    assert listener.visits == 0


@pytest.mark.parametrize("inside", ["127.0.0.1", "::1", "10.1.2.3"])
async def test_a_name_that_leads_inside_is_refused_though_it_leads_outside_as_well(
    inside: str, listen: Listen
):
    listener = await listen()

    async def lookup(_host: str, _port: int) -> list[str]:
        return ["1.1.1.1", inside]

    provider = CaldavProvider(UrlGuard(private_hosts=False, lookup=lookup))

    with pytest.raises(AddressRefusedError):
        await provider.probe(access(f"http://calendar.example:{listener.port}/cal/"))

    assert listener.visits == 0


async def test_a_name_is_looked_up_once_and_only_that_answer_is_connected_to(listen: Listen):
    listener = await listen()
    listener.answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    lookups: list[str] = []

    async def lookup(host: str, _port: int) -> list[str]:
        lookups.append(host)
        return ["127.0.0.1"]

    provider = CaldavProvider(UrlGuard(private_hosts=True, lookup=lookup))
    with pytest.raises(CalendarError):
        await provider.probe(access(f"http://rebound.invalid:{listener.port}/cal/"))

    assert lookups == ["rebound.invalid"]
    assert b"Host: rebound.invalid" in listener.requests[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int, listen: Listen):
    outside, inside = await listen(), await listen()
    outside.answers(
        f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://127.0.0.1:{inside.port}/cal/\r\n"
        "Content-Length: 0\r\n\r\n".encode()
    )
    provider = CaldavProvider(UrlGuard(private_hosts=True))

    with pytest.raises(CalendarError, match="moved to another address"):
        await provider.probe(access(f"http://127.0.0.1:{outside.port}/cal/"))

    assert outside.visits == 1
    assert inside.visits == 0


async def test_no_proxy_of_the_environment_gets_to_see_the_password(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
):
    calendar, proxy = await listen(), await listen()
    calendar.answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    # The library reads the environment once in a process, so it is told here what it read.
    monkeypatch.setattr(
        "niquests.utils.getproxies", lambda: {"http": f"http://127.0.0.1:{proxy.port}"}
    )

    async def lookup(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with pytest.raises(CalendarError):
        await CaldavProvider(UrlGuard(private_hosts=True, lookup=lookup)).probe(
            access(f"http://calendar.invalid:{calendar.port}/cal/")
        )

    assert (calendar.visits, proxy.visits) == (1, 0)


async def test_an_unknown_host_is_not_reached():
    async def lookup(_host: str, _port: int) -> list[str]:
        raise OSError

    with pytest.raises(NotReachedError):
        await UrlGuard(private_hosts=False, lookup=lookup).check("https://nowhere.example/")


def test_an_address_is_kept_in_one_form():
    assert parse("HTTPS://Calendar.Example:443/dav/Anna") == (
        "https://calendar.example/dav/Anna/",
        "calendar.example",
        443,
    )
