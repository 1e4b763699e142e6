"""Settings of availability, read from the environment."""

from service_kit.settings import ServiceSettings


class AvailabilitySettings(ServiceSettings):
    """The common settings and no others: the rest is the catalogue, which lives in tables."""
