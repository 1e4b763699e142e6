"""What a client and a host do over HTTP, for the stories."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.system import System

Json = dict[str, Any]


@dataclass
class Client:
    """Somebody who books, and the host's key where a story needs it."""

    http: httpx.AsyncClient
    key: dict[str, str]

    async def slots(
        self,
        appointment_type: str = "intro-call",
        *,
        begin: str = "2027-03-08",
        end: str = "2027-03-27",
        **more: str,
    ) -> list[Json]:
        """Free slots of the demo tenant; dates are local in New York."""
        reply = await self.http.get(
            f"/v1/demo/appointment-types/{appointment_type}/slots",
            params={"from": begin, "to": end, "time_zone": "America/New_York", **more},
        )
        return reply.raise_for_status().json()["slots"]

    async def ask(self, start: str, *, key: str | None = None, **changes: Any) -> httpx.Response:
        """Asks for an intro call at `start`."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post(
            "/v1/demo/bookings", json=a_request(start, **changes), headers=headers
        )

    async def book(self, start: str, **changes: Any) -> Json:
        """An intro call that is confirmed."""
        reply = await self.ask(start, **changes)
        assert reply.status_code == 201, reply.text
        return reply.json()

    async def look(self, booking_id: str, path: str = "", **params: str) -> Json:
        """What the host sees of a booking."""
        reply = await self.http.get(
            f"/v1/bookings/{booking_id}{path}", headers=self.key, params=params
        )
        return reply.raise_for_status().json()

    async def cancel(self, booking_id: str, **json: Any) -> httpx.Response:
        """The host calls a booking off."""
        return await self.http.post(
            f"/v1/bookings/{booking_id}/cancel", json=json, headers=self.key
        )


def a_request(start: str, **changes: Any) -> Json:
    """The body of a request for an intro call."""
    body: Json = {
        "appointment_type": "intro-call",
        "start": start,
        "duration_minutes": 15,
        "time_zone": "America/New_York",
        "attendee": {"name": "Sarah Weiß", "email": "sarah@example.org", "phone": None},
        "location": {"kind": "video"},
    }
    return body | changes


@asynccontextmanager
async def client_of(system: System) -> AsyncGenerator[Client]:
    """A client of a system that runs."""
    async with system.client() as http:
        yield Client(http, system.authorization)
