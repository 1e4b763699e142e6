"""An HTTP server inside a service: uvicorn, started and stopped by the service."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class HttpServer:
    """Serves one ASGI application on one address; port 0 takes any free one."""

    def __init__(self, app: AsgiApp, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        self._server = _Server(config)
        self._address = (host, port)
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that was taken."""
        return self._address[1]

    async def start(self) -> None:
        """Binds the address and starts to serve; raises `OSError` where it is in use."""
        listener = socket.create_server(self._address, backlog=2048)
        self._address = (self._address[0], listener.getsockname()[1])
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.01)

    async def stop(self, grace: float) -> None:
        """Takes no new connection, and finishes the requests at hand within `grace` seconds."""
        if self._task is None:
            return
        self._server.config.timeout_graceful_shutdown = int(grace)
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves the signals to the service."""
        yield
