"""JSON Schemas of everything that is published, and what would break those who rely on them."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from contracts import subjects

Schema = dict[str, Any]

_LIMITS = ("pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")


def documents() -> dict[str, Schema]:
    """Every schema by file name, e.g. `events/booking.confirmed.v1.json`."""
    found: dict[str, Schema] = {}
    for event in subjects.events():
        found[f"events/{event.ce_type()}.json"] = _schema(event)
    for request in subjects.requests():
        name = f"requests/{request.SERVICE}.{request.__name__}"
        found[f"{name}.json"] = _schema(request)
        found[f"{name}.reply.json"] = _schema(request.reply())
    return found


def breaks(published: Schema, current: Schema) -> list[str]:
    """What a reader or a writer of the published schema would stumble over.

    A new optional field is no break. A removed field, a new required one, a changed type, a
    narrower limit or another set of choices is: that needs a new version.
    """
    return list(_breaks(published, current, _Definitions(published), _Definitions(current), ""))


class _Definitions:
    """Follows `$ref` within one document."""

    def __init__(self, document: Schema) -> None:
        self._definitions: dict[str, Schema] = document.get("$defs", {})

    def follow(self, schema: Schema) -> Schema:
        """The schema itself, or the one that it refers to."""
        reference = schema.get("$ref")
        return self._definitions[reference.rpartition("/")[2]] if reference else schema


def _breaks(
    old: Schema, new: Schema, olds: _Definitions, news: _Definitions, where: str
) -> Iterator[str]:
    old, new = olds.follow(old), news.follow(new)
    place = where or "the whole"
    if old.get("type") != new.get("type"):
        yield f"{place}: type {old.get('type')} became {new.get('type')}"
    if sorted(map(str, old.get("enum", []))) != sorted(map(str, new.get("enum", []))):
        yield f"{place}: other choices"
    for limit in _LIMITS:
        if old.get(limit) != new.get(limit):
            yield f"{place}: {limit} {old.get(limit)} became {new.get(limit)}"
    for required in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        yield f"{where}.{required}: required now"
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _breaks(schema, new["properties"][name], olds, news, f"{where}.{name}")
        else:
            yield f"{where}.{name}: removed"
    yield from _breaks_inside(old, new, olds, news, where)


def _breaks_inside(
    old: Schema, new: Schema, olds: _Definitions, news: _Definitions, where: str
) -> Iterator[str]:
    if "items" in old and "items" in new:
        yield from _breaks(old["items"], new["items"], olds, news, f"{where}[]")
    choices, others = old.get("anyOf", []), new.get("anyOf", [])
    if len(choices) != len(others):
        yield f"{where}: other alternatives"
        return
    for choice, other in zip(choices, others, strict=True):
        yield from _breaks(choice, other, olds, news, where)


def _schema(model: type[Any]) -> Schema:
    return TypeAdapter(model).json_schema(mode="serialization")
