"""Each rule on imports is proven by breaking it, in a copy of the sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

SERVICES = "The command, then services, then service-kit, then contracts; services never meet"
INWARDS = "Inside a service, imports point inwards"
GATEWAY = "Inside the gateway, imports point inwards"
DOMAIN = "The domain knows no broker, web, database or wire format"
EDGES = "Wire events are spoken only at the edges"
SETTINGS = "Only __main__ reads settings"

BREAKS = [
    (SERVICES, "services/booking/src/booking/bus.py", "import video.domain"),
    (SERVICES, "libs/service-kit/src/service_kit/clock.py", "import booking.domain"),
    (SERVICES, "libs/contracts/src/contracts/video.py", "import service_kit.clock"),
    (SERVICES, "services/video/src/video/store.py", "import rendezvous.errors"),
    (INWARDS, "services/booking/src/booking/domain.py", "import booking.application"),
    (INWARDS, "services/video/src/video/application.py", "import video.bus"),
    (INWARDS, "services/booking/src/booking/store.py", "import booking.application"),
    (INWARDS, "services/booking/src/booking/publishing.py", "import booking.process"),
    (INWARDS, "services/notify/src/notify/helpers.py", ""),
    (GATEWAY, "services/gateway/src/gateway/store.py", "import gateway.api"),
    (DOMAIN, "services/booking/src/booking/domain.py", "import contracts.booking"),
    (DOMAIN, "services/video/src/video/domain.py", "import psycopg"),
    (DOMAIN, "services/video/src/video/domain.py", "import faststream"),
    (EDGES, "services/booking/src/booking/application.py", "import contracts.booking"),
    (EDGES, "services/video/src/video/store.py", "import contracts.video"),
    (SETTINGS, "services/booking/src/booking/bus.py", "import booking.settings"),
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("sources")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for source in ROOT.glob("*/*/src"):
        shutil.copytree(source, copy / source.relative_to(ROOT))
    return copy


def broken(sources: Path) -> str:
    """What the checker says of the copy, where it finds anything broken."""
    path = os.pathsep.join(str(source) for source in sources.glob("*/*/src"))
    found = subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.partition("Broken contracts")[2] if found.returncode else ""


def test_the_rules_hold(sources: Path) -> None:
    assert broken(sources) == ""


@pytest.mark.parametrize(("rule", "file", "line"), BREAKS)
def test_a_rule_that_is_broken_is_reported(sources: Path, rule: str, file: str, line: str) -> None:
    place = sources / file
    before = place.read_text() if place.exists() else None
    place.write_text(f"{before or ''}\n{line}\n")
    try:
        assert rule in broken(sources)
    finally:
        if before is None:
            place.unlink()
        else:
            place.write_text(before)
