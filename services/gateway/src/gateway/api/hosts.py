"""The tenant's hosts."""

from starlette.responses import Response

from contracts.availability import GetHosts
from gateway.api import shapes
from gateway.api.access import TheCaller, guarded_router
from gateway.api.answers import json_answer
from gateway.api.door import TheDoor
from gateway.api.openapi import gives
from gateway.api.problems import FORBIDDEN, UNAUTHENTICATED

router = guarded_router("Hosts")


@router.get("/v1/hosts", responses=gives(shapes.Hosts, UNAUTHENTICATED, FORBIDDEN))
async def list_hosts(caller: TheCaller, door: TheDoor) -> Response:
    """All hosts of the tenant, by name."""
    found = await door.ask(GetHosts(tenant=caller.tenant))
    hosts = sorted(found.items, key=lambda host: (host.name, host.id))
    fields = {"id", "name", "email", "time_zone", "active"}
    return json_answer({"items": [host.model_dump(include=fields) for host in hosts]})
