"""Where availability is put together."""

from availability.application import Availability
from availability.bus import bus
from availability.domain.schedules import known_zones
from availability.publishing import publish
from availability.settings import AvailabilitySettings
from service_kit.service import Parts, Runtime, run


async def build(runtime: Runtime) -> Parts:
    """The service's parts, over what it is given."""
    known_zones()  # Read now, so that the first question need not wait for the files.
    availability = Availability(runtime.database, runtime.clock, publish)
    return Parts(bus=bus(availability), context="availability")


def main() -> None:
    """Runs availability until it is told to stop."""
    run("availability", AvailabilitySettings.model_validate({}), build)


if __name__ == "__main__":
    main()
