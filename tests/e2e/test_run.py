import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from rendezvous.local.nats import NatsServer
from rendezvous.local.ports import free_port
from rendezvous.local.postgres import PostgresServer
from tests.e2e.system import ROOT, System, wait_for

NewSystem = Callable[..., System]

# `-o`: the environment is made by `make test`, not from within a test.
MAKE_RUN = ("/usr/bin/env", "make", "-C", str(ROOT), "-o", ".venv/.ready", "run")


def _appointment_types(system: System) -> set[str]:
    answer = httpx.get(f"{system.base_url}/v1/demo/appointment-types", timeout=10)
    return {found["slug"] for found in answer.raise_for_status().json()["items"]}


def _book(system: System) -> str:
    types = f"{system.base_url}/v1/demo/appointment-types"
    start = httpx.get(
        f"{types}/intro-call/slots",
        params={"from": "2027-03-22", "to": "2027-03-23", "time_zone": "Europe/Berlin"},
        timeout=10,
    ).json()["slots"][0]["start"]
    answer = httpx.post(
        f"{system.base_url}/v1/demo/bookings",
        headers={"Idempotency-Key": os.urandom(8).hex()},
        json={
            "appointment_type": "intro-call",
            "start": start,
            "duration_minutes": 15,
            "time_zone": "Europe/Berlin",
            "attendee": {"name": "Jo Park", "email": "jo@example.com"},
            "location": {"kind": "video"},
        },
        timeout=20,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _stop_in_time(system: System, number: signal.Signals, *, group: bool = False) -> int:
    """The exit code of a stop that took less than ten seconds and left no process."""
    family = system.family()
    assert len(family) > 9, "six services, a mail sink and two servers"
    began = time.monotonic()
    status = system.stop(number, group=group)
    assert time.monotonic() - began < 10
    assert not any(map(_is_alive, family))
    assert system.said().endswith("Stopped.\n"), "nothing else is said, by make either"
    return status


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _refusal(**environment: str) -> str:
    """What a start that cannot be says, which is one sentence and no traceback."""
    inherited = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "NATS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", "rendezvous", "up"],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr.strip()


@pytest.mark.timeout(300)
def test_a_second_run_finds_what_the_first_one_kept(new_system: NewSystem) -> None:
    system = new_system(command=MAKE_RUN)
    system.start()
    key, booking = system.demo_key, _book(system)
    assert _appointment_types(system) == {
        "video-consultation",
        "office-visit",
        "phone-call",
        "intro-call",
    }
    # make itself dies of a signal once what it runs has ended.
    assert _stop_in_time(system, signal.SIGINT, group=True) == -signal.SIGINT

    system.start()

    assert system.demo_key == key
    found = httpx.get(
        f"{system.base_url}/v1/bookings/{booking}", headers=system.authorization, timeout=10
    )
    assert found.status_code == 200
    assert _stop_in_time(system, signal.SIGTERM) == -signal.SIGTERM


@pytest.mark.timeout(300)
def test_a_run_that_is_killed_leaves_nothing_behind_and_the_next_one_goes_on(
    new_system: NewSystem,
) -> None:
    system = new_system().start()
    family, booking = system.family(), _book(system)

    system.kill_everything()

    wait_for(lambda: not any(map(_is_alive, family)), what="the end of all")
    system.start()
    found = httpx.get(
        f"{system.base_url}/v1/bookings/{booking}", headers=system.authorization, timeout=10
    )
    assert found.status_code == 200
    assert _stop_in_time(system, signal.SIGTERM) == 0


@pytest.mark.timeout(300)
def test_servers_that_run_already_are_used_and_left_running(
    new_system: NewSystem, tmp_path: Path
) -> None:
    postgres, nats = PostgresServer(tmp_path / "postgres"), NatsServer(tmp_path / "nats")
    postgres.directory.mkdir()
    postgres.start()
    nats.start()
    system = new_system(database_url=postgres.url, nats_url=nats.url).start()

    assert {"postgres", "nats"}.isdisjoint(system.processes())
    assert httpx.get(f"{system.base_url}/readyz", timeout=10).status_code == 200
    assert system.stop() == 0

    with psycopg.connect(postgres.url):
        pass
    postgres.stop()
    nats.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs every other test so")
@pytest.mark.timeout(300)
def test_an_ordinary_user_can_run_it(new_system: NewSystem) -> None:
    nobody = pwd.getpwnam("nobody")
    system = new_system(run_as=(nobody.pw_uid, nobody.pw_gid))
    system.home.root.mkdir()
    os.chown(system.home.root, nobody.pw_uid, nobody.pw_gid)

    system.start()

    assert {process.uids().real for process in system.family()} == {nobody.pw_uid}
    assert _stop_in_time(system, signal.SIGTERM) == 0


def test_a_process_that_dies_is_started_again_and_said_so(system: System) -> None:
    before = system.kill("video")

    wait_for(lambda: "video runs again" in system.said(), what="the news")

    assert "video ended (signal SIGKILL) and is started again" in system.said()
    assert system.pid("video") != before
    system.wait_ready()


def test_a_second_run_on_the_same_home_is_refused(system: System) -> None:
    said = _refusal(RENDEZVOUS_HOME=str(system.home.root), RENDEZVOUS_PORT=str(free_port()))

    assert "runs already on" in said
    assert httpx.get(f"{system.base_url}/readyz", timeout=10).status_code == 200


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = _refusal(RENDEZVOUS_HOME=str(tmp_path), RENDEZVOUS_PORT=port)

    assert f"Port {port} on 127.0.0.1 is in use" in said


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("RENDEZVOUS_PORT", "abc"),
        ("RENDEZVOUS_BIND", "nowhere.invalid"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/postgres"),
        ("DATABASE_URL", "what?"),
    ],
)
def test_a_setting_that_is_broken_is_named(setting: str, value: str, tmp_path: Path) -> None:
    environment = {
        "RENDEZVOUS_HOME": str(tmp_path),
        "RENDEZVOUS_PORT": str(free_port()),
        setting: value,
    }

    said = _refusal(**environment)

    assert setting in said or value in said
    assert "Traceback" not in said


def test_a_broker_that_is_not_there_is_named(tmp_path: Path, postgres_url: str) -> None:
    said = _refusal(
        RENDEZVOUS_HOME=str(tmp_path),
        RENDEZVOUS_PORT=str(free_port()),
        DATABASE_URL=postgres_url,
        NATS_URL="nats://127.0.0.1:1",
    )

    assert "NATS_URL cannot be reached" in said


def _doctor(system: System) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "rendezvous", "doctor"],
        env=system.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_doctor_finds_a_system_well_and_names_the_part_that_is_not(system: System) -> None:
    system.wait_ready()
    status, said = _doctor(system)
    assert (status, "✗" in said) == (0, False), said

    video = psutil.Process(system.pid("video"))
    video.suspend()
    status, said = _doctor(system)
    video.resume()

    assert status == 1
    (line,) = [line for line in said.splitlines() if "✗" in line]
    assert "video" in line
    assert "it does not answer" in line
