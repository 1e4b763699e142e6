"""Liveness, readiness and metrics, over HTTP; readiness also over NATS for the gateway.

Liveness is the event loop's heartbeat alone, never a dependency. Readiness asks everything that
a request needs, and says what is wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from contracts.envelope import Contract

Check = Callable[[], Awaitable[str | None]]
"""Answers with what is wrong, or nothing; may raise instead."""

CHECK_SECONDS = 2.0


class Readiness(Contract):
    """Whether a service can do its work; `problems` says by name what is wrong."""

    ready: bool
    problems: dict[str, str]


@dataclass
class Health:
    """The checks of one service."""

    service: str
    checks: dict[str, Check] = field(default_factory=dict[str, Check])
    stopping: bool = False
    declarations: Callable[[], dict[str, Any]] = dict[str, Any]

    async def readiness(self) -> Readiness:
        """Runs every check at once, each for at most two seconds."""
        if self.stopping:
            return Readiness(ready=False, problems={"service": "stopping"})
        names = list(self.checks)
        found = await asyncio.gather(*(self._run(self.checks[name]) for name in names))
        problems = {name: what for name, what in zip(names, found, strict=True) if what}
        return Readiness(ready=not problems, problems=problems)

    def routes(self) -> list[Route]:
        """`/livez`, `/readyz`, `/metrics` and `/asyncapi.json`."""
        return [
            Route("/livez", self._livez, include_in_schema=False),
            Route("/readyz", self._readyz, include_in_schema=False),
            Route("/metrics", self._metrics, include_in_schema=False),
            Route("/asyncapi.json", self._asyncapi, include_in_schema=False),
        ]

    async def answer_over(self, client: Client) -> None:
        """Answers `ask_readiness` of other services."""

        async def reply(message: Msg) -> None:
            await message.respond((await self.readiness()).model_dump_json().encode())

        await client.subscribe(_subject(self.service), queue=self.service, cb=reply)

    async def _run(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await check()
        except Exception as error:  # noqa: BLE001 - any failure is an answer here
            return f"{type(error).__name__}: {error}".strip().rstrip(":")

    async def _livez(self, _request: Request) -> Response:
        return PlainTextResponse("ok")

    async def _readyz(self, _request: Request) -> Response:
        found = await self.readiness()
        return JSONResponse(found.model_dump(), status_code=200 if found.ready else 503)

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def _asyncapi(self, _request: Request) -> Response:
        return JSONResponse(self.declarations())


async def ask_readiness(client: Client, service: str) -> Readiness:
    """Another service's readiness; not ready where it gives no answer within two seconds."""
    try:
        reply = await client.request(_subject(service), b"", timeout=CHECK_SECONDS)
    except (NatsError, TimeoutError) as error:
        return Readiness(ready=False, problems={service: f"no answer ({type(error).__name__})"})
    return Readiness.model_validate_json(reply.data)


def _subject(service: str) -> str:
    return f"rpc.{service}.Ready"
