"""Where rooms come from. Every provider meets `VideoProvider` and one shared contract suite."""

from datetime import datetime
from typing import Protocol

from video.domain import Meeting, Role


class ProvisioningError(Exception):
    """The provider gave no room. `reason` is a code without anything of the provider's text."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


class VideoProvider(Protocol):
    """An outside system that has rooms.

    `needs_network` says whether `provision` talks to anybody: one that does not is asked in the
    transaction that learns of the booking, one that does is asked by the worker.
    """

    @property
    def name(self) -> str:
        """The word that terms and events know it by."""
        ...

    @property
    def needs_network(self) -> bool:
        """Whether `provision` makes an outside call."""
        ...

    async def provision(self, meeting: Meeting) -> str:
        """Makes the room, and answers with what the provider calls it.

        Asked twice for one meeting, it answers with the same room. Raises `ProvisioningError`.
        """
        ...

    def join_url(self, meeting: Meeting, role: Role, display_name: str, now: datetime) -> str:
        """The URL that lets one person into a ready meeting, issued `now` (UTC)."""
        ...
