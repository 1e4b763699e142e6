"""A server on loopback that counts who comes, and answers whatever the test says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Listener:
    port: int = 0
    visits: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None

    async def visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if self.answer is not None:
                await self.answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answers(self, response: bytes) -> None:
        async def write(writer: asyncio.StreamWriter) -> None:
            writer.write(response)
            await writer.drain()

        self.answer = write


Listen = Callable[[], Awaitable[Listener]]
