"""The checks of deploy are scripts, not a package: they are imported from where they lie."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports a module of scripts/ by name."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module
