"""A standing pull: one request to a durable consumer that is renewed before it runs out.

Messages come as they are published (about 0.4 ms), where a fetch at a time costs a round trip
before and after each batch; and what has arrived while the last batch was handled is the next.
"""

import asyncio
import json
import time

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import Header

from contracts import subjects

REQUEST_SECONDS = 30.0
HEARTBEAT_SECONDS = 3.0
STARTING_PULSE_SECONDS = 0.25

_log = structlog.get_logger()


class StandingPull:
    """Receives what a durable consumer has, with at most `window` messages waiting here."""

    def __init__(self, client: Client, context: str, durable: str, *, window: int = 256) -> None:
        self._client = client
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.stream(context)}.{durable}"
        self._window = window
        self._queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._wanted = 0
        self._heard = 0.0
        self._subscription: Subscription | None = None
        self._inbox = ""
        self._pulse: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribes and asks for the first messages."""
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._inbox, cb=self._receive)
        await self._ask()
        self._pulse = asyncio.create_task(self._keep_asking(), name="pull-pulse")

    async def stop(self) -> None:
        """Asks for nothing more. What waits here is delivered again by the broker, to others."""
        if self._pulse:
            self._pulse.cancel()
        if self._subscription and not self._client.is_closed:
            await self._subscription.unsubscribe()

    def renew(self) -> None:
        """Forgets the request that stands; after a reconnect the broker does not know it."""
        self._wanted = 0
        self._heard = 0.0

    async def batch(self, most: int) -> list[Msg]:
        """What has arrived, at least one message and at most `most`; waits for the first."""
        found = [await self._queue.get()]
        while len(found) < most and not self._queue.empty():
            found.append(self._queue.get_nowait())
        if self._wanted <= self._window // 2 and self._queue.qsize() < self._window // 2:
            await self._ask()
        return found

    async def _receive(self, message: Msg) -> None:
        self._heard = time.monotonic()
        headers = message.headers or {}
        status = headers.get(Header.STATUS)
        if status is None or message.data:
            self._wanted -= 1
            self._queue.put_nowait(message)
        elif status != "100":
            # 404, 408, 409, 503: the request is over, whatever the reason.
            self._wanted = 0
            if status not in {"404", "408"}:
                self._heard = 0.0
                _log.info("a pull ended", status=status, why=headers.get(Header.DESCRIPTION))

    async def _keep_asking(self) -> None:
        while True:
            await asyncio.sleep(STARTING_PULSE_SECONDS)
            silent = time.monotonic() - self._heard > 3 * HEARTBEAT_SECONDS
            idle = self._wanted <= 0 and self._queue.qsize() < self._window // 2
            if (silent or idle) and self._client.is_connected:
                await self._ask()

    async def _ask(self) -> None:
        # The pulse looks again after a while of silence even if the answer never comes.
        self._heard = time.monotonic()
        self._wanted = self._window
        request = {
            "batch": self._window,
            "expires": int(REQUEST_SECONDS * 1e9),
            "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9),
        }
        await self._client.publish(self._subject, json.dumps(request).encode(), self._inbox)
