"""The OpenAPI document: FastAPI's, with our problems, policies and examples put in.

The policies are read from the one table, so that the document cannot say anything else.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from gateway.api import examples, shapes
from gateway.api.policies import POLICIES, Policy
from gateway.api.problems import INVALID, MEDIA_TYPE, SLOT_UNAVAILABLE, UNAVAILABLE, Kind

TITLE = "Rendezvous"
VERSION = "1.0.0"
DESCRIPTION = """
Book appointments, manage them, and ask what became of them.

- **Times** are RFC 3339; instants are answered in UTC. Zones are IANA names.
- **Errors** are problems (RFC 9457, `application/problem+json`): `type` is stable and explains
  itself at its address, `errors` names the fields that are wrong.
- **Repeats**: every POST of a booking or a cancellation takes an `Idempotency-Key`; the same key
  gets the first answer again. Without one the gateway makes one up and tells it in the answer.
- **Keys and links**: machines send `Authorization: Bearer rdv_…`; an attendee's link carries a
  token, sent as `Authorization: Bearer …` or `?token=…`.
- **Read your writes**: answers to writes carry `Rendezvous-Position`; a list that is given it as
  `min_position` has seen the write, or says 503.
- **Following a request**: send `X-Correlation-Id`, or read the one that every answer carries.
"""
TAGS = [
    {"name": "Booking", "description": "What everybody may do: see what is free, and book it."},
    {"name": "Bookings", "description": "One booking, its history, and the list of them."},
    {"name": "Links", "description": "What the links in e-mails lead to."},
    {"name": "Hosts", "description": "Hosts, their calendars and feeds."},
    {"name": "Keys", "description": "API keys of a tenant."},
    {"name": "System", "description": "Probes, metrics, and what problems mean."},
    {"name": "Local", "description": "On one machine only: the mails that the local sink took."},
]
SECURITY_SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rdv_…",
        "description": "An API key with the scopes that the operation names.",
    },
    "link": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "opaque",
        "description": "The token of the booking's own link.",
    },
    "link_in_query": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The token of the booking's own link.",
    },
}

Responses = dict[int | str, dict[str, Any]]


def gives(shape: type[BaseModel] | None, *kinds: Kind, status: int = 200) -> Responses:
    """What a route answers: its shape (none for an empty answer), and the problems of its own."""
    responses: Responses = {status: {"description": "Done."}}
    if shape is not None:
        found: dict[str, Any] = {
            "description": (shape.__doc__ or "").partition("\n")[0],
            "model": shape,
        }
        if example := examples.BY_SHAPE.get(shape.__name__):
            found["content"] = {"application/json": {"example": example}}
        responses[status] = found
    for kind in (*kinds, INVALID, UNAVAILABLE):
        responses.setdefault(kind.status, _problem(kind))
    return responses


def media(media_type: str, *kinds: Kind, description: str) -> Responses:
    """As `gives`, for an answer that is no JSON."""
    return {
        **gives(None, *kinds),
        200: {"description": description, "content": {media_type: {"schema": {"type": "string"}}}},
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application whose routes all have their policy."""
    found = get_openapi(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        servers=[{"url": "/"}],
    )
    found["components"]["securitySchemes"] = SECURITY_SCHEMES
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _secure(operation, POLICIES[f"{method.upper()} {path}"])
            if not operation.get("parameters") and "requestBody" not in operation:
                operation["responses"].pop("422", None)  # nothing there that could be invalid
            for response in operation["responses"].values():
                _as_problem(response)
    return found


def _problem(kind: Kind) -> dict[str, Any]:
    shape = shapes.SlotUnavailable if kind is SLOT_UNAVAILABLE else shapes.Problem
    example = examples.problem(kind)
    return {
        "description": f"{kind.title}: {kind.meaning}",
        "model": shape,
        "content": {"application/json": {"example": example}},
    }


def _as_problem(response: dict[str, Any]) -> None:
    """FastAPI writes every model down as the route's media type; ours have their own."""
    content = response.get("content", {})
    reference = str(content.get("application/json", {}).get("schema", {}).get("$ref", ""))
    if reference.rpartition("/")[2] in {shapes.Problem.__name__, shapes.SlotUnavailable.__name__}:
        content[MEDIA_TYPE] = content.pop("application/json")


def _secure(operation: dict[str, Any], policy: Policy) -> None:
    security: list[dict[str, list[str]]] = []
    if policy.scopes:
        security.append({"key": sorted(policy.scopes)})
    if policy.link:
        security += [{"link": []}, {"link_in_query": []}]
    operation["security"] = security
