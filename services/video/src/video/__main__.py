"""Where video is put together."""

from collections.abc import Mapping

from service_kit.service import Parts, Runtime, run
from service_kit.workers import Worker
from video.application import Meetings
from video.bus import bus
from video.providers import VideoProvider
from video.providers.jitsi import JitsiVideoProvider
from video.publishing import publish
from video.settings import VideoSettings


def providers(settings: VideoSettings) -> dict[str, VideoProvider]:
    """The providers that are set up, by name. Raises `ValueError` where a setting is wrong."""
    secret = settings.jitsi_app_secret
    jitsi = JitsiVideoProvider(
        domain=settings.jitsi_domain,
        app_id=settings.jitsi_app_id,
        app_secret=secret.get_secret_value() if secret else None,
        audience=settings.jitsi_audience,
    )
    return {jitsi.name: jitsi}


async def build(runtime: Runtime, available: Mapping[str, VideoProvider]) -> Parts:
    """The service's parts, over what it is given."""
    meetings = Meetings(runtime.database, runtime.clock, available, publish)
    outside = any(provider.needs_network for provider in available.values())
    workers = [Worker("provisioning", meetings.provision_next)] if outside else []
    return Parts(bus=bus(meetings), context="video", workers=workers)


def main() -> None:
    """Runs video until it is told to stop."""
    settings = VideoSettings.model_validate({})
    try:
        available = providers(settings)
    except ValueError as error:
        raise SystemExit(f"video cannot start: {error}") from error
    run("video", settings, lambda runtime: build(runtime, available))


if __name__ == "__main__":
    main()
