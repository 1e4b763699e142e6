"""The services of this repository, and which variables each of them reads."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from service_kit.settings import ServiceSettings

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Variables:
    """The environment of one service: what it may be given, and what it cannot start without."""

    known: frozenset[str]
    required: frozenset[str]


def service_names() -> list[str]:
    """Every service, by the name of its directory."""
    return sorted(path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml"))


def variables(service: str) -> Variables:
    """What the service's own `settings.py` says."""
    package = service.replace("-", "_")
    module = importlib.import_module(f"{package}.settings")
    (found,) = (
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, ServiceSettings)
        and each.__module__ == module.__name__
    )
    fields = found.model_fields
    return Variables(
        known=frozenset(name.upper() for name in fields),
        required=frozenset(name.upper() for name, field in fields.items() if field.is_required()),
    )
