"""The services of the system, by name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """One service, by its name on the bus."""

    name: str
    follows: bool = False
    """Whether it does what may follow: nobody waits for an answer of its."""

    @property
    def package(self) -> str:
        """The Python package that is run."""
        return self.name.replace("-", "_")

    @property
    def url_variable(self) -> str:
        """The variable that names the service's own database where services run apart."""
        return f"{self.package.upper()}_DATABASE_URL"


GATEWAY = Service("gateway")
SERVICES = (
    Service("booking"),
    Service("availability"),
    Service("video"),
    Service("notify", follows=True),
    Service("calendar-sync", follows=True),
    GATEWAY,
)
