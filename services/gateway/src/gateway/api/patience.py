"""Asking again while nobody answers: a service that is being restarted is back in a moment."""

import asyncio
from typing import TypeVar

from contracts.envelope import Contract, Request
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc

ReplyT = TypeVar("ReplyT", bound=Contract)

QUERY_SECONDS = 3.0
"""How long a query is worth waiting for."""

COMMAND_SECONDS = 5.0
"""How long a command is; it must carry an idempotency key."""

_TRY_SECONDS = 2.0
_PAUSE_SECONDS = 0.1


async def insist(rpc: Rpc, request: Request[ReplyT], within: float = QUERY_SECONDS) -> ReplyT:
    """The reply to a request that may be repeated: a query, or a command with its key.

    Raises `UnavailableError` where nobody answered `within` so many seconds, `ProblemError` as
    `Rpc.call` does.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        left = max(deadline - loop.time(), _PAUSE_SECONDS)
        try:
            return await rpc.call(request, timeout=min(left, _TRY_SECONDS))
        except (UnavailableError, ProblemError) as error:
            if not _may_pass(error) or deadline - loop.time() < 2 * _PAUSE_SECONDS:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


def _may_pass(error: UnavailableError | ProblemError) -> bool:
    """Whether it was silence, or a service that says it cannot answer just now."""
    return isinstance(error, UnavailableError) or error.code == "unavailable"
