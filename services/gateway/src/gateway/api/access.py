"""Who is asking: admitted, or turned away, before anything of the request is read."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from contracts.booking import LinkAction, LinkGrant, OpenLink
from contracts.envelope import Actor
from gateway.api.door import Door, door_of
from gateway.api.policies import Policy, policy_of
from gateway.api.problems import FORBIDDEN, UNAUTHENTICATED, HttpProblemError, not_found
from gateway.keys import PREFIX, ApiKey
from service_kit.errors import ProblemError

TOKEN = re.compile(r"^[A-Za-z0-9._~=-]{1,1024}$")
"""What a link's token may look like, before anybody is asked what it stands for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An API key, the holder of a booking's link, or anybody (neither)."""

    key: ApiKey | None = None
    link: LinkGrant | None = None

    @property
    def tenant(self) -> str:
        """The one tenant that this caller acts in."""
        owner = self.key or self.link
        if owner is None:
            raise TypeError("anybody has no tenant: the route's policy admits callers unnamed")
        return owner.tenant

    @property
    def actor(self) -> Actor:
        """The caller as events name them."""
        if self.key is not None:
            return Actor(kind="api_key", id=self.key.id)
        return Actor(kind=self.link.role if self.link else "attendee")

    def may(self, scope: str) -> bool:
        """Whether the caller's key has a scope; links and nobody have none."""
        return self.key is not None and scope in self.key.scopes

    def check_booking(self, booking_id: UUID) -> None:
        """Raises 404 where a link is asked for another booking than its own."""
        if self.link is not None and self.link.booking_id != booking_id:
            raise not_found("booking")


ANYBODY = Caller()


class GuardedRoute(APIRoute):
    """A route that admits by its policy first; one without a policy cannot be built."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler behind its policy."""
        handle = super().get_route_handler()
        (method,) = self.methods or ("",)
        policy = policy_of(method, self.path)

        async def guarded(request: Request) -> Response:
            request.state.caller = await admit(policy, request)
            return await handle(request)

        return guarded


def guarded_router(tag: str) -> APIRouter:
    """A router whose routes are guarded; its operations are called as their functions are."""
    return APIRouter(
        route_class=GuardedRoute, tags=[tag], generate_unique_id_function=lambda route: route.name
    )


async def admit(policy: Policy, request: Request) -> Caller:
    """The caller, if the policy lets them pass; raises 401, 403 or 404 if not."""
    door = door_of(request)
    if policy.local_only and not door.local_mode:
        raise not_found("page")
    if policy.public or policy.secret_path:
        return ANYBODY
    token = _bearer(request)
    if token is not None and token.startswith(PREFIX):
        return Caller(key=await _verified(door, token, policy))
    if policy.link is not None and (token := token or request.query_params.get("token")):
        return Caller(link=await open_link(door, token, policy.link))
    raise HttpProblemError(UNAUTHENTICATED)


async def open_link(door: Door, token: str, action: LinkAction) -> LinkGrant:
    """What a link's token stands for; 401 where it is forged, expired, revoked or for other use."""
    if not TOKEN.fullmatch(token):
        raise HttpProblemError(UNAUTHENTICATED)
    try:
        return await door.ask(OpenLink(token=token, action=action))
    except ProblemError as error:
        if error.code not in {"link_invalid", "invalid"}:
            raise
        raise HttpProblemError(UNAUTHENTICATED, "This link is not valid, or no longer.") from error


async def _verified(door: Door, token: str, policy: Policy) -> ApiKey:
    key = await door.keys.verify(token)
    if key is None:
        raise HttpProblemError(UNAUTHENTICATED, "This API key is not valid, or no longer.")
    if missing := policy.scopes - key.scopes:
        raise HttpProblemError(
            FORBIDDEN, f"This API key lacks the scope {', '.join(sorted(missing))}."
        )
    return key


def _bearer(request: Request) -> str | None:
    """The token in the header. Only links may stand in an address, keys never do."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _caller(request: Request) -> Caller:
    caller = request.state.caller
    if not isinstance(caller, Caller):
        raise TypeError("the route was built without its guard")
    return caller


TheCaller = Annotated[Caller, Depends(_caller)]
