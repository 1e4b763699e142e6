"""Who may pass: the table against every route, from outside."""

from collections.abc import Awaitable, Callable, Iterator
from uuid import uuid4

import httpx
import pytest

from gateway.api import app as application
from gateway.api.access import guarded_router
from gateway.api.app import bare_app, routes_of
from gateway.api.policies import POLICIES, Policy, UnguardedRouteError, check
from gateway.keys import SCOPES, new_key
from gateway.settings import GatewaySettings

from .builders import OTHER_TENANT
from .neighbours import Neighbours

MakeKey = Callable[..., Awaitable[str]]

IDS = {
    "{booking_id}": str(uuid4()),
    "{host_id}": str(uuid4()),
    "{connection_id}": str(uuid4()),
    "{key_id}": "abcdefghijkl",
    "{mail_id}": "1",
    "{name}": "invalid",
    "{slug}": "video-consultation",
    "{tenant}": "demo",
    "{token}": "forged",
}
BODIES = {
    "POST /v1/calendar-connections": {
        "host_id": str(uuid4()),
        "url": "https://cal.example/",
        "username": "ada",
        "password": "secret",
    },
    "POST /v1/api-keys": {"name": "another", "scopes": ["hosts:read"]},
}


def routes() -> Iterator[tuple[str, str, Policy]]:
    """Every route with an address that leads to it, and its policy."""
    for route in routes_of(bare_app()):
        method, path = route.split(" ")
        for name, value in IDS.items():
            path = path.replace(name, value)
        yield route, f"{method} {path}", POLICIES[route]


async def call(
    http: httpx.AsyncClient, route: str, address: str, key: str | None = None
) -> httpx.Response:
    method, path = address.split(" ")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return await http.request(method, path, headers=headers, json=BODIES.get(route))


def test_a_route_without_a_policy_keeps_the_gateway_shut() -> None:
    router = guarded_router("Test")

    with pytest.raises(UnguardedRouteError, match="no policy for GET /v1/secrets"):

        @router.get("/v1/secrets")
        async def secrets() -> None: ...


def test_a_route_that_goes_around_its_guard_keeps_the_gateway_shut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from fastapi import APIRouter  # noqa: PLC0415 - the unguarded kind

    router = APIRouter()

    @router.get("/v1/hosts")
    async def hosts() -> None: ...

    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, router))

    assert hosts is not None
    with pytest.raises(UnguardedRouteError, match="is not guarded"):
        bare_app()


def test_a_policy_whose_route_is_gone_is_found() -> None:
    with pytest.raises(UnguardedRouteError, match="no route for GET /"):
        check(route for route in POLICIES if route != "GET /")


def test_every_scope_opens_something_and_every_policy_names_one_that_exists() -> None:
    named = {scope for policy in POLICIES.values() for scope in policy.scopes}

    assert named <= set(SCOPES)
    assert set(SCOPES) - named == {"people:read"}  # it widens what is seen, and opens nothing


async def test_every_route_turns_away_whoever_its_policy_does_not_name(
    http: httpx.AsyncClient, neighbours: Neighbours, make_key: MakeKey
) -> None:
    strangers = {"nobody": None, "an unknown key": new_key(), "half a key": "rdv_abc"}
    found: list[tuple[str, str, int]] = []
    for route, address, policy in routes():
        for who, key in strangers.items():
            status = (await call(http, route, address, key)).status_code
            if (status == 401) != bool(policy.scopes):
                found.append((route, who, status))

    assert found == []


async def test_every_key_route_is_403_for_a_key_with_all_scopes_but_its_own(
    http: httpx.AsyncClient, neighbours: Neighbours, make_key: MakeKey
) -> None:
    found: list[tuple[str, int]] = []
    for route, address, policy in routes():
        if policy.scopes:
            others = set(SCOPES) - policy.scopes
            status = (await call(http, route, address, await make_key(*others))).status_code
            if status != 403:
                found.append((route, status))

    assert found == []


async def test_every_route_of_one_thing_is_404_for_the_key_of_a_foreign_tenant(
    http: httpx.AsyncClient, neighbours: Neighbours, make_key: MakeKey
) -> None:
    foreign = await make_key(tenant=OTHER_TENANT)
    found: dict[str, int] = {}
    for route, address, policy in routes():
        if policy.scopes and "_id}" in route:
            found[route] = (await call(http, route, address, foreign)).status_code

    assert len(found) >= 6
    assert {route: status for route, status in found.items() if status != 404} == {}


class TestOutsideLocalMode:
    @pytest.fixture
    def settings(self, settings: GatewaySettings) -> GatewaySettings:
        return settings.model_copy(update={"local_mode": False})

    async def test_the_mails_of_the_local_sink_do_not_exist(
        self, http: httpx.AsyncClient, make_key: MakeKey
    ) -> None:
        for address in ("/v1/dev/mail", "/v1/dev/mail/1"):
            answer = await http.get(address)
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
