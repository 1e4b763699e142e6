"""Writes what is generated from the code: JSON Schemas, AsyncAPI and OpenAPI documents.

Starts the whole system in a temporary home, and asks each service for its own declarations.
A published schema that would break its readers is not overwritten: that needs a new version.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from contracts import schemas
from tests.e2e.system import System

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "libs/contracts/schemas"
DOCS = ROOT / "docs"


def main() -> int:
    """Writes everything; answers with the exit code."""
    broken = write_schemas()
    for line in broken:
        print(f"breaks its readers, make a new version: {line}", file=sys.stderr)
    if broken:
        return 1
    with TemporaryDirectory() as home:
        write_interfaces(Path(home))
    return 0


def write_schemas() -> list[str]:
    """Writes each schema that breaks nobody; answers with those that would, and why."""
    broken: list[str] = []
    for name, document in schemas.documents().items():
        file = SCHEMAS / name
        if file.exists():
            found = schemas.breaks(json.loads(file.read_text(encoding="utf-8")), document)
            broken += [f"{name} {line}" for line in found]
        if not broken:
            write(file, document)
    return broken


def write_interfaces(home: Path) -> None:
    """Asks the running services for their AsyncAPI and OpenAPI documents."""
    system = System(home)
    system.start()
    try:
        for service, url in system.health_urls().items():
            write(DOCS / "asyncapi" / f"{service}.json", get(f"{url}/asyncapi.json"))
        write(DOCS / "openapi.json", get(f"{system.base_url}/openapi.json"))
    finally:
        system.stop()


def get(url: str) -> Any:
    """The JSON document at a URL."""
    return httpx.get(url, timeout=10).raise_for_status().json()


def write(file: Path, document: Any) -> None:
    """Writes JSON that reads the same on every machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    print(f"wrote {file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
