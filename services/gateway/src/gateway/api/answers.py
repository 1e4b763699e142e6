"""Answers: JSON by orjson, pages by Jinja. Nothing is checked again on its way out."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response


def json_answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`content` as JSON; instants in UTC end in Z."""
    body = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **content: Any
) -> HTMLResponse:
    """A page with its own Content-Security-Policy: no scripts, and the one style that we know."""
    html = _pages().get_template(template).render(style=_style(), local_time=local_time, **content)
    policy = (
        f"default-src 'none'; style-src '{_hash(_style())}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(
        html, status_code=status, headers={"Content-Security-Policy": policy, **(headers or {})}
    )


def wants_page(request: Request) -> bool:
    """Whether a person is looking: their browser names text/html, a program does not."""
    return "text/html" in request.headers.get("accept", "")


def local_time(moment: datetime, zone: str) -> str:
    """`Monday 22 March 2027, 09:00`, on the clock of a zone."""
    return f"{moment.astimezone(ZoneInfo(zone)):%A %-d %B %Y, %H:%M}"


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("gateway", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return _pages().get_template("style.css").render()


@cache
def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
