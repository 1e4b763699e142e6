"""Signed links: whoever holds one may manage or join this one booking, until it expires.

The same booking at the same version gives the same links, so that a repeated answer is equal to
the letter. Raising the booking's link epoch revokes every link that was given out.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from booking.domain import Booking
from service_kit.signing import InvalidTokenError, Signer

Action = Literal["manage", "call"]
Role = Literal["attendee", "host"]

VALID_AFTER_END: dict[str, timedelta] = {"manage": timedelta(days=30), "call": timedelta(hours=12)}
LONGEST_APPOINTMENT = timedelta(days=1)

_ACTIONS = ("manage", "call")
_ROLES = ("attendee", "host")
_FIXED = struct.Struct(">BBH16sI")


@dataclass(frozen=True, slots=True)
class Link:
    """What a token stands for."""

    tenant: str
    booking_id: UUID
    action: Action
    role: Role
    epoch: int
    expires_at: datetime


class Links:
    """Makes and reads the links of bookings below a public address."""

    def __init__(self, signer: Signer, public_url: str) -> None:
        self._signer = signer
        self._public_url = public_url.rstrip("/")

    def manage_url(self, booking: Booking) -> str:
        """Where the attendee sees, moves or cancels the booking."""
        return f"{self._public_url}/b/{self._token(booking, 'manage', 'attendee')}"

    def call_url(self, booking: Booking, role: Role) -> str:
        """Where the attendee or the host joins the meeting."""
        return f"{self._public_url}/call/{self._token(booking, 'call', role)}"

    def read(self, token: str) -> Link:
        """The link behind a token; raises `InvalidTokenError` where it is not ours."""
        payload = self._signer.open(token, "link")
        try:
            action, role, epoch, booking, expires = _FIXED.unpack_from(payload)
            return Link(
                tenant=payload[_FIXED.size :].decode(),
                booking_id=UUID(bytes=booking),
                action=cast("Action", _ACTIONS[action]),
                role=cast("Role", _ROLES[role]),
                epoch=epoch,
                expires_at=datetime.fromtimestamp(expires, UTC),
            )
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise InvalidTokenError("not a link of ours") from error

    def _token(self, booking: Booking, action: Action, role: Role) -> str:
        end = booking.terms.end if booking.terms else booking.wish.start + LONGEST_APPOINTMENT
        expires = int((end + VALID_AFTER_END[action]).timestamp())
        fixed = _FIXED.pack(
            _ACTIONS.index(action),
            _ROLES.index(role),
            booking.link_epoch,
            booking.id.bytes,
            expires,
        )
        return self._signer.sign(fixed + booking.tenant.encode(), "link")
