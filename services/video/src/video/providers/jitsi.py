"""Jitsi Meet: a room exists as soon as somebody opens its URL, so nothing is asked of the server.

With an app id and a secret every person gets a JWT of their own (lib-jitsi-meet, doc/tokens.md);
without, the unguessable room name is the only key.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote
from uuid import uuid5

import jwt

from video.domain import Meeting, Role

_DOMAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_SHORTEST_SECRET: Final = 32
_CLOCK_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class JitsiVideoProvider:
    """Rooms on one Jitsi deployment. Raises `ValueError` where its settings cannot be right.

    HS256 needs a secret of 32 bytes or more (RFC 7518, 3.2).
    """

    domain: str
    app_id: str | None = None
    app_secret: str | None = field(default=None, repr=False)
    audience: str = "jitsi"
    name: str = field(default="jitsi", init=False)
    needs_network: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not _DOMAIN.fullmatch(self.domain):
            raise ValueError("JITSI_DOMAIN must be a host name, without https:// and path")
        if bool(self.app_id) != bool(self.app_secret):
            raise ValueError("JITSI_APP_ID and JITSI_APP_SECRET must be set together")
        if self.app_secret and len(self.app_secret.encode()) < _SHORTEST_SECRET:
            raise ValueError(f"JITSI_APP_SECRET must be {_SHORTEST_SECRET} bytes or longer")

    async def provision(self, meeting: Meeting) -> str:
        """The room's name: Jitsi opens it for whoever comes first."""
        return meeting.room

    def join_url(self, meeting: Meeting, role: Role, display_name: str, now: datetime) -> str:
        """The room's URL, with a token where there is a key, else with the name in the fragment.

        The fragment stays in the browser; Jitsi parses its values as JSON.
        """
        room = meeting.reference or meeting.room
        url = f"https://{self.domain}/{quote(room, safe='')}"
        if self.app_id and self.app_secret:
            claims = self._claims(room, meeting, role, display_name, now)
            return f"{url}?jwt={jwt.encode(claims, self.app_secret, algorithm='HS256')}"
        return f"{url}#userInfo.displayName={quote(json.dumps(display_name), safe='')}"

    def _claims(
        self, room: str, meeting: Meeting, role: Role, display_name: str, now: datetime
    ) -> dict[str, object]:
        user = uuid5(meeting.meeting_id, f"{role}/{display_name}")
        return {
            "aud": self.audience,
            "iss": self.app_id,
            "sub": self.domain.partition(":")[0],
            "room": room,
            "iat": now,
            "nbf": now - _CLOCK_SKEW,
            "exp": meeting.closes_at(),
            "context": {
                "user": {"id": str(user), "name": display_name, "moderator": role == "host"}
            },
        }
