"""Settings of calendar-sync, read from the environment."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from service_kit.settings import ServiceSettings

SHORTEST_KEY = 32


class CalendarSyncSettings(ServiceSettings):
    """What calendar-sync needs beside what every service does."""

    # An error's text would show the key.
    model_config = SettingsConfigDict(hide_input_in_errors=True)

    secret_key: SecretStr = Field(
        description="Seals the passwords of calendars; to rotate it, put the new key and a comma "
        "before the old one"
    )
    allow_private_calendar_hosts: bool = Field(
        default=False,
        description="Lets calendars be on this machine and in private networks",
    )

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        keys = value.get_secret_value().split(",")
        if any(len(key.strip()) < SHORTEST_KEY for key in keys):
            raise ValueError(f"each key has to have at least {SHORTEST_KEY} characters")
        return value

    def secret_keys(self) -> list[str]:
        """The keys, newest first."""
        return [key.strip() for key in self.secret_key.get_secret_value().split(",")]
