"""The local mail server: whatever is sent lands in a Maildir, and goes nowhere else."""

import asyncio
import contextlib
import mailbox
import os
import signal
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MESSAGE_BYTES = 10 * 1024 * 1024


class MaildirHandler:
    """Keeps each message on disk before it is acknowledged, as a relay would."""

    def __init__(self, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        self._maildir = mailbox.Maildir(directory, create=True)
        self._arrivals = directory / "new"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answers 250 once the message would survive a power cut."""
        content = envelope.content
        body = content if isinstance(content, bytes) else (content or "").encode()
        message = mailbox.MaildirMessage(_head(envelope) + body)
        await asyncio.to_thread(self._keep, message)
        return "250 OK"

    def _keep(self, message: mailbox.MaildirMessage) -> None:
        self._maildir.add(message)  # syncs the file
        directory = os.open(self._arrivals, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _head(envelope: Envelope) -> bytes:
    """The envelope as headers, as the last server on the way writes them."""
    lines = [f"Return-Path: <{envelope.mail_from or ''}>"]
    lines += [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
    return "".join(f"{line}\r\n" for line in lines).encode()


async def serve(directory: Path, port: int) -> None:
    """Takes mail on 127.0.0.1:`port` until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    handler = MaildirHandler(directory)

    def session() -> SMTP:
        return SMTP(handler, data_size_limit=LARGEST_MESSAGE_BYTES, enable_SMTPUTF8=True, loop=loop)

    server = await loop.create_server(session, "127.0.0.1", port)
    await stop.wait()
    server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 1)
