"""Bookings a second and time to settled, beside the limits of the machine in the same run.

    make bench          (or: python -m bench.booking)

Starts a whole system of its own (every service, mail and meetings included), measures, and
prints ratios: machines differ, ratios less so. Results are kept in results/booking.json.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import limits, load
from tests.e2e.system import System, wait_for

RESULTS = Path("results")
RESERVATIONS = 200
"""Booked beforehand, every third slot of the month that the slots are asked of."""

BOOKINGS = {1: 200, 8: 400, 32: 800}
MAILS_A_BOOKING = 2

console = Console()


@dataclass(frozen=True)
class Round:
    """One number of clients: the answers, the core-milliseconds, and the mails' drain."""

    answers: load.Answers
    core_ms: float
    drain_seconds: float


def main() -> int:
    """Measures and tells; answers with the exit code."""
    with TemporaryDirectory() as home:
        system = System(Path(home) / "var").start()
        try:
            results = measure(system)
        finally:
            system.stop()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "booking.json").write_text(json.dumps(results, indent=2) + "\n")
    console.print(f"kept in {RESULTS / 'booking.json'}")
    return 0


def measure(system: System) -> dict[str, Any]:
    """Limits first, then the slots of a busy month, then bookings by 1, 8 and 32 clients."""
    commits = {n: limits.commits_a_second(system.admin_url, n) for n in BOOKINGS}
    acks = limits.acks_a_second(system.nats_url)
    starts = load.free_slots(system.base_url, 3 * RESERVATIONS + sum(BOOKINGS.values()))
    month, starts = starts[: 3 * RESERVATIONS : 3], starts[3 * RESERVATIONS :]
    load.book(system.base_url, month, 4)
    slots = load.ask(system.base_url, a_month_of_slots(), 200)
    settle(system, MAILS_A_BOOKING * RESERVATIONS)
    rounds = [one_round(system, starts, clients, count) for clients, count in BOOKINGS.items()]
    tell(rounds, commits, acks, slots)
    return {
        "limits": {"commits_a_second": commits, "acks_a_second": acks},
        "bookings": [summary(found, commits, acks) for found in rounds],
        "slots": {"p50_ms": slots.quantile(0.5), "p95_ms": slots.quantile(0.95)},
    }


def one_round(system: System, starts: list[str], clients: int, count: int) -> Round:
    """Books `count` slots by `clients` clients, then waits until every mail has left."""
    mails = len(system.mails())
    before = cpu_seconds(system)
    answers = load.book(system.base_url, [starts.pop() for _ in range(count)], clients)
    settled = perf_counter()
    settle(system, mails + MAILS_A_BOOKING * answers.statuses[201])
    drain = perf_counter() - settled
    return Round(answers, (cpu_seconds(system) - before) * 1000 / count, drain)


def settle(system: System, mails: int) -> None:
    """Waits until so many mails have arrived."""
    wait_for(lambda: len(system.mails()) >= mails, within=300, what="the mails")


def a_month_of_slots() -> str:
    """Thirty days of intro calls, of which a third is booked."""
    return (
        "/v1/demo/appointment-types/intro-call/slots"
        "?from=2027-01-01&to=2027-01-31&time_zone=America/New_York"
    )


def cpu_seconds(system: System) -> float:
    """What all processes of the system have used so far."""
    times = [process.cpu_times() for process in system.family()]
    return sum(time.user + time.system for time in times)


def summary(found: Round, commits: Mapping[int, float], acks: float) -> dict[str, Any]:
    """A round as numbers."""
    answers = found.answers
    return {
        "clients": answers.clients,
        "bookings": len(answers.seconds),
        "statuses": dict(answers.statuses),
        "confirmed_a_second": answers.rate,
        "p50_ms": answers.quantile(0.5),
        "p95_ms": answers.quantile(0.95),
        "of_the_commits": answers.rate / commits[answers.clients],
        "of_the_acks": answers.rate / acks,
        "core_ms_a_booking": found.core_ms,
        "mails_drained_after_seconds": found.drain_seconds,
    }


def tell(
    rounds: list[Round], commits: Mapping[int, float], acks: float, slots: load.Answers
) -> None:
    """Prints the table."""
    table = Table("clients", "confirmed/s", "p50 ms", "p95 ms", "of raw commits", "of raw acks")
    table.add_column("core-ms/booking")
    table.add_column("mails drained after")
    for found in rounds:
        answers = found.answers
        table.add_row(
            str(answers.clients),
            f"{answers.rate:.0f}",
            f"{answers.quantile(0.5):.1f}",
            f"{answers.quantile(0.95):.1f}",
            f"1/{commits[answers.clients] / answers.rate:.0f}",
            f"1/{acks / answers.rate:.0f}",
            f"{found.core_ms:.1f}",
            f"{found.drain_seconds:.1f} s",
        )
    console.print(table)
    told = ", ".join(f"{n}: {rate:.0f}/s" for n, rate in commits.items())
    console.print(f"raw Postgres commits by clients {told}; raw JetStream acks {acks:.0f}/s")
    console.print(
        f"slots of 30 days with {RESERVATIONS} reservations: "
        f"p50 {slots.quantile(0.5):.1f} ms, p95 {slots.quantile(0.95):.1f} ms"
    )
    others = {s: n for found in rounds for s, n in found.answers.statuses.items() if s != 201}
    if others:
        console.print(f"[red]not confirmed: {others}[/red]")


if __name__ == "__main__":
    raise SystemExit(main())
