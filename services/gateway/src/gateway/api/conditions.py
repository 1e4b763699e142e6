"""Conditions and repeats: entity tags and idempotency keys, as headers have them."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request
from uuid_utils.compat import uuid7

from gateway.api.problems import MALFORMED, VERSION_MISMATCH, HttpProblemError, invalid

IDEMPOTENCY_HEADER = "Idempotency-Key"

_TAG = re.compile(r'"(\d{1,18})"')
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def entity_tag(version: int) -> str:
    """A booking's entity tag: its version."""
    return f'"{version}"'


async def _idempotency_key(
    request: Request,
    given: Annotated[
        str | None,
        Header(
            alias=IDEMPOTENCY_HEADER,
            description="Up to 255 printable characters; a repeat gets the first answer again",
            examples=["0f1b9c6e-7a55-4c58-9c11-0b6f2a7f3a10"],
        ),
    ] = None,
) -> str:
    if given is not None and not _PRINTABLE.fullmatch(given):
        raise invalid(IDEMPOTENCY_HEADER, "must be 1 to 255 printable ASCII characters")
    request.state.idempotency_key = given or str(uuid7())
    return request.state.idempotency_key


def idempotency_headers(request: Request) -> dict[str, str]:
    """The header that tells the key, for every answer of a request that has one."""
    key = getattr(request.state, "idempotency_key", None)
    return {} if key is None else {IDEMPOTENCY_HEADER: key}


async def _expected_version(
    given: Annotated[
        str | None,
        Header(alias="If-Match", description="The ETag that was read", examples=['"2"']),
    ] = None,
) -> int | None:
    if given is None or given.strip() == "*":
        return None
    if "," in given:
        raise HttpProblemError(MALFORMED, "If-Match takes one entity tag here.")
    tag = _TAG.fullmatch(given.strip())
    if tag is None:  # weak, or never one of ours: it matches no version
        raise HttpProblemError(VERSION_MISMATCH)
    return int(tag[1])


IdempotencyKey = Annotated[str, Depends(_idempotency_key)]
"""The client's key, or one that was made up for this request alone."""

ExpectedVersion = Annotated[int | None, Depends(_expected_version)]
"""The version that If-Match asks for; nothing where any will do."""
