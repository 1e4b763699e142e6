"""Local mode only: the mails that the local sink took, to be read without a mail program."""

import asyncio
from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from gateway.api import shapes
from gateway.api.access import guarded_router
from gateway.api.answers import json_answer
from gateway.api.door import TheDoor
from gateway.api.openapi import gives
from gateway.api.problems import INVALID, NOT_FOUND, invalid, not_found
from gateway.mailbox import UnknownCursorError

router = guarded_router("Local")


@router.get("/v1/dev/mail", responses=gives(shapes.Mails, NOT_FOUND, INVALID))
async def list_mail(
    door: TheDoor,
    to: Annotated[str | None, Query(max_length=320, description="Only to this address")] = None,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Mails, newest first."""
    if door.mailbox is None:
        return json_answer({"items": [], "next_cursor": None})
    try:
        items, following = await asyncio.to_thread(door.mailbox.page, to, cursor, limit)
    except UnknownCursorError as error:
        raise invalid("cursor", "was given by no page") from error
    return json_answer({"items": items, "next_cursor": following})


@router.get("/v1/dev/mail/{mail_id}", responses=gives(shapes.Mail, NOT_FOUND))
async def get_mail(mail_id: Annotated[str, Path(max_length=255)], door: TheDoor) -> Response:
    """One mail with its bodies and attachments."""
    found = await asyncio.to_thread(door.mailbox.mail, mail_id) if door.mailbox else None
    if found is None:
        raise not_found("mail")
    return json_answer(found)
