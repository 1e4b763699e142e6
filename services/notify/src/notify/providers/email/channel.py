"""The channel: composes a letter and hands it to the SMTP server."""

from notify.domain.letters import Letter
from notify.providers.email.message import Composer, Sender
from notify.providers.email.smtp import SmtpServer


class EmailChannel:
    """E-mail. `host` is the host name of our public URL; it ends Message-ID and UID."""

    def __init__(self, server: SmtpServer, sender: Sender, host: str) -> None:
        self._server = server
        self._sender = sender
        self._composer = Composer(sender, host)

    async def deliver(self, letter: Letter) -> None:
        """Hands the letter over; raises `DeliveryError` where it was not taken."""
        message = self._composer.compose(letter)
        recipient = message["To"].addresses[0].addr_spec
        await self._server.send(message, self._sender.address, recipient)

    async def rest(self) -> None:
        """Closes the connections that are kept."""
        await self._server.rest()
