"""An SMTP server: a few connections, kept while there is something to send."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property
from typing import Final, Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from notify.domain.notifications import DeliveryError

Protection = Literal["none", "starttls", "tls"]

_ENHANCED: Final = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_SIGN_IN: Final = frozenset({530, 534, 535, 538})
"""The server does not know us (RFC 4954): for the operator to mend, not the message's fault."""

_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (SMTPServerDisconnected, "smtp_disconnected"),
    (TimeoutError, "smtp_timeout"),
    (OSError, "smtp_unreachable"),
    (ValueError, "address_invalid"),
)
"""The first that fits; some of aiosmtplib's errors are of two kinds."""


@dataclass(frozen=True)
class SmtpServer:
    """Where messages are handed over.

    `us` is the name given in EHLO; connecting and handing over each may take `timeout` seconds.
    """

    host: str
    port: int
    us: str
    protection: Protection = "none"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 10.0
    _idle: list[SMTP] = field(default_factory=list[SMTP], init=False, repr=False)

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        return None if self.protection == "none" else ssl.create_default_context()

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Hands a message over; raises `DeliveryError`, permanent where the server refused it.

        The error carries no address, and neither does its cause.
        """
        async with _within(self.timeout):
            client = await self._connection()
        async with _within(self.timeout, refusable=True):
            await self._send(client, message, sender, recipient)

    async def rest(self) -> None:
        """Closes the connections that are kept."""
        while self._idle:
            await self._quit(self._idle.pop())

    async def _send(self, client: SMTP, message: EmailMessage, sender: str, recipient: str) -> None:
        try:
            await client.send_message(message, sender=sender, recipients=[recipient])
        except BaseException:
            client.close()
            raise
        self._idle.append(client)

    async def _connection(self) -> SMTP:
        """A kept connection that is still alive, or a new one."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.noop()
            except SMTPException:
                client.close()
            else:
                return client
        client = SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            local_hostname=self.us,
            timeout=self.timeout,
            use_tls=self.protection == "tls",
            start_tls=self.protection == "starttls",
            tls_context=self._tls,
        )
        await client.connect()
        return client

    async def _quit(self, client: SMTP) -> None:
        try:
            async with asyncio.timeout(1.0):
                await client.quit()
        except (SMTPException, OSError):
            client.close()


@asynccontextmanager
async def _within(seconds: float, *, refusable: bool = False) -> AsyncGenerator[None]:
    """Gives the block this long, and turns its errors into `DeliveryError`.

    Only a message can be refused for good; while connecting nothing is wrong with it.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except (SMTPException, OSError, ValueError) as error:
        found = failure(error)
        raise DeliveryError(found.reason, permanent=found.permanent and refusable) from None


def failure(error: Exception) -> DeliveryError:
    """What an error means to a delivery: a code, never the server's words."""
    if isinstance(error, SMTPRecipientsRefused) and error.recipients:
        return failure(error.recipients[0])
    if isinstance(error, SMTPResponseException):
        enhanced = _ENHANCED.search(error.message)
        reason = f"smtp_{error.code}" + (f" {enhanced.group()}" if enhanced else "")
        refused = 500 <= error.code < 600 and error.code not in _SIGN_IN
        return DeliveryError(reason, permanent=refused)
    fitting = (reason for kind, reason in _REASONS if isinstance(error, kind))
    reason = next(fitting, "smtp_not_supported")
    return DeliveryError(reason, permanent=isinstance(error, SMTPNotSupported | ValueError))
