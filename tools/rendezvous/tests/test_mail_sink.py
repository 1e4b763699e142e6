import mailbox
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from rendezvous.home import Home
from rendezvous.local.ports import free_port
from rendezvous.local.program import Child
from rendezvous.mail_sink import LARGEST_MESSAGE_BYTES
from rendezvous.programs import mail_sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    home, port = Home(tmp_path), free_port()
    child = Child(mail_sink(home, port), tmp_path / "log").wait_ready()
    yield port, home.mail
    child.stop(2)
    assert child.process.returncode == 0


def _mail(body: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Rendezvous <rendezvous@localhost>"
    message["To"] = "jo@example.com"
    message["Subject"] = "Bestätigt: Gespräch"
    message.set_content(body)
    return message


def test_what_is_acknowledged_lies_in_the_maildir(sink: tuple[int, Path]) -> None:
    port, directory = sink

    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.send_message(_mail("Bis dann."), to_addrs=["jo@example.com", "guest@example.com"])

    (kept,) = mailbox.Maildir(directory, create=False)
    assert kept["Subject"] is not None
    assert kept.get_all("Delivered-To") == ["jo@example.com", "guest@example.com"]
    assert kept["Return-Path"] == "<rendezvous@localhost>"
    assert "Bis dann." in kept.as_string()


def test_a_message_that_is_too_large_is_refused(sink: tuple[int, Path]) -> None:
    port, directory = sink

    with (
        smtplib.SMTP("127.0.0.1", port, timeout=20) as client,
        pytest.raises(smtplib.SMTPException),
    ):
        client.send_message(_mail("x" * LARGEST_MESSAGE_BYTES + "\n"))

    assert len(mailbox.Maildir(directory, create=False)) == 0
