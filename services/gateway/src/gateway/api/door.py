"""What every route may use, built once by the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from contracts.envelope import Request as ContractRequest
from gateway.api.directory import HostDirectory
from gateway.api.patience import COMMAND_SECONDS, ReplyT, insist
from gateway.api.problems import not_found
from gateway.api.settlement import Settlement
from gateway.keys import Keys
from gateway.mailbox import Mailbox
from gateway.tenants import Tenants
from service_kit.health import Readiness
from service_kit.rpc import Rpc


@dataclass(frozen=True, slots=True)
class Door:
    """The parts behind the API. `mailbox` is there in local mode only, if a sink has one."""

    rpc: Rpc
    keys: Keys
    tenants: Tenants
    hosts: HostDirectory
    settlement: Settlement
    readiness: Callable[[], Awaitable[Readiness]]
    public_url: str
    local_mode: bool = False
    mailbox: Mailbox | None = None

    async def ask(self, query: ContractRequest[ReplyT]) -> ReplyT:
        """The reply to a query, asked again for a moment while nobody answers."""
        return await insist(self.rpc, query)

    async def command(self, command: ContractRequest[ReplyT]) -> ReplyT:
        """The reply to a command that carries its idempotency key; asked again likewise."""
        return await insist(self.rpc, command, COMMAND_SECONDS)


async def _door(request: Request) -> Door:
    return door_of(request)


def door_of(request: Request) -> Door:
    """The parts behind the application that a request came to."""
    door = request.app.state.door
    if not isinstance(door, Door):
        raise TypeError("the application was built without its parts")
    return door


TheDoor = Annotated[Door, Depends(_door)]


async def _known_tenant(tenant: str, door: TheDoor) -> str:
    if not await door.tenants.exists(tenant):
        raise not_found("tenant")
    return tenant


KnownTenant = Annotated[str, Depends(_known_tenant)]
"""The tenant in the path; one that does not exist is 404."""
