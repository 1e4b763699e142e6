"""E-mail: a letter in words, as text, HTML and an iCalendar invite, handed to an SMTP server."""

from notify.providers.email.channel import EmailChannel
from notify.providers.email.message import Sender
from notify.providers.email.smtp import SmtpServer

__all__ = ["EmailChannel", "Sender", "SmtpServer"]
