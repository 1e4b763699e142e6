"""The application: every route, guarded by its policy, behind the edge."""

from typing import Any, cast

from fastapi import FastAPI

from gateway.api import (
    appointment_types,
    booking_requests,
    bookings,
    calendar,
    call,
    cancellations,
    dev,
    hosts,
    keys,
    links,
    openapi,
    policies,
    system,
)
from gateway.api.access import GuardedRoute
from gateway.api.door import Door
from gateway.api.edge import Edge
from gateway.api.errors import HANDLERS
from gateway.api.policies import UnguardedRouteError

ROUTERS = (
    system.router,
    # Words of our own come before {tenant}.
    bookings.router,
    cancellations.router,
    hosts.router,
    calendar.router,
    keys.router,
    dev.router,
    appointment_types.router,
    booking_requests.router,
    links.router,
    call.router,
)


def create_app(door: Door) -> Edge:
    """The ASGI application that serves everything behind `door`.

    Raises `UnguardedRouteError` where a route and the table of policies do not agree.
    """
    return Edge(bare_app(door), https=door.public_url.startswith("https:"))


def bare_app(door: Door | None = None) -> FastAPI:
    """The routes without the edge; without a door it can only be looked at."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # FastAPI's own spans carry paths, and our paths carry tokens: the edge makes the span.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        exception_handlers=cast("Any", dict(HANDLERS)),
    )
    app.state.door = door
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    _check_guards(app)
    app.openapi = _remembering(app)
    return app


def routes_of(app: FastAPI) -> list[str]:
    """Every route as the table of policies names it: `GET /v1/bookings`."""
    found: list[str] = []
    for route in app.router.routes:
        if not isinstance(route, GuardedRoute):
            raise UnguardedRouteError(f"{route!r} is not guarded")
        found.extend(f"{method} {route.path}" for method in route.methods or ())
    return found


def _check_guards(app: FastAPI) -> None:
    policies.check(routes_of(app))


def _remembering(app: FastAPI) -> Any:
    document: dict[str, Any] = {}

    def remembered() -> dict[str, Any]:
        if not document:
            document.update(openapi.document(app))
        return document

    return remembered
