"""The bus side: the gateway answers nobody, and hears facts only in passing (settlement)."""

from contracts.envelope import Event
from service_kit.bus import Bus

SERVICE = "gateway"

CONSUMES: tuple[type[Event], ...] = ()
"""No durable consumers: a fact that the gateway missed is asked for instead."""


def bus() -> Bus:
    """What the gateway hears and answers."""
    return Bus(SERVICE)
