"""Settings of booking."""

from pydantic import Field

from service_kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What booking reads from its environment."""

    link_keys: str = Field(
        description="Keys that sign links: id:secret, comma separated; the first one signs"
    )
