"""Settings that every service reads from its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every service needs; a service adds its own fields in its `settings.py`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: str = Field(description="The service's own database, as its own role")
    nats_url: str = Field(
        default="nats://127.0.0.1:4222", description="NATS servers, comma separated"
    )
    health_port: int = Field(
        default=0, description="Port of /livez, /readyz and /metrics; 0 takes any"
    )
    health_host: str = Field(default="127.0.0.1", description="Address those are served on")
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="Where people reach the gateway"
    )
    clock_file: Path | None = Field(
        default=None, description="File with an offset in seconds; tests only"
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    pool_size: int = Field(default=8, ge=2, le=64, description="Most connections to the database")
    otel_exporter_otlp_endpoint: str | None = Field(
        default=None, description="OTLP/HTTP collector; traces are recorded only where it is set"
    )
