"""What a field of a request may hold: text without tricks, addresses, zones, bounded JSON."""

import math
import re
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, cast
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

YEARS = range(2000, 3000)
MAX_ANSWERS = 50
MAX_ANSWER_DEPTH = 3
MAX_ANSWER_TEXT = 4000
MAX_ANSWERS_TEXT = 16_000

# Control characters, lone surrogates, line and paragraph separators, and the marks that turn the
# direction of the text around them: they forge headers, logs and names.
_FORBIDDEN = r"\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069"
_IN_A_LINE = re.compile(f"[{_FORBIDDEN}]")
_IN_A_TEXT = re.compile(f"(?![\\t\\n\\r])[{_FORBIDDEN}]")

_EMAIL = re.compile(
    r"(?=.{3,254}$)"
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_SPACING = re.compile(r"[ ().\-/]")
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_HTTPS = re.compile(r"https://[^\s/?#@\\<>\"]+(?:[/?#][^\s\\<>\"]*)?")
_NOT_ZONES = frozenset(("Factory", "localtime"))


def line(text: str) -> str:
    """One line of text: stripped, not empty. Raises for control characters."""
    stripped = text.strip()
    if not stripped:
        raise PydanticCustomError("empty", "must not be empty")
    if _IN_A_LINE.search(stripped):
        raise PydanticCustomError("control_characters", "must not hold control characters")
    return stripped


def paragraph(text: str) -> str:
    """Text of several lines. Raises for control characters other than tab and line ends."""
    if _IN_A_TEXT.search(text):
        raise PydanticCustomError("control_characters", "must not hold control characters")
    return text


def search(text: str) -> str | None:
    """What to look for: stripped, nothing for nothing. Raises for control characters."""
    return line(text) if text.strip() else None


def email(text: str) -> str:
    """An e-mail address as RFC 5321 has it in ASCII, with a domain of at least two labels."""
    address = text.strip()
    if not _EMAIL.fullmatch(address) or address.index("@") > 64:
        raise PydanticCustomError("email", "must be an e-mail address such as ada@example.com")
    return address


def phone(text: str) -> str:
    """A phone number in E.164; spaces, hyphens, dots, slashes and brackets are taken out."""
    number = _PHONE_SPACING.sub("", text.strip())
    if not _PHONE.fullmatch(number):
        raise PydanticCustomError(
            "phone", "must be a phone number with its country code, such as +49 30 1234567"
        )
    return number


def time_zone(text: str) -> str:
    """An IANA time zone's name."""
    if text not in _time_zones():
        raise PydanticCustomError("time_zone", "must be an IANA time zone such as Europe/Berlin")
    return text


def https_url(text: str) -> str:
    """An https URL without user name or password in it."""
    if not _HTTPS.fullmatch(text) or _IN_A_LINE.search(text):
        raise PydanticCustomError("https_url", "must be an https:// address")
    return text


def answers(given: dict[str, Any]) -> dict[str, Any]:
    """Answers to a questionnaire: a JSON object that is bounded in size, depth and text."""
    if len(given) > MAX_ANSWERS:
        raise PydanticCustomError("answers", "must not be more than {n}", {"n": MAX_ANSWERS})
    if _weight(given, depth=0) > MAX_ANSWERS_TEXT:
        raise PydanticCustomError(
            "answers", "must not exceed {n} characters", {"n": MAX_ANSWERS_TEXT}
        )
    return given


def rfc3339(value: object) -> object:
    """Refuses what is no RFC 3339 text: pydantic would take a number for seconds since 1970."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError(
            "rfc3339", "must be an RFC 3339 time with an offset, such as 2027-03-22T08:00:00Z"
        )
    return value


def utc(moment: datetime) -> datetime:
    """The instant in UTC, within years that every zone can be computed for."""
    year(moment)
    return moment.astimezone(UTC)


def iso_date(value: object) -> object:
    """Refuses what is no `YYYY-MM-DD`: pydantic would take a number for seconds since 1970."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("iso_date", "must be a date such as 2027-03-22")
    return value


def year(day: date) -> date:
    """The date, within the years that every zone can be computed for."""
    if day.year not in YEARS:
        raise PydanticCustomError(
            "year", "must lie between {first} and {last}", {"first": YEARS[0], "last": YEARS[-1]}
        )
    return day


def instant(value: object) -> object:
    """An RFC 3339 time, or a date for its midnight in UTC, as a query may give it.

    A plus sign that was sent unescaped arrives as a space; it is put back.
    """
    if isinstance(value, str) and _DATE.fullmatch(value):
        return f"{value}T00:00:00Z"
    return rfc3339(value.replace(" ", "+") if isinstance(value, str) else value)


def not_offered(value: object) -> None:
    """Refuses anything but null, for what the API has a name for but does not do."""
    if value is not None:
        raise PydanticCustomError("not_offered", "is not offered; leave it out or send null")


def _weight(value: object, depth: int) -> int:
    if isinstance(value, str):
        if len(value) > MAX_ANSWER_TEXT or _IN_A_TEXT.search(value):
            raise PydanticCustomError(
                "answers",
                "must be texts of at most {n} characters without control characters",
                {"n": MAX_ANSWER_TEXT},
            )
        return len(value)
    if depth >= MAX_ANSWER_DEPTH:
        raise PydanticCustomError(
            "answers", "must not nest deeper than {n}", {"n": MAX_ANSWER_DEPTH}
        )
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return sum(_weight(k, depth) + _weight(v, depth + 1) for k, v in entries.items())
    if isinstance(value, list):
        return 1 + sum(_weight(v, depth + 1) for v in cast("list[object]", value))
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("answers", "must hold finite numbers")
    if isinstance(value, int) and abs(value) > 2**53:
        raise PydanticCustomError("answers", "must hold numbers that every reader can represent")
    return 8


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_ZONES)


Line = Annotated[str, AfterValidator(line)]
Paragraph = Annotated[str, AfterValidator(paragraph)]
Search = Annotated[str, AfterValidator(search)]
Email = Annotated[str, Field(max_length=320), AfterValidator(email)]
Phone = Annotated[str, Field(max_length=40), AfterValidator(phone)]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(time_zone)]
HttpsUrl = Annotated[str, Field(max_length=2000), AfterValidator(https_url)]
Answers = Annotated[dict[str, Any], AfterValidator(answers)]
UtcTime = Annotated[AwareDatetime, BeforeValidator(rfc3339), AfterValidator(utc)]
LocalDate = Annotated[date, BeforeValidator(iso_date), AfterValidator(year)]
QueryInstant = Annotated[AwareDatetime, BeforeValidator(instant), AfterValidator(utc)]
NotOffered = Annotated[None, BeforeValidator(not_offered)]
