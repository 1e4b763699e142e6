"""The processes' logs: kept small, and their problems seen."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST_BYTES = 10 * 1024 * 1024

_SERIOUS_IN_JSON = {"error", "critical", "fatal"}
# NATS and PostgreSQL mark their lines; an ERROR of PostgreSQL's is an answer to one statement.
_SERIOUS_IN_TEXT = ("[ERR]", "[FTL]", "PANIC:")


@dataclass
class LogWatch:
    """Reads what is added to one log."""

    log: Path
    _position: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.log.exists():
            self._position = self.log.stat().st_size

    def problems(self) -> list[str]:
        """The serious lines since the last call, each as one short sentence."""
        try:
            size = self.log.stat().st_size
            if size < self._position:  # cut by `shorten`
                self._position = 0
            if size == self._position:
                return []
            with self.log.open("rb") as file:
                file.seek(self._position)
                added = file.read(1024 * 1024)
        except OSError:
            return []
        whole = added[: added.rfind(b"\n") + 1]
        self._position += len(whole) or (len(added) if len(added) == 1024 * 1024 else 0)
        return list(_serious(whole.decode(errors="replace").splitlines()))


def shorten(log: Path, largest: int = LARGEST_BYTES) -> None:
    """Moves a log's text aside once it is too long; its process goes on writing to it."""
    if not log.exists() or log.stat().st_size <= largest:
        return
    shutil.copyfile(log, log.with_suffix(".log.1"))
    with log.open("r+b") as file:
        file.truncate()


def _serious(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if line.startswith("{"):
            if (entry := _entry(line)) is not None:
                yield entry
        elif any(mark in line for mark in _SERIOUS_IN_TEXT):
            yield line[:300]


def _entry(line: str) -> str | None:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    if str(entry.get("level", "")).lower() not in _SERIOUS_IN_JSON:
        return None
    said = [str(entry.get("event", ""))]
    said += [f"{name}: {entry[name]}" for name in ("task", "reason", "error") if entry.get(name)]
    return ", ".join(said)[:300]
