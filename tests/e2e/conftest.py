"""The whole system for end-to-end tests: one for the run, and private ones to be broken."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.system import System

StartSystem = Callable[..., System]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One running system that the tests of a run share: leave it as well as you found it."""
    system = System(tmp_path_factory.mktemp("system") / "var")
    yield system.start()
    system.stop()


@pytest.fixture
def new_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartSystem]:
    """Makes a system of the test's own, not yet started; takes what `System` takes."""
    made: list[System] = []

    def make(**options: object) -> System:
        home = tmp_path_factory.mktemp("private") / f"var-{secrets.token_hex(2)}"
        made.append(System(home, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for system in made:
        system.stop()
