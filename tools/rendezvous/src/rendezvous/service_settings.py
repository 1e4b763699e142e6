"""Finds a setting that a service would refuse before it is started, to say it in one sentence."""

import importlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from rendezvous.errors import StartError
from rendezvous.services import Service
from service_kit.settings import ServiceSettings

NOWHERE = "no variable begins like this: "
"""Keeps the settings from reading our own environment, too."""


def check(service: Service, environment: Mapping[str, str]) -> None:
    """Raises StartError naming the first variable that the service's settings refuse.

    The value is not repeated: it may be a secret.
    """
    try:
        _read(_settings_of(service), environment)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "The settings"
        raise StartError(f"{name} is not valid for {service.name}: {first['msg']}.") from error


def _settings_of(service: Service) -> type[ServiceSettings]:
    module = importlib.import_module(f"{service.package}.settings")
    own = (v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__)
    found = (v for v in own if isinstance(v, type) and issubclass(v, ServiceSettings))
    return next(found, ServiceSettings)


def _read(settings: type[ServiceSettings], environment: Mapping[str, str]) -> ServiceSettings:
    """The settings as a process with this environment reads them."""
    source = EnvSettingsSource(settings)
    source.env_vars = {name.lower(): value for name, value in environment.items()}
    values: dict[str, Any] = {"_env_prefix": NOWHERE, **source()}
    return settings(**values)
