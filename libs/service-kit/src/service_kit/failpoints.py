"""Failpoints: named places at which a test makes this process die, or stand still.

Without the variable FAILPOINTS, `hit` costs one look-up in an empty dict. With it:

`relay.before-ack=kill:0.02, handler.running=stop:@3`
    says for each place what happens there (`kill` or `stop`, as the signals), and when: with that
    probability at every hit, or at the third hit of this process.
`/a/directory`
    is where a test lays traps while the process runs: a file `<place>.<pid>` that holds `kill` or
    `stop` springs at the next hit in that process, once.
"""

import os
import random
import signal
from collections.abc import Callable
from itertools import count

_ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}

_Point = Callable[[str], None]

_points: dict[str, _Point] = {}
_everywhere: _Point | None = None


def hit(name: str) -> None:
    """Says that the process has come to a place."""
    point = _points.get(name, _everywhere)
    if point is not None:
        point(name)


def arm(said: str) -> None:
    """Sets what the variable says; raises `ValueError` where it cannot be read."""
    global _everywhere  # noqa: PLW0603 - one process has one set of failpoints
    _points.clear()
    _everywhere = _traps_in(said) if said.startswith("/") else None
    if _everywhere is None:
        for each in filter(None, map(str.strip, said.split(","))):
            name, _, what = each.partition("=")
            _points[name] = _point(what)


def _point(what: str) -> _Point:
    action, _, when = what.partition(":")
    if action not in _ACTIONS:
        raise ValueError(f"FAILPOINTS: {what!r} is neither kill:… nor stop:…")
    number = _ACTIONS[action]
    if when.startswith("@"):
        hits, wanted = count(1), int(when[1:])
        return lambda _: _signal(number) if next(hits) == wanted else None
    chance = float(when)
    return lambda _: _signal(number) if random.random() < chance else None  # noqa: S311


def _traps_in(directory: str) -> _Point:
    def spring(name: str) -> None:
        trap = f"{directory}/{name}.{os.getpid()}"
        try:
            with open(trap) as file:  # noqa: PTH123 - pathlib costs more than the miss itself
                action = file.read()
            os.unlink(trap)  # noqa: PTH108
        except FileNotFoundError:
            return
        _signal(_ACTIONS[action])

    return spring


def _signal(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


arm(os.environ.get("FAILPOINTS", ""))
