"""Clients that ask over HTTP, one connection each, and note how long each answer took.

Plain `http.client` in threads: the load generator shares two cores with what it measures.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import pairwise
from queue import Empty, SimpleQueue
from urllib.parse import urlencode, urlsplit

MONTHS = [f"{year}-{month:02}" for year in (2026, 2027) for month in range(1, 13)][12:22]


@dataclass(frozen=True)
class Answers:
    """What so many clients got: latencies in seconds, ascending, statuses, and the whole time."""

    clients: int
    seconds: list[float]
    statuses: Counter[int]
    elapsed: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed

    def quantile(self, share: float) -> float:
        """Milliseconds within which that share of the answers came."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * share))] * 1000


def free_slots(base_url: str, count: int) -> list[str]:
    """Starts of free intro calls, from next year on."""
    connection = _connect(base_url)
    found: list[str] = []
    for first, last in pairwise(MONTHS):
        query = {"from": f"{first}-01", "to": f"{last}-01", "time_zone": "America/New_York"}
        path = f"/v1/demo/appointment-types/intro-call/slots?{urlencode(query)}"
        found += [slot["start"] for slot in json.loads(_read(connection, path))["slots"]]
        if len(found) >= count:
            return found[:count]
    raise SystemExit(f"only {len(found)} free slots for {count} bookings")


def book(base_url: str, starts: Sequence[str], clients: int) -> Answers:
    """Books every start once, by so many clients at once."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for start in starts:
        waiting.put(start)
    seconds: list[float] = []
    statuses: Counter[int] = Counter()

    def work(_: int) -> None:
        connection = _connect(base_url)
        while True:
            try:
                start = waiting.get_nowait()
            except Empty:
                return
            began = time.perf_counter()
            statuses[_book_one(connection, start)] += 1
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(work, range(clients)))
    return Answers(clients, sorted(seconds), statuses, time.perf_counter() - began)


def ask(base_url: str, path: str, times: int) -> Answers:
    """Asks for one path so many times, one after the other; timed to the body's last byte."""
    connection = _connect(base_url)
    seconds: list[float] = []
    began = time.perf_counter()
    for _ in range(times):
        once = time.perf_counter()
        _read(connection, path)
        seconds.append(time.perf_counter() - once)
    return Answers(1, sorted(seconds), Counter({200: times}), time.perf_counter() - began)


def _book_one(connection: HTTPConnection, start: str) -> int:
    body = {
        "appointment_type": "intro-call",
        "start": start,
        "duration_minutes": 15,
        "time_zone": "America/New_York",
        "attendee": {"name": "Bench Mark", "email": f"{start[:16].replace(':', '')}@example.org"},
        "location": {"kind": "video"},
    }
    headers = {"content-type": "application/json", "idempotency-key": start}
    connection.request("POST", "/v1/demo/bookings", json.dumps(body), headers)
    reply = connection.getresponse()
    reply.read()
    return reply.status


def _read(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    if reply.status != 200:
        raise SystemExit(f"GET {path} was answered with {reply.status}: {body[:200]!r}")
    return body


def _connect(base_url: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(base_url).netloc, timeout=60)
