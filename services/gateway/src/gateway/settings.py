"""What the gateway reads from its environment."""

from pathlib import Path

from pydantic import Field

from service_kit.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """The kit's settings, and where the door stands."""

    port: int = Field(default=8000, ge=0, le=65535, description="Port of the HTTP API; 0 takes any")
    bind_host: str = Field(
        default="127.0.0.1", description="Address that the HTTP API is served on"
    )
    settle_budget_seconds: float = Field(
        default=5.0, gt=0, le=60, description="How long a POST of a booking may wait for its answer"
    )
    local_mode: bool = Field(
        default=False, description="One machine for trying things out: /v1/dev/mail is there"
    )
    mail_dir: Path | None = Field(
        default=None, description="Maildir of the local mail sink, read in local mode only"
    )
