"""Errors on their way out: whatever a route raised becomes a problem, in JSON or as a page."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from psycopg import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.api.answers import page, wants_page
from gateway.api.conditions import idempotency_headers
from gateway.api.problems import (
    INTERNAL,
    INVALID,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    FieldError,
    HttpProblemError,
    not_found,
    of_service,
    of_status,
)
from service_kit.errors import ProblemError, UnavailableError

Handler = Callable[[Request, Any], Awaitable[Response]]

_PREFIX = re.compile(r"^Value error, ")


def shown(request: Request, problem: HttpProblemError) -> Response:
    """The problem as a page where a person looks at one of our pages, otherwise as JSON."""
    problem.headers.update(idempotency_headers(request))
    if request.url.path.startswith("/v1/") or not wants_page(request):
        return problem.response()
    return page(
        "problem.html",
        problem.kind.status,
        problem.all_headers(),
        title=problem.kind.title,
        detail=problem.detail,
        correlation_id=problem.body()["correlation_id"],
        retry_seconds=problem.all_headers().get("Retry-After"),
    )


async def _on_problem(request: Request, error: HttpProblemError) -> Response:
    return shown(request, error)


async def _on_refusal(request: Request, error: ProblemError) -> Response:
    return shown(request, of_service(error))


async def _on_silence(request: Request, _error: UnavailableError | OperationalError) -> Response:
    return shown(request, HttpProblemError(UNAVAILABLE))


async def _on_http(request: Request, error: HTTPException) -> Response:
    return shown(request, of_status(error.status_code, error.headers))


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    return shown(request, problem_of_request(request, error))


async def _on_mistake(request: Request, _error: Exception) -> Response:
    return shown(request, HttpProblemError(INTERNAL))


HANDLERS: Mapping[Any, Handler] = {
    HttpProblemError: _on_problem,
    ProblemError: _on_refusal,
    UnavailableError: _on_silence,
    OperationalError: _on_silence,  # our own database does not answer
    HTTPException: _on_http,
    RequestValidationError: _on_invalid,
    Exception: _on_mistake,
}


def problem_of_request(request: Request, error: RequestValidationError) -> HttpProblemError:
    """What is wrong with a request: each field by the name that the client knows it by."""
    found = error.errors()
    if any(each["loc"][0] == "path" for each in found):
        return not_found("thing")
    if any(each["loc"] == ("body",) for each in found) and not _says_json(request):
        return HttpProblemError(UNSUPPORTED_MEDIA_TYPE)
    errors = [FieldError(_field(each["loc"]), _message(each)) for each in found]
    summary = "; ".join(f"{e.field}: {e.message}" for e in errors[:5])
    return HttpProblemError(INVALID, summary, errors=errors)


def _says_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _field(location: Sequence[str | int]) -> str:
    """`("body", "documents", 0, "url")` as people write it: `documents[0].url`."""
    name = ""
    for part in location[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}"
    return name.lstrip(".") or str(location[0])


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a field of this request"
    if error["type"] == "missing":
        return "is required"
    return _PREFIX.sub("", str(error["msg"]))
