"""Who may pass: one table over all routes. A route that is not in it keeps the gateway shut.

Nobody is admitted by default. A route opens to everybody (`public`), to whoever holds a secret
that stands in its path (`secret_path`: its owner verifies it), to an API key with scopes, to the
link of a booking, or to either of the last two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.booking import LinkAction


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route asks of its caller; the default admits nobody."""

    public: bool = False
    secret_path: bool = False
    scopes: frozenset[str] = frozenset()
    link: LinkAction | None = None
    local_only: bool = False


class UnguardedRouteError(Exception):
    """A route has no policy, or a policy has no route."""


PUBLIC = Policy(public=True)
SECRET_PATH = Policy(secret_path=True)
LOCAL = Policy(public=True, local_only=True)


def key(*scopes: str) -> Policy:
    """An API key that has all of these scopes."""
    return Policy(scopes=frozenset(scopes))


def key_or_link(scope: str, link: LinkAction) -> Policy:
    """An API key with this scope, or the booking's own link for this action."""
    return Policy(scopes=frozenset((scope,)), link=link)


POLICIES: Mapping[str, Policy] = {
    # what everybody may see
    "GET /": PUBLIC,
    "GET /docs": PUBLIC,
    "GET /openapi.json": PUBLIC,
    "GET /problems": PUBLIC,
    "GET /problems/{name}": PUBLIC,
    "GET /robots.txt": PUBLIC,
    # probes
    "GET /livez": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    # booking
    "GET /v1/{tenant}/appointment-types": PUBLIC,
    "GET /v1/{tenant}/appointment-types/{slug}": PUBLIC,
    "GET /v1/{tenant}/appointment-types/{slug}/slots": PUBLIC,
    "POST /v1/{tenant}/bookings": PUBLIC,
    # one booking
    "GET /v1/bookings/{booking_id}": key_or_link("bookings:read", "manage"),
    "GET /v1/bookings/{booking_id}/history": key_or_link("bookings:read", "manage"),
    "POST /v1/bookings/{booking_id}/cancel": key_or_link("bookings:write", "manage"),
    "GET /v1/bookings/{booking_id}/notifications": key("bookings:read"),
    # hosts and machines
    "GET /v1/bookings": key("bookings:read"),
    "GET /v1/hosts": key("hosts:read"),
    "POST /v1/hosts/{host_id}/feed": key("calendar:write"),
    "GET /v1/calendar-connections": key("calendar:write"),
    "POST /v1/calendar-connections": key("calendar:write"),
    "DELETE /v1/calendar-connections/{connection_id}": key("calendar:write"),
    "GET /v1/api-keys": key("keys:write"),
    "POST /v1/api-keys": key("keys:write"),
    "DELETE /v1/api-keys/{key_id}": key("keys:write"),
    # links
    "GET /b/{token}": SECRET_PATH,
    "POST /b/{token}/cancel": SECRET_PATH,
    "GET /call/{token}": SECRET_PATH,
    "GET /feeds/{token}.ics": SECRET_PATH,
    # one machine
    "GET /v1/dev/mail": LOCAL,
    "GET /v1/dev/mail/{mail_id}": LOCAL,
}


def policy_of(method: str, path: str) -> Policy:
    """The policy of a route; raises `UnguardedRouteError` where the table has none."""
    policy = POLICIES.get(f"{method} {path}")
    if policy is None:
        raise UnguardedRouteError(f"no policy for {method} {path}")
    return policy


def check(routes: Iterable[str]) -> None:
    """Raises `UnguardedRouteError` unless routes and policies are the same, one to one."""
    there = set(routes)
    if unguarded := there - set(POLICIES):
        raise UnguardedRouteError(f"no policy for {', '.join(sorted(unguarded))}")
    if unused := set(POLICIES) - there:
        raise UnguardedRouteError(f"no route for {', '.join(sorted(unused))}")
