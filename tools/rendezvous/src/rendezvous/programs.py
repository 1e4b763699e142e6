"""The programs of the system, and the environment in which each runs on one machine."""

import http.client
import json
import os
import signal
import smtplib
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rendezvous.home import Home
from rendezvous.keyring import Keyring
from rendezvous.local.ports import free_port
from rendezvous.local.program import Program
from rendezvous.services import GATEWAY, Service
from rendezvous.settings import Settings

PYTHON_M = (sys.executable, "-P", "-m")
"""Runs an installed package, whatever lies in the current directory."""

FOLLOWERS_STEP_BACK = 10
"""On a machine of few processors a client who books goes before the mails about others."""

_OURS_ALONE = ("DATABASE_URL", "NATS_URL", "PORT", "BIND_HOST", "HEALTH_PORT", "HEALTH_HOST")
_SECRETS = {
    "LINK_KEYS": "booking",
    "SECRET_KEY": "calendar-sync",
    "JITSI_APP_SECRET": "video",
    "SMTP_PASSWORD": "notify",
}
"""Secrets that a user's environment may hold: each goes to the service that needs it only."""


@dataclass(frozen=True)
class Surroundings:
    """What the services of one running system share."""

    settings: Settings
    home: Home
    keyring: Keyring
    nats_url: str
    smtp_port: int
    environment: Mapping[str, str]

    def program(self, service: Service, database_url: str) -> Program:
        """The service as a process of its own, with a health port of its own."""
        health_port = free_port()
        facts = {"health_port": health_port}
        if service == GATEWAY:
            facts["port"] = self.settings.port
        return Program(
            name=service.name,
            command=(*PYTHON_M, service.package),
            ready=lambda: readiness(health_port),
            # Its servers go with us: there is nothing left that it could finish.
            orphan_signal=signal.SIGKILL,
            environment={
                **self._inherited(service),
                **self._shared(),
                **self._own(service),
                "DATABASE_URL": database_url,
                "HEALTH_PORT": str(health_port),
            },
            niceness=FOLLOWERS_STEP_BACK if service.follows else 0,
            facts=facts,
        )

    def _inherited(self, service: Service) -> dict[str, str]:
        """The user's environment, without what is ours to say or another service's secret."""
        foreign = {name for name, owner in _SECRETS.items() if owner != service.name}
        hidden = {*_OURS_ALONE, *foreign}
        return {
            name: value
            for name, value in self.environment.items()
            if name not in hidden and not name.startswith("RENDEZVOUS_")
        }

    def _shared(self) -> dict[str, str]:
        return {
            "NATS_URL": self.nats_url,
            "PUBLIC_URL": self.environment.get("PUBLIC_URL") or self.settings.public_url,
            "CLOCK_FILE": str(self.home.clock_offset),
            "PYTHONUNBUFFERED": "1",
        }

    def _own(self, service: Service) -> dict[str, str]:
        match service.name:
            case "booking":
                return self._unless_given("LINK_KEYS", self.keyring.link_keys)
            case "calendar-sync":
                # On one machine a calendar server may well be on the same one.
                return {
                    **self._unless_given("SECRET_KEY", self.keyring.secret_key),
                    **self._unless_given("ALLOW_PRIVATE_CALENDAR_HOSTS", "true"),
                }
            case "notify":
                return self._mail()
            case "gateway":
                return {
                    "PORT": str(self.settings.port),
                    "BIND_HOST": self.settings.bind,
                    "MAIL_DIR": str(self.home.mail),
                    "LOCAL_MODE": "1",
                }
            case _:
                return {}

    def _mail(self) -> dict[str, str]:
        """The local sink, unless the user named a mail server of theirs."""
        if self.environment.get("SMTP_HOST"):
            return {}
        return {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(self.smtp_port)}

    def _unless_given(self, name: str, value: str) -> dict[str, str]:
        return {name: self.environment.get(name) or value}


def mail_sink(home: Home, port: int) -> Program:
    """The local mail server as a process of its own."""
    return Program(
        name="mail-sink",
        command=(*PYTHON_M, "rendezvous", "mail-sink", str(home.mail), str(port)),
        ready=lambda: greets(port),
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        niceness=FOLLOWERS_STEP_BACK,
        facts={"port": port},
    )


def readiness(health_port: int) -> str | None:
    """What a service says is missing; None when it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", health_port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return "it does not answer"
    finally:
        connection.close()
    if response.status == 200:
        return None
    try:
        problems: dict[str, str] = json.loads(body)["problems"]
    except (ValueError, KeyError, TypeError):
        return f"/readyz answers {response.status}"
    return "; ".join(f"{name}: {what}" for name, what in problems.items())


def greets(port: int) -> str | None:
    """What keeps a local mail server from taking mail; None when it greets."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5):
            return None
    except (OSError, smtplib.SMTPException) as error:
        return str(error)
