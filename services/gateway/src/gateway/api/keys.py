"""API keys of a tenant, made and revoked by those who hold one that may."""

from typing import Annotated, Any

from fastapi import Header, Path
from starlette.responses import Response

from gateway.api import shapes
from gateway.api.access import TheCaller, guarded_router
from gateway.api.answers import json_answer
from gateway.api.bodies import ApiKeyBody
from gateway.api.door import TheDoor
from gateway.api.openapi import gives
from gateway.api.problems import (
    ALREADY_CREATED,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    UNAUTHENTICATED,
    HttpProblemError,
    invalid,
    not_found,
)
from gateway.keys import SCOPES
from gateway.store import KeyRow

router = guarded_router("Keys")


@router.post(
    "/v1/api-keys",
    responses=gives(
        shapes.NewApiKey, UNAUTHENTICATED, FORBIDDEN, ALREADY_CREATED, INVALID, status=201
    ),
    status_code=201,
)
async def create_api_key(
    body: ApiKeyBody,
    caller: TheCaller,
    door: TheDoor,
    idempotency_key: Annotated[
        str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)
    ] = None,
) -> Response:
    """A new key. It is shown this once: a repeat of the Idempotency-Key is 409."""
    for place, scope in enumerate(body.scopes):
        if scope not in SCOPES:
            raise invalid(f"scopes[{place}]", f"is none of {', '.join(SCOPES)}")
        if not caller.may(scope):
            raise HttpProblemError(FORBIDDEN, f"A key without {scope} cannot give it away.")
    made = await door.keys.create(caller.tenant, body.name, body.scopes, idempotency_key)
    if made is None:
        raise HttpProblemError(ALREADY_CREATED)
    row, key = made
    return json_answer({**_key_json(row), "key": key}, 201)


@router.get("/v1/api-keys", responses=gives(shapes.ApiKeys, UNAUTHENTICATED, FORBIDDEN))
async def list_api_keys(caller: TheCaller, door: TheDoor) -> Response:
    """All keys of the tenant, oldest first, without their secrets."""
    rows = await door.keys.of_tenant(caller.tenant)
    return json_answer({"items": [_key_json(row) for row in rows]})


@router.delete(
    "/v1/api-keys/{key_id}",
    responses=gives(None, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, status=204),
    status_code=204,
)
async def revoke_api_key(
    key_id: Annotated[str, Path(pattern="^[0-9A-Za-z]{12}$")], caller: TheCaller, door: TheDoor
) -> Response:
    """Revokes a key: here at once, at other copies of the gateway within seconds."""
    if not await door.keys.revoke(caller.tenant, key_id):
        raise not_found("API key")
    return Response(status_code=204)


def _key_json(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }
