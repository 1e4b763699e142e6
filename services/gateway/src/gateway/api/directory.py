"""Hosts by id, remembered for a short while: every booking that is shown names its host."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from contracts.availability import GetHosts, HostDetails
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc

FRESH_SECONDS = 30.0
CACHE_SIZE = 10_000


_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Remembered:
    host: HostDetails | None
    until: float


class HostDirectory:
    """Asks availability for hosts.

    Where availability does not answer, what was known last is told: a booking can be read without
    the name of its host.
    """

    def __init__(self, rpc: Rpc, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rpc = rpc
        self._monotonic = monotonic
        self._remembered: dict[tuple[str, UUID], _Remembered] = {}

    async def host(self, tenant: str, host_id: UUID | None) -> HostDetails | None:
        """One host; nothing for no id, an unknown one, or one that nobody can tell us of now."""
        if host_id is None:
            return None
        return (await self.hosts(tenant, [host_id])).get(host_id)

    async def hosts(self, tenant: str, host_ids: list[UUID]) -> dict[UUID, HostDetails]:
        """These hosts by id; the ones that cannot be told are absent."""
        stale = [i for i in dict.fromkeys(host_ids) if not self._is_fresh(tenant, i)]
        if stale:
            await self._ask(tenant, stale)
        found = ((i, self._remembered.get((tenant, i))) for i in host_ids)
        return {i: known.host for i, known in found if known is not None and known.host}

    def _is_fresh(self, tenant: str, host_id: UUID) -> bool:
        known = self._remembered.get((tenant, host_id))
        return known is not None and known.until > self._monotonic()

    async def _ask(self, tenant: str, host_ids: list[UUID]) -> None:
        try:
            answer = await self._rpc.call(GetHosts(tenant=tenant, ids=host_ids), timeout=2.0)
        except (ProblemError, UnavailableError) as error:
            _log.warning("hosts cannot be told", reason=str(error))
            return
        if len(self._remembered) + len(host_ids) > CACHE_SIZE:
            self._remembered.clear()
        until = self._monotonic() + FRESH_SECONDS
        named = {host.id: host for host in answer.items}
        for host_id in host_ids:
            self._remembered[(tenant, host_id)] = _Remembered(named.get(host_id), until)
