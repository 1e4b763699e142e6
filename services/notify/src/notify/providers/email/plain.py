"""Text of people made fit for a header, a line or a link."""

import unicodedata
from typing import Final
from urllib.parse import urlsplit

_LONGEST_LINE: Final = 200
_LONGEST_TEXT: Final = 4000
_MOST_LINES: Final = 60
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str, limit: int = _LONGEST_LINE) -> str:
    """The text as one line without control characters, cut at `limit`."""
    visible = "".join(" " if _is_control(c) else c for c in text)
    words = " ".join(visible.split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def header_text(text: str) -> str:
    """The text as one line that is safe as a header's value.

    EmailMessage decodes what looks like an encoded word (RFC 2047), line breaks in it included.
    """
    return one_line(text).replace("=?", "= ?")


def lines(text: str) -> list[str]:
    """The text by lines, each as `one_line`; very long texts are cut."""
    return [one_line(line, 1000) for line in text[:_LONGEST_TEXT].splitlines()[:_MOST_LINES]]


def web_url(url: str | None) -> str | None:
    """The URL if it leads to the web; nothing for any other scheme, nor for what is no URL."""
    if not url or any(_is_control(c) or c.isspace() for c in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def tel_url(number: str) -> str | None:
    """The number as a `tel:` URL (RFC 3966); nothing where it has no digits."""
    digits = "".join(c for c in number if c.isascii() and c.isdigit())
    return f"tel:{'+' if number.strip().startswith('+') else ''}{digits}" if digits else None


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _BIDI
