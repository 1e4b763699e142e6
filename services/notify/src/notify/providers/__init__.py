"""The channels that letters go out over. Every channel meets `Channel`."""

from typing import Protocol

from notify.domain.letters import Letter


class Channel(Protocol):
    """Takes letters to people."""

    async def deliver(self, letter: Letter) -> None:
        """Hands the letter over; raises `DeliveryError` where it was not taken."""
        ...

    async def rest(self) -> None:
        """Closes what is kept open between letters; called when there is nothing to do."""
        ...
