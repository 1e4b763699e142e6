"""The door itself: landing page, documentation, what problems mean, probes and metrics."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.api import shapes
from gateway.api.access import guarded_router
from gateway.api.answers import json_answer, page, wants_page
from gateway.api.door import TheDoor
from gateway.api.openapi import gives, media
from gateway.api.problems import KINDS, NOT_FOUND, UNAVAILABLE, Kind, not_found

ROBOTS = "User-agent: *\nDisallow: /b/\nDisallow: /call/\nDisallow: /feeds/\nDisallow: /v1/\n"

router = guarded_router("System")


@router.get("/", include_in_schema=False)
async def landing(door: TheDoor) -> Response:
    """Says what this is and where to go on."""
    return page("landing.html", local_mode=door.local_mode)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The API for people to read, from the OpenAPI document."""
    return page("docs.html", document=request.app.openapi())


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return json_answer(request.app.openapi())


@router.get("/robots.txt", include_in_schema=False)
async def robots() -> Response:
    """Asks search engines to stay away from links that are meant for one person."""
    return PlainTextResponse(ROBOTS)


@router.get("/problems", responses=gives(shapes.ProblemKinds))
async def list_problems(request: Request) -> Response:
    """Every kind of problem that this API answers with."""
    if wants_page(request):
        return page("problem_kinds.html", kinds=list(KINDS.values()))
    return json_answer({"items": [_kind_json(kind) for kind in KINDS.values()]})


@router.get("/problems/{name}", responses=gives(shapes.ProblemKind, NOT_FOUND))
async def get_problem(name: str, request: Request) -> Response:
    """What one kind of problem means: the address that its `type` is."""
    kind = KINDS.get(name)
    if kind is None:
        raise not_found("kind of problem")
    if wants_page(request):
        return page("problem_kinds.html", kinds=[kind])
    return json_answer(_kind_json(kind))


@router.get("/livez", responses=media("text/plain", description="The process is alive"))
async def livez() -> Response:
    """Whether this process is alive; it asks nobody else."""
    return PlainTextResponse("ok")


@router.get("/readyz", responses=gives(shapes.Readiness, UNAVAILABLE))
async def readyz(door: TheDoor) -> Response:
    """Whether a booking can go all the way through: every service and what it needs."""
    found = await door.readiness()
    problems = {
        name: what if door.local_mode else "not ready" for name, what in found.problems.items()
    }
    content = {"ready": found.ready, "problems": problems}
    return json_answer(content, 200 if found.ready else UNAVAILABLE.status)


@router.get("/metrics", responses=media("text/plain", description="Prometheus metrics"))
async def metrics() -> Response:
    """This process in figures."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _kind_json(kind: Kind) -> dict[str, str | int]:
    return {
        "type": kind.type,
        "status": kind.status,
        "title": kind.title,
        "meaning": kind.meaning,
    }
