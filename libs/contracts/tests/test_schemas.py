"""What is published stays readable: a change that breaks readers needs a new version."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import schemas, subjects

DOCUMENTS = schemas.documents()
PUBLISHED = Path(__file__).parents[1] / "schemas"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_published_schema_is_what_the_code_says(name: str) -> None:
    published = json.loads((PUBLISHED / name).read_text(encoding="utf-8"))

    current = DOCUMENTS[name]

    assert schemas.breaks(published, current) == [], "this needs a new version"
    assert published == current, "compatible, but not written down: run `make docs`"


def test_nothing_that_was_published_has_gone() -> None:
    files = {str(file.relative_to(PUBLISHED)) for file in PUBLISHED.rglob("*.json")}

    assert files == set(DOCUMENTS)


def test_an_event_carries_nothing_that_names_a_person() -> None:
    personal = {"name", "email", "phone", "notes", "answers", "documents", "reason_text"}

    for event in subjects.events():
        words = set(_text_fields(DOCUMENTS[f"events/{event.ce_type()}.json"]))
        assert not words & personal, event.ce_type()


def _text_fields(schema: Any) -> Iterator[str]:
    """Names of fields that may hold free text, at any depth."""
    for name, field in schema.get("properties", {}).items():
        if field.get("type") != "boolean":
            yield name
    for part in schema.get("$defs", {}).values():
        yield from _text_fields(part)


A_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "size": {"type": "integer", "minimum": 1},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
    },
    "$defs": {"Part": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}


def changed(path: list[str], value: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(A_SCHEMA))
    place = document
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


def test_a_new_optional_field_breaks_nobody() -> None:
    new = changed(["properties", "more"], {"type": "string"})

    assert schemas.breaks(A_SCHEMA, new) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["properties", "size"], None),
        (["properties", "size", "type"], "string"),
        (["properties", "size", "minimum"], 2),
        (["properties", "kind", "enum"], ["a"]),
        (["required"], ["id", "size"]),
        (["$defs", "Part", "properties", "n", "type"], "string"),
        (["$defs", "Part", "properties", "n"], None),
    ],
)
def test_a_change_that_breaks_readers_is_found(path: list[str], value: Any) -> None:
    assert schemas.breaks(A_SCHEMA, changed(path, value))
