"""The local mail sink's Maildir, read for `/v1/dev/mail`. Local mode only; nothing is changed."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

_RECIPIENT_HEADERS = ("Delivered-To", "To", "Cc")


class UnknownCursorError(Exception):
    """A cursor that no page gave."""


@dataclass(frozen=True, order=True, slots=True)
class _Place:
    """Where a mail stands in the order of arrival."""

    arrived_ns: int
    name: str

    @property
    def cursor(self) -> str:
        return base64.urlsafe_b64encode(f"{self.arrived_ns}/{self.name}".encode()).decode()

    @classmethod
    def at(cls, cursor: str) -> "_Place":
        try:
            arrived, separator, name = base64.urlsafe_b64decode(cursor).decode().partition("/")
            place = cls(int(arrived), name)
        except (binascii.Error, ValueError) as error:
            raise UnknownCursorError(cursor) from error
        if not separator:
            raise UnknownCursorError(cursor)
        return place


class Mailbox:
    """The mails of a Maildir, newest first. Blocking: call it in a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def page(
        self, to: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Up to `limit` mails and the next page's cursor; `to` keeps those of one recipient.

        Raises `UnknownCursorError` for a cursor that no page gave.
        """
        after = _Place.at(cursor) if cursor else None
        matching = (
            (place, file)
            for place, file in self._newest_first()
            if (after is None or place < after) and (to is None or to.lower() in _recipients(file))
        )
        found = list(islice(matching, limit + 1))
        mails = [_parsed(place.name, file) for place, file in found[:limit]]
        return mails, found[limit - 1][0].cursor if len(found) > limit else None

    def mail(self, mail_id: str) -> dict[str, Any] | None:
        """One mail, if it is there."""
        for place, file in self._newest_first():
            if place.name == mail_id:
                return _parsed(place.name, file)
        return None

    def _newest_first(self) -> Iterator[tuple[_Place, Path]]:
        files = [f for folder in ("new", "cur") for f in (self._directory / folder).glob("*")]
        placed = ((_Place(f.stat().st_mtime_ns, f.name.partition(":")[0]), f) for f in files)
        return iter(sorted(placed, reverse=True))


@lru_cache(maxsize=20_000)
def _recipients(file: Path) -> frozenset[str]:
    with file.open("rb") as stream:
        head = BytesHeaderParser(policy=policy.default).parse(stream)
    values = [str(v) for name in _RECIPIENT_HEADERS for v in head.get_all(name, [])]
    return frozenset(address.lower() for _, address in getaddresses(values))


def _parsed(mail_id: str, file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        message = BytesParser(EmailMessage, policy=policy.default).parse(stream)
    return {
        "id": mail_id,
        "from": str(message["From"] or ""),
        "to": [address for _, address in getaddresses([str(v) for v in message.get_all("To", [])])],
        "subject": str(message["Subject"] or "").strip(),
        "date": _date(str(message["Date"] or "")),
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
        "attachments": [
            {
                "filename": part.get_filename(),
                "content_type": part.get_content_type(),
                "method": part.get_param("method"),
                "content": _text(part),
            }
            for part in _attachments(message)
        ],
    }


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return None if part is None else _text(part)


def _attachments(message: EmailMessage) -> Iterator[MIMEPart]:
    """Every leaf but the two bodies: an invitation stands beside them as text/calendar."""
    bodies = [message.get_body(preferencelist=(kind,)) for kind in ("plain", "html")]
    for part in message.walk():
        if not part.is_multipart() and all(part is not body for body in bodies):
            yield part


def _text(part: MIMEPart) -> str | None:
    """The part's text; nothing for what is no text."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return None
    is_text = part.get_content_maintype() == "text"
    try:
        charset = part.get_content_charset() or "utf-8"
        return payload.decode(charset, errors="replace" if is_text else "strict")
    except UnicodeDecodeError:
        return None
    except LookupError:  # a charset that nobody knows
        return payload.decode("latin-1")


def _date(header: str) -> str | None:
    try:
        return parsedate_to_datetime(header).isoformat()
    except ValueError:
        return None
