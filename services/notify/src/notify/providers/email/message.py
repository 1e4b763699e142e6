"""A letter as a MIME message: text, HTML and invite as alternatives, the invite attached too."""

import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from notify.domain.letters import Letter
from notify.domain.notifications import DeliveryError
from notify.providers.email.invite import invite, method_of
from notify.providers.email.plain import header_text
from notify.providers.email.wording import Content, content

_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"\\()\[\]]+@[^\s@<>,;:\"\\()\[\]]+")


@dataclass(frozen=True, slots=True)
class Sender:
    """Our own address, and the name that mails to hosts bear."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> "Sender":
        """From `Name <address>` or a bare address; raises `ValueError` for anything else."""
        match getaddresses([text]):
            case [(name, address)] if _ADDRESS.fullmatch(address) and address.isascii():
                return cls(name or "Appointments", address)
            case _:
                raise ValueError("MAIL_FROM must be an address, or a name and <address>")


class Composer:
    """Makes messages. `host` is our public host name; it ends Message-ID and UID."""

    def __init__(self, sender: Sender, host: str) -> None:
        self._sender = sender
        self._host = host
        self._templates = Environment(
            loader=PackageLoader("notify", "templates"),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
        )

    def compose(self, letter: Letter) -> EmailMessage:
        """The message, the same for the same letter; raises `DeliveryError` for a bad address."""
        told = content(letter)
        message = EmailMessage(policy=SMTP)
        self._address(message, letter, told)
        message.set_content(self._render("message.txt", told), cte="quoted-printable")
        html = self._render("message.html", told)
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        if letter.notification.calendar:
            self._add_invite(message, letter, told)
        return message

    def _address(self, message: EmailMessage, letter: Letter, told: Content) -> None:
        sender = self._sender.name if letter.for_host else letter.host.name
        appointment = letter.appointment
        message["From"] = _named(sender, self._sender.address)
        message["To"] = _named(letter.to.name, _deliverable(letter.to.email))
        message["Subject"] = header_text(told.subject)
        message["Date"] = format_datetime(letter.at)
        # One id per notification: a repeat after a crash is known by it.
        message["Message-ID"] = f"<{letter.notification.id}@{self._host}>"
        message["References"] = f"<{appointment.booking_id}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"

    def _add_invite(self, message: EmailMessage, letter: Letter, told: Content) -> None:
        calendar = invite(letter, told, self._sender.address, self._host)
        message.add_alternative(
            calendar.decode(),
            subtype="calendar",
            cte="base64",
            params={"method": method_of(letter)},
        )
        message.add_attachment(
            calendar, maintype="application", subtype="ics", filename="invite.ics"
        )

    def _render(self, template: str, told: Content) -> str:
        return self._templates.get_template(template).render(content=told)


def _deliverable(email: str) -> str:
    """The address with its domain in ASCII; raises `DeliveryError` where it cannot be one."""
    if not _ADDRESS.fullmatch(email):
        raise DeliveryError("address_invalid", permanent=True)
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise DeliveryError("address_invalid", permanent=True) from error


def _named(name: str, address: str) -> Address:
    try:
        return Address(display_name=header_text(name), addr_spec=address)
    except (ValueError, HeaderParseError, IndexError) as error:
        raise DeliveryError("address_invalid", permanent=True) from error
