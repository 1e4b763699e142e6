"""The gateway's composition root: `python -m gateway` serves, `… openapi` prints the document."""

import json
import sys

from gateway.api.app import bare_app, create_app
from gateway.api.directory import HostDirectory
from gateway.api.door import Door
from gateway.api.settlement import Settlement
from gateway.bus import SERVICE, bus
from gateway.keys import Keys
from gateway.mailbox import Mailbox
from gateway.readiness import WholeReadiness
from gateway.settings import GatewaySettings
from gateway.tenants import Tenants
from service_kit.service import Build, Http, Parts, Runtime, run
from service_kit.workers import Worker

LAST_USED_SECONDS = 30.0


def build_with(settings: GatewaySettings) -> Build:
    """Builds the gateway's parts from its settings."""

    async def build(runtime: Runtime) -> Parts:
        settlement = Settlement(runtime.rpc, runtime.client, settings.settle_budget_seconds)
        await settlement.listen()
        runtime.on_reconnect.append(settlement.reconnected)
        keys = Keys(runtime.database, runtime.clock)
        door = Door(
            rpc=runtime.rpc,
            keys=keys,
            tenants=Tenants(runtime.database),
            hosts=HostDirectory(runtime.rpc),
            settlement=settlement,
            readiness=WholeReadiness(runtime.health, runtime.client),
            public_url=settings.public_url.rstrip("/"),
            local_mode=settings.local_mode,
            mailbox=Mailbox(settings.mail_dir) if settings.mail_dir else None,
        )
        return Parts(
            bus=bus(),
            workers=[
                Worker("keys last used", keys.write_last_used, idle_seconds=LAST_USED_SECONDS)
            ],
            http=Http(create_app(door), settings.bind_host, settings.port),
            closing=[keys.close],
        )

    return build


def main() -> None:
    """Serves until told to stop, or prints the OpenAPI document."""
    if sys.argv[1:] == ["openapi"]:
        print(json.dumps(bare_app().openapi(), indent=2, ensure_ascii=False))
        return
    settings = GatewaySettings()  # pyright: ignore[reportCallIssue] - from the environment
    run(SERVICE, settings, build_with(settings))


if __name__ == "__main__":
    main()
