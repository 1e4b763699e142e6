"""What the machine can do at most: the limits that results are told against."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import nats
import psycopg
from nats.js.api import StorageType, StreamConfig

COMMITS = 2_000
ACKS = 5_000
IN_FLIGHT = 100


def commits_a_second(database_url: str, clients: int) -> float:
    """Single-row INSERTs, each its own commit, by so many connections at once."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bench_limit (id bigserial, body text)")
    each = COMMITS // clients

    def insert(_: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            for _number in range(each):
                connection.execute("INSERT INTO bench_limit (body) VALUES ('x')")

    with ThreadPoolExecutor(clients) as threads:
        started = time.perf_counter()
        list(threads.map(insert, range(clients)))
        elapsed = time.perf_counter() - started
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE bench_limit")
    return each * clients / elapsed


def acks_a_second(nats_url: str) -> float:
    """JetStream publishes of 1 KiB that were acknowledged, a hundred in flight."""
    return asyncio.run(_acks(nats_url))


async def _acks(nats_url: str) -> float:
    client = await nats.connect(nats_url)
    jetstream = client.jetstream(publish_async_max_pending=IN_FLIGHT)
    config = StreamConfig(name="BENCH", subjects=["bench.limit"], storage=StorageType.FILE)
    await jetstream.add_stream(config)
    body = b"x" * 1024
    started = time.perf_counter()
    pending = [await jetstream.publish_async("bench.limit", body) for _ in range(ACKS)]
    await asyncio.gather(*pending)
    elapsed = time.perf_counter() - started
    await jetstream.delete_stream("BENCH")
    await client.close()
    return ACKS / elapsed
