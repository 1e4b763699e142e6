"""CalDAV (RFC 4791): any server that speaks it, reached with a user name and a password."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import niquests
import structlog
from caldav.async_davclient import AsyncDAVClient
from caldav.lib.error import AuthorizationError
from caldav.response import PropfindResult

from calendar_sync.domain import Access
from calendar_sync.providers import (
    AccessRefusedError,
    CalendarError,
    EntryRefusedError,
    NotACalendarError,
    NotReachedError,
)
from calendar_sync.providers.urls import Target, UrlGuard

PROBE_SECONDS = 15.0
WRITE_SECONDS = 20.0
PATIENCE_SECONDS = 10
"""How long the server may stay silent within a call."""

LONGEST_ANSWER = 256 * 1024

_PROPERTIES = """<?xml version="1.0" encoding="utf-8"?>
<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>
<D:resourcetype/><D:current-user-privilege-set/><C:supported-calendar-component-set/>
</D:prop></D:propfind>"""

_CALENDAR = "{urn:ietf:params:xml:ns:caldav}calendar"
_COMPONENTS = "{urn:ietf:params:xml:ns:caldav}supported-calendar-component-set"
_PRIVILEGES = "{DAV:}current-user-privilege-set"
_MAY_WRITE = frozenset({"{DAV:}all", "{DAV:}write", "{DAV:}bind", "{DAV:}write-content"})

_log = structlog.get_logger()


class CaldavProvider:
    """Calendars on CalDAV servers. `Access.url` is the address of the calendar itself."""

    name = "caldav"

    def __init__(self, guard: UrlGuard) -> None:
        self._guard = guard

    async def probe(self, access: Access) -> None:
        """Returns where the address is a calendar that takes appointments from this user."""
        async with self._asking(access, PROBE_SECONDS) as (client, target):
            answer = await client.propfind(target.url, body=_PROPERTIES, depth=0)
            if answer.status != 207:
                _refuse(answer.status)
            found = [r for r in answer.results or () if isinstance(r, PropfindResult)]
            _look_at(found[0].properties if found else {})

    async def write(self, access: Access, name: str, document: bytes) -> None:
        """Puts the object `name` into the calendar, over the one of that name."""
        async with self._asking(access, WRITE_SECONDS) as (client, target):
            headers = {"Content-Type": "text/calendar; charset=utf-8"}
            answer = await client.put(target.url + name, document.decode(), headers)
            if answer.status not in (200, 201, 204):
                _refuse(answer.status)

    async def remove(self, access: Access, name: str) -> bool:
        """Deletes the object `name`; False where it was gone already."""
        async with self._asking(access, WRITE_SECONDS) as (client, target):
            answer = await client.delete(target.url + name)
            if answer.status in (404, 410):
                return False
            if answer.status not in (200, 202, 204):
                _refuse(answer.status)
            return True

    @asynccontextmanager
    async def _asking(
        self, access: Access, seconds: float
    ) -> AsyncGenerator[tuple[AsyncDAVClient, Target]]:
        """A client for one call, which ends after `seconds` whatever the server does."""
        try:
            async with asyncio.timeout(seconds):
                target = await self._guard.check(access.url)
                async with _Client(target, access) as client:
                    yield client, target
        except CalendarError:
            raise
        except TimeoutError as error:
            raise NotReachedError("The calendar took too long to answer.") from error
        except AuthorizationError as error:
            raise _refusal(error) from error
        except (niquests.RequestException, OSError) as error:
            raise NotReachedError("The calendar cannot be reached.") from error
        except Exception as error:
            # Whatever else an answer makes the library stumble over is the answer's fault.
            _log.warning("a calendar's answer makes no sense", error=type(error).__name__)
            raise NotACalendarError("The answer is not that of a calendar.") from error


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response as far as the library looks at it, read to its end."""

    status_code: int
    reason: str
    url: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


class _Session:
    """The library's way out: it leads to the looked-at addresses of one host, and nowhere else.

    No redirect is followed, no proxy, cookie or .netrc used, no other protocol negotiated, no
    certificate's list of revocations fetched, and no more read than a calendar has to say.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        pinned = ",".join(f"{target.host}:{address}" for address in target.addresses)
        self._session = niquests.AsyncSession(
            resolver=f"in-memory://default/?hosts={pinned}",
            retries=0,
            disable_http2=True,
            disable_http3=True,
            allow_incoming_cookies=False,
            revocation_configuration=None,
        )
        self._session.trust_env = False

    async def request(self, method: str, url: str, **options: Any) -> _Answer:
        if not url.startswith(self._target.url):
            raise NotReachedError("The calendar points to another address.")
        response = await self._session.request(
            method, url, **options, allow_redirects=False, stream=True
        )
        try:
            content = bytearray()
            async for chunk in await response.iter_content(16 * 1024):
                content += chunk
                if len(content) > LONGEST_ANSWER:
                    raise NotReachedError("The calendar's answer has no end.")
            return _Answer(
                status_code=response.status_code or 0,
                reason=response.reason or "",
                url=url,
                headers=response.headers,
                content=bytes(content),
            )
        finally:
            await response.close()

    async def close(self) -> None:
        await self._session.close()


class _Client(AsyncDAVClient):
    """The library's client on our session, which it also makes anew after a refusal."""

    def __init__(self, target: Target, access: Access) -> None:
        self._target = target
        super().__init__(
            url=target.url,
            username=access.username,
            password=access.password,
            timeout=PATIENCE_SECONDS,
            enable_rfc6764=False,
        )

    def _create_session(self) -> None:
        self.session = _Session(self._target)


def _look_at(properties: Mapping[str, Any]) -> None:
    """Raises CalendarError where these are not the properties of a calendar to write to."""
    if _CALENDAR not in _names(properties.get("{DAV:}resourcetype")):
        raise NotACalendarError("There is no calendar at this address.")
    components = _names(properties.get(_COMPONENTS))
    if components and "VEVENT" not in components:
        raise NotACalendarError("This calendar does not take appointments.")
    privileges = _names(properties.get(_PRIVILEGES))
    if privileges and not privileges & _MAY_WRITE:
        raise AccessRefusedError("This user may not write to the calendar.")


def _names(value: list[str] | str | None) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())


def _refusal(error: AuthorizationError) -> CalendarError:
    if error.preconditions:
        return EntryRefusedError("The calendar does not want this entry.")
    if error.status == 403:
        return AccessRefusedError("This user may not write to the calendar.")
    return AccessRefusedError("The user name or the password is wrong.")


def _refuse(status: int) -> NoReturn:
    if 300 <= status < 400:
        raise NotACalendarError("The calendar has moved to another address.")
    if status in (404, 405, 410):
        raise NotACalendarError("There is no calendar at this address.")
    if status in (409, 412, 413, 415, 422):
        raise EntryRefusedError("The calendar does not want this entry.")
    raise NotReachedError(f"The calendar's server answered {status}.")
