"""Settings of notify, read from the environment."""

from typing import Literal

from pydantic import Field, SecretStr

from service_kit.settings import ServiceSettings


class NotifySettings(ServiceSettings):
    """What notify needs beside the common settings."""

    smtp_host: str = Field(default="127.0.0.1", description="Mail server that takes our messages")
    smtp_port: int = Field(default=1025, ge=1, le=65535, description="Its port")
    smtp_username: str | None = Field(default=None, description="Sign in as; with the password")
    smtp_password: SecretStr | None = Field(default=None, description="Password of the mail server")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        default="none", description="How the connection is protected"
    )
    smtp_timeout_seconds: float = Field(
        default=8.0, gt=0, le=10, description="Longest wait to connect, and to hand a mail over"
    )
    mail_from: str = Field(
        default="Appointments <appointments@localhost>",
        description="Sender of every mail and organizer of every invite",
    )
    delivery_attempts: int = Field(default=20, ge=1, description="Attempts until a mail has failed")
    deliveries_at_once: int = Field(
        default=5, ge=1, le=50, description="Mails on their way at once"
    )
