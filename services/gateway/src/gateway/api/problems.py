"""Every error is an RFC 9457 problem: the kinds there are, and how errors become one.

HttpProblemError    raised by routes: one of the kinds below, with a sentence for this case
ProblemError        what another service refused (service_kit); its code names the kind
UnavailableError    nobody answered in time (service_kit): 503
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from service_kit import causation
from service_kit.errors import ProblemError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: `/problems/{name}` is its stable type and its documentation."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        """The `type` member, relative to this gateway."""
        return f"/problems/{self.name}"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: `attendee.email`, `documents[0].url`, `from`."""

    field: str
    message: str


MALFORMED = Kind(
    "malformed", 400, "The request cannot be read", "The body or a header is not of its form."
)
UNAUTHENTICATED = Kind(
    "unauthenticated",
    401,
    "Who is asking?",
    "This needs an API key (Authorization: Bearer rdv_…) or, where the route says so, the token "
    "of a booking's link. What was sent is missing, unknown, expired or revoked.",
)
FORBIDDEN = Kind(
    "forbidden", 403, "This key may not do that", "The API key lacks the scope that is named."
)
NOT_FOUND = Kind(
    "not-found",
    404,
    "There is no such thing",
    "It does not exist, or it is not yours: the two are not told apart.",
)
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "Not with this method", "The Allow header lists the ones that work."
)
CONFLICT = Kind(
    "conflict",
    409,
    "Its state forbids that",
    "The booking is in a status in which this cannot be done. Read it again.",
)
SLOT_UNAVAILABLE = Kind(
    "slot-unavailable",
    409,
    "That time was just taken",
    "Somebody else has the slot. `alternatives` lists the nearest free ones, in the shape of "
    "GET …/slots.",
)
BOOKING_CANCELLED = Kind(
    "booking-cancelled",
    409,
    "The booking was cancelled",
    "It was called off before it was confirmed. Nothing is reserved.",
)
TOO_LATE = Kind(
    "too-late",
    409,
    "It is too late for that",
    "The notice that the appointment type asks for has passed. Please contact the host.",
)
ALREADY_CREATED = Kind(
    "already-created",
    409,
    "This was created before",
    "The Idempotency-Key was used for an API key already, and a key is shown only once. Revoke "
    "that one and create another.",
)
GONE = Kind(
    "gone", 410, "This is over", "The appointment was cancelled or has ended; its room is closed."
)
VERSION_MISMATCH = Kind(
    "version-mismatch",
    412,
    "It has changed meanwhile",
    "If-Match names another version than the current one. Read it again, then decide.",
)
TOO_LARGE = Kind("too-large", 413, "The body is too large", "A body may have 64 KiB.")
UNSUPPORTED_MEDIA_TYPE = Kind(
    "unsupported-media-type", 415, "Not in this format", "Bodies are application/json."
)
INVALID = Kind(
    "invalid",
    422,
    "The request has errors",
    "`errors` names each field that is wrong, and says what is wrong with it.",
)
IDEMPOTENCY_KEY_REUSED = Kind(
    "idempotency-key-reused",
    422,
    "This Idempotency-Key was used for something else",
    "The key came with another body before. A new request needs a new key.",
)
CALENDAR_UNREACHABLE = Kind(
    "calendar-unreachable",
    422,
    "The calendar cannot be reached",
    "The address did not answer as a CalDAV calendar, or refused the user name or password.",
)
INTERNAL = Kind(
    "internal",
    500,
    "Something went wrong on our side",
    "It has been logged under the correlation id.",
)
UNAVAILABLE = Kind(
    "unavailable",
    503,
    "Please try again in a moment",
    "A part of the system gave no answer. Repeat the request, with the same Idempotency-Key where "
    "there is one, after the seconds in Retry-After.",
)
PROJECTION_BEHIND = Kind(
    "projection-behind",
    503,
    "The list is not up to date yet",
    "The list has not reached `min_position`. Try again after the seconds in Retry-After.",
)
MEETING_NOT_READY = Kind(
    "meeting-not-ready",
    503,
    "The room is being prepared",
    "The meeting is not there yet. Try again after the seconds in Retry-After.",
)

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in list(globals().values()) if isinstance(kind, Kind)
}
"""Every kind by its name."""

_OF_CODE: Mapping[str, Kind] = {
    "invalid": INVALID,
    "not_found": NOT_FOUND,
    "conflict": CONFLICT,
    "too_late": TOO_LATE,
    "version_mismatch": VERSION_MISMATCH,
    "idempotency_key_reused": IDEMPOTENCY_KEY_REUSED,
    "projection_behind": PROJECTION_BEHIND,
    "link_invalid": UNAUTHENTICATED,
    "calendar_unreachable": CALENDAR_UNREACHABLE,
    "meeting_closed": GONE,
    "unavailable": UNAVAILABLE,
}
_OF_STATUS: Mapping[int, Kind] = {
    400: MALFORMED,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
}


class HttpProblemError(Exception):
    """One of the kinds, as it is in this case.

    `detail` is for people and holds nothing personal; `members` are the kind's own extensions.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or kind.title)
        self.kind = kind
        self.detail = detail or kind.meaning
        self.errors = errors
        self.headers = dict(headers or {})
        self.members = members

    def body(self) -> dict[str, Any]:
        """The problem's members, in the order that people read them."""
        correlation_id = causation.current().correlation_id
        body: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "instance": f"urn:correlation:{correlation_id}",
            "correlation_id": correlation_id,
        }
        if self.errors:
            body["errors"] = [{"field": e.field, "message": e.message} for e in self.errors]
        return body | self.members

    def response(self) -> Response:
        """The problem as an HTTP response."""
        return Response(
            orjson.dumps(self.body(), option=orjson.OPT_UTC_Z),
            status_code=self.kind.status,
            headers=self.all_headers(),
            media_type=MEDIA_TYPE,
        )

    def all_headers(self) -> dict[str, str]:
        """The headers that go with the problem, whatever form it is shown in."""
        headers = dict(self.headers)
        if self.kind.status == 503:
            headers.setdefault("Retry-After", "1")
        if self.kind is UNAUTHENTICATED:
            headers["WWW-Authenticate"] = 'Bearer realm="rendezvous"'
        return headers


def invalid(field: str, message: str) -> HttpProblemError:
    """One field is wrong."""
    return HttpProblemError(
        INVALID, f"{field}: {message}", errors=[FieldError(field=field, message=message)]
    )


def not_found(what: str) -> HttpProblemError:
    """`what` (a booking, an appointment type) does not exist here."""
    return HttpProblemError(NOT_FOUND, f"There is no such {what}.")


def of_status(status: int, headers: Mapping[str, str] | None = None) -> HttpProblemError:
    """The problem for a status that the framework decided on."""
    kind = _OF_STATUS.get(status, INTERNAL if status >= 500 else MALFORMED)
    return HttpProblemError(kind, headers=headers)


def of_service(error: ProblemError, fields: Mapping[str, str] | None = None) -> HttpProblemError:
    """The problem that another service's refusal is.

    `fields` says what the fields of the command are called in the request, where the names
    differ. An unknown code is our own mistake: 500.
    """
    kind = _OF_CODE.get(error.code)
    if kind is None:
        return HttpProblemError(INTERNAL)
    named = str(error.details.get("field") or "")
    if kind.status == 422 and named:
        field = (fields or {}).get(named, named)
        return HttpProblemError(kind, error.message, errors=[FieldError(field, error.message)])
    return HttpProblemError(kind, error.message)
