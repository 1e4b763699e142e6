"""Where notify is put together."""

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from notify.application import Appointments, Deliveries, Reminders
from notify.bus import BookingDirectory, bus
from notify.providers.email import EmailChannel, Sender, SmtpServer
from notify.publishing import publish
from notify.settings import NotifySettings
from service_kit.service import Parts, Runtime, run
from service_kit.workers import Worker

IDLE_SECONDS = 0.5


def email_channel(settings: NotifySettings) -> EmailChannel:
    """The e-mail channel; raises `ValueError` where a setting is wrong."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    password = settings.smtp_password
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        us=_ehlo_name(host),
        protection=settings.smtp_tls,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        timeout=settings.smtp_timeout_seconds,
    )
    return EmailChannel(server, Sender.parse(settings.mail_from), host)


def _ehlo_name(host: str) -> str:
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
    return host


async def build(runtime: Runtime, settings: NotifySettings, email: EmailChannel) -> Parts:
    """The service's parts, over what it is given."""
    database, clock = runtime.database, runtime.clock
    deliveries = Deliveries(
        database,
        clock,
        BookingDirectory(runtime.rpc),
        {"email": email},
        publish,
        attempts=settings.delivery_attempts,
        at_once=settings.deliveries_at_once,
    )
    reminders = Reminders(database, clock, publish)
    return Parts(
        bus=bus(Appointments(database, clock)),
        context="notify",
        workers=[
            Worker("reminders", reminders.fire_due),
            Worker("deliveries", deliveries.deliver_due, IDLE_SECONDS),
        ],
        closing=[email.rest],
    )


def main() -> None:
    """Runs notify until it is told to stop."""
    settings = NotifySettings.model_validate({})
    try:
        email = email_channel(settings)
    except ValueError as error:
        raise SystemExit(f"notify cannot start: {error}") from error
    run("notify", settings, lambda runtime: build(runtime, settings, email))


if __name__ == "__main__":
    main()
