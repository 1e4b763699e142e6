"""Dockerfiles, locks and docker-compose.yml are well, and each rule notices when they are not."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from rendezvous.local import nats

from .conftest import ROOT

Script = Callable[[str], ModuleType]

COMPOSE = "docker-compose.yml"
BOOKING = "services/booking/Dockerfile"
LOCK = "services/booking/requirements.lock"

BROKEN = [
    ("dockerfiles_exist", BOOKING, None, "", f"{BOOKING} is not there"),
    (
        "what_is_copied_is_there",
        BOOKING,
        "COPY libs/contracts libs",
        "COPY libs/contract libs",
        "copies libs/contract, which is not there",
    ),
    ("what_is_copied_is_there", ".dockerignore", "!libs\n", "", "which .dockerignore keeps out"),
    (
        "a_service_copies_its_own",
        BOOKING,
        "COPY services/booking services",
        "COPY services/video services",
        "copies services/video",
    ),
    (
        "a_service_copies_its_own",
        BOOKING,
        "COPY services/booking/requirements.lock ./",
        "",
        "does not install the requirements",
    ),
    (
        "images_are_small_and_safe",
        BOOKING,
        "FROM python:3.11-slim AS",
        "FROM python AS",
        "which has no version",
    ),
    ("images_are_small_and_safe", BOOKING, "USER 10001:10001", "USER 0:0", "other than root"),
    ("images_are_small_and_safe", BOOKING, "USER 10001:10001\n", "", "other than root"),
    (
        "images_are_small_and_safe",
        BOOKING,
        "RUN useradd",
        "RUN apt-get install gcc && useradd",
        "installs packages of the system",
    ),
    (
        "images_are_small_and_safe",
        BOOKING,
        "--require-hashes --only-binary",
        "--only-binary",
        "installs what is not locked",
    ),
    (
        "services_are_asked_for_their_health",
        BOOKING,
        "/livez",
        "/readyz",
        "no HEALTHCHECK that asks /livez",
    ),
    (
        "services_are_asked_for_their_health",
        BOOKING,
        '"-m", "booking"',
        '"-m", "video"',
        "does not run",
    ),
    ("locks_agree", LOCK, "psycopg==3.", "psycopg==2.", "another psycopg than requirements.lock"),
    ("locks_agree", LOCK, "eventsourcing==", "eventsaucing==", "lacks eventsourcing"),
    ("locks_agree", "deploy/docker/build.lock", None, "", "build.lock is not there"),
    ("compose_holds_together", COMPOSE, "image: postgres:18", "image: postgres", "with a version"),
    ("compose_holds_together", COMPOSE, "profiles: [jitsi]", "profiles: [video]", "no profile"),
    (
        "compose_holds_together",
        COMPOSE,
        "dockerfile: deploy/docker/tools.Dockerfile",
        "dockerfile: tools.Dockerfile",
        "built from tools.Dockerfile, which is not there",
    ),
    (
        "compose_holds_together",
        COMPOSE,
        "network_mode: service:notify",
        "network_mode: service:mailer",
        "service:mailer, which is not there",
    ),
    (
        "compose_holds_together",
        COMPOSE,
        "depends_on: [jitsi-prosody]",
        "depends_on: [jitsi-xmpp]",
        "waits for jitsi-xmpp, which is not there",
    ),
    (
        "compose_holds_together",
        COMPOSE,
        "notify: {condition: service_started}",
        "notify: {condition: service_healthy}",
        "waits for the health of notify",
    ),
    (
        "compose_holds_together",
        COMPOSE,
        "./deploy/docker/nats.conf:",
        "./deploy/nats.conf:",
        "mounts ./deploy/nats.conf, which is not there",
    ),
    ("compose_holds_together", COMPOSE, "  mail:\n", "", "mounts the volume mail"),
    (
        "compose_runs_every_service",
        COMPOSE,
        "  booking:\n    <<: *service",
        "  bookings:\n    <<: *service",
        "booking is missing",
    ),
    (
        "compose_runs_every_service",
        COMPOSE,
        "dockerfile: services/booking/Dockerfile",
        "dockerfile: services/video/Dockerfile",
        "not built from its own Dockerfile",
    ),
    (
        "compose_runs_every_service",
        COMPOSE,
        "      LINK_KEYS:",
        "      LINK_KEY:",
        "booking is not given LINK_KEYS",
    ),
    (
        "compose_runs_every_service",
        COMPOSE,
        "      MAIL_DIR:",
        "      MAILDIR:",
        "gateway is given MAILDIR, which it does not read",
    ),
    (
        "compose_runs_every_service",
        COMPOSE,
        "@postgres:5432/video\n      NOTIFY",
        "@postgres:5432/videos\n      NOTIFY",
        "video uses another database",
    ),
    (
        "variables_are_explained",
        "deploy/docker/env.example",
        "SECRET_KEY=\n",
        "",
        "does not tell of SECRET_KEY",
    ),
    (
        "variables_are_explained",
        "deploy/docker/env.example",
        "SECRET_KEY=\n",
        "SECRET_KEY=\nOTHER=1\n",
        "tells of OTHER",
    ),
    (
        "variables_are_explained",
        "deploy/docker/env.example",
        "SECRET_KEY=\n",
        "SECRET_KEY=changeme\n",
        "gives SECRET_KEY away",
    ),
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the rules read."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    for name in (COMPOSE, ".dockerignore", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    for pyproject in ROOT.glob("*/*/pyproject.toml"):
        member = tmp_path / pyproject.parent.relative_to(ROOT)
        member.mkdir(parents=True)
        for name in ("pyproject.toml", "Dockerfile", "requirements.lock"):
            if (pyproject.parent / name).exists():
                shutil.copy(pyproject.parent / name, member / name)
    return tmp_path


def test_they_are_well(script: Script, capsys: pytest.CaptureFixture[str]):
    code = script("check_containers").main()

    assert (code, capsys.readouterr().out.count("\n")) == (0, 1)


@pytest.mark.parametrize(
    ("rule", "file", "old", "new", "said"),
    BROKEN,
    ids=[f"{n}-{broken[0]}" for n, broken in enumerate(BROKEN)],
)
def test_a_broken_rule_is_noticed(
    script: Script, checkout: Path, rule: str, file: str, old: str | None, new: str, said: str
):
    rules = script("container_rules")
    path = checkout / file
    if old is None:
        path.unlink()
    else:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    noticed = list(getattr(rules, rule)(checkout))

    assert any(said in problem for problem in noticed), noticed


def test_each_rule_is_broken_once(script: Script):
    rules = script("container_rules").RULES

    assert {broken[0] for broken in BROKEN} == {rule.__name__ for rule in rules}


def test_yaml_is_held_to_one_form(script: Script, checkout: Path):
    path = checkout / "deploy/k8s/base/settings.yaml"
    path.write_text(path.read_text() + "  DOUBLE: a\n  DOUBLE: b\n")

    (problem,) = script("check_containers").yaml_problems(checkout)

    assert "duplication of key" in problem


def test_the_brokers_configuration_is_understood_by_the_broker():
    answer = subprocess.run(
        [nats.binary(), "-t", "-c", str(ROOT / "deploy/docker/nats.conf")],
        env={**os.environ, "NATS_PASSWORD": "n0123"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
