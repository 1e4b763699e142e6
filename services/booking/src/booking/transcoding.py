"""How value objects stand in stored events: by name and fields, whatever their module is."""

from dataclasses import fields
from typing import Any

from eventsourcing.persistence import (
    DatetimeAsISO,
    JSONTranscoder,
    Transcoder,
    Transcoding,
    UUIDAsHex,
)

from booking import domain


class DataclassTranscoding(Transcoding):
    """A frozen dataclass as an object of its fields, under a name that never changes."""

    def __init__(self, value_class: type[Any], name: str) -> None:
        self.type = value_class
        self.name = name
        self._fields = [field.name for field in fields(value_class)]

    def encode(self, obj: Any) -> dict[str, Any]:
        """The fields by name."""
        return {name: getattr(obj, name) for name in self._fields}

    def decode(self, data: dict[str, Any]) -> Any:
        """The value, from its fields."""
        return self.type(**data)


STORED_NAMES: dict[str, type[Any]] = {
    "actor": domain.Actor,
    "person": domain.PersonRef,
    "money": domain.Money,
    "location": domain.Location,
    "terms": domain.Terms,
    "alternative": domain.Alternative,
    "wish": domain.Wish,
    "attendance": domain.Attendance,
}
"""The names under which value objects are stored. A name stays when its class moves."""


def transcoder() -> Transcoder:
    """The transcoder of the event store."""
    found = JSONTranscoder()
    found.register(UUIDAsHex())
    found.register(DatetimeAsISO())
    for name, value_class in STORED_NAMES.items():
        found.register(DataclassTranscoding(value_class, name))
    return found
