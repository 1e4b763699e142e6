"""The guard that every outside address passes, each time before anything is sent to it.

Refused are other schemes, credentials in the address, odd ways to write one, the ports of
services that do not speak HTTP, and hosts whose name leads into a private network, to this
machine, or to a cloud's metadata. The addresses that were looked at are the only ones that are
then connected to, so that a name cannot lead elsewhere a moment later.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from calendar_sync.providers import AddressRefusedError, NotReachedError

LONGEST_URL = 2000
LOOKUP_SECONDS = 5.0
DEFAULT_PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1024

_SHAPE = re.compile(r"(?!.*\\)[!-~]+")
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_TRANSLATED = (
    IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
    IPv6Network("64:ff9b:1::/48"),  # NAT64 for local use, RFC 8215
    IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
)
_OURS_IN_THE_CLOUD = (
    IPv4Network("168.63.129.16/32"),  # Azure's host agent: public by its number only
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata is at .192
)

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Takes a host and a port, returns its addresses; raises OSError."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be turned to: `addresses` are all that `host` may be reached at."""

    url: str
    host: str
    port: int
    addresses: tuple[str, ...]


async def system_lookup(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver knows a host by. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class UrlGuard:
    """Lets addresses through, or refuses them.

    `private_hosts` lets private networks and this machine through: for a server on one's own
    premises, and for tests.
    """

    def __init__(self, *, private_hosts: bool, lookup: Lookup = system_lookup) -> None:
        self._private_hosts = private_hosts
        self._lookup = lookup

    async def check(self, url: str) -> Target:
        """Where `url` may be reached. Raises AddressRefusedError, NotReachedError (no host)."""
        clean, host, port = parse(url)
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                addresses = await self._lookup(host, port)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            raise NotReachedError("The calendar's host name is not known.") from error
        if not addresses:
            raise NotReachedError("The calendar's host name is not known.")
        if not self._private_hosts and not all(is_public(address) for address in addresses):
            raise AddressRefusedError("The address leads into a private network.")
        return Target(clean, host, port, tuple(addresses))


def parse(url: str) -> tuple[str, str, int]:
    """The address in one plain form, ending in a slash, with its host and its port.

    Raises AddressRefusedError.
    """
    if len(url) > LONGEST_URL or not _SHAPE.fullmatch(url):
        raise AddressRefusedError("This is no address of a calendar.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise AddressRefusedError("This is no address of a calendar.") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressRefusedError("The address has to begin with https:// or http://.")
    if "@" in parts.netloc:
        raise AddressRefusedError("The user name does not belong into the address.")
    if parts.query or parts.fragment:
        raise AddressRefusedError("The address of a calendar has no ? and no #.")
    if not _is_host(host):
        raise AddressRefusedError("The address names no host.")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if port not in DEFAULT_PORTS.values() and port < FIRST_FREE_PORT:
        raise AddressRefusedError("No calendar is served on this port.")
    place = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[parts.scheme]:
        place = f"{place}:{port}"
    path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    return f"{parts.scheme}://{place}{path}", host, port


def is_public(address: str) -> bool:
    """Whether an IP address, whatever it is wrapped in, belongs to the public Internet."""
    found = ip_address(address.partition("%")[0])
    return all(_is_public(inner) for inner in _unwrapped(found))


def _is_host(host: str) -> bool:
    """Whether this is a name, or an IP address in its usual form.

    Resolvers also take 127.1, 2130706433 and 0x7f000001 for addresses. Nobody means these well.
    """
    if "%" in host:
        return False
    if ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        try:
            return str(ip_address(host)) == host
        except ValueError:
            return False
    return bool(_NAME.fullmatch(host))


def _unwrapped(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """An address with whatever IPv4 addresses it would be translated to on the way."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    found: list[IPv4Address | IPv6Address] = [address, *(address.teredo or ())]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if any(address in network for network in _TRANSLATED):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not address.is_unspecified
        and not (isinstance(address, IPv6Address) and address.is_site_local)
        and not any(address in network for network in _OURS_IN_THE_CLOUD)
    )
