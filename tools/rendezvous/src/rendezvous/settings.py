"""What the command reads from its environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rendezvous.errors import StartError


class Settings(BaseSettings):
    """Where the system lives and listens, and which servers it uses."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    home: Path = Field(
        Path("var"), alias="RENDEZVOUS_HOME", description="Directory of all data, logs and secrets"
    )
    port: int = Field(
        8000, ge=1, le=65535, alias="RENDEZVOUS_PORT", description="Port of the gateway"
    )
    bind: str = Field(
        "127.0.0.1", alias="RENDEZVOUS_BIND", description="Address that the gateway listens on"
    )
    database_prefix: str = Field(
        "",
        pattern=r"^[a-z0-9_]{0,32}$",
        alias="RENDEZVOUS_DATABASE_PREFIX",
        description="Begins the name of every database and role, on a server that others use too",
    )
    database_url: str | None = Field(
        None,
        alias="DATABASE_URL",
        description="Admin URL of a PostgreSQL that runs already, instead of our own",
    )
    nats_url: str | None = Field(
        None,
        alias="NATS_URL",
        description="A nats-server with JetStream that runs already, instead of our own",
    )

    @property
    def public_url(self) -> str:
        """Where people on this machine reach the gateway."""
        host = "127.0.0.1" if self.bind in {"0.0.0.0", "::"} else self.bind  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`. Raises StartError naming the first that is not valid."""
    named = {
        field.alias: environment[field.alias]
        for field in Settings.model_fields.values()
        if field.alias and environment.get(field.alias)
    }
    try:
        return Settings.model_validate(named)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = first["loc"][0]
        raise StartError(f"{name}={first['input']} is not valid: {first['msg']}.") from error
