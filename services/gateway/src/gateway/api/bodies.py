"""What clients send. A field that is not here is refused, so that nobody thinks it counts."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from contracts.availability import LocationKind
from gateway.api.fields import (
    Answers,
    Email,
    HttpsUrl,
    Line,
    NotOffered,
    Paragraph,
    Phone,
    TimeZone,
    UtcTime,
)


class Body(BaseModel):
    """Base of every request body."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def fingerprint(self, **more: Any) -> str:
        """SHA-256 of what was asked, the same however it was spelled."""
        canonical = orjson.dumps(
            self.model_dump(mode="json") | more, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
        )
        return hashlib.sha256(canonical).hexdigest()


class PersonBody(Body):
    """A person: the attendee or a guest."""

    name: Annotated[Line, Field(max_length=200, examples=["Ada Lovelace"])]
    email: Annotated[Email, Field(examples=["ada@example.com"])]
    phone: Annotated[
        Phone | None, Field(description="With its country code", examples=["+4930123456"])
    ] = None


class LocationBody(Body):
    """Where the appointment shall take place: one of the kinds that its type offers."""

    kind: LocationKind


class DocumentBody(Body):
    """A link to a document; the file itself stays where it is."""

    url: Annotated[HttpsUrl, Field(examples=["https://files.example.com/referral.pdf"])]
    title: Annotated[Line, Field(max_length=200, examples=["Referral"])]
    kind: Annotated[Line | None, Field(max_length=50, examples=["referral"])] = None


class RemindersBody(Body):
    """Over which channels the attendee wants to be reminded."""

    email: StrictBool = True
    sms: StrictBool = False


class BookingBody(Body):
    """A request for a slot. What binds it (host, price, policy) comes from the catalogue."""

    appointment_type: Annotated[
        Line, Field(max_length=63, description="Its slug", examples=["video-consultation"])
    ]
    start: Annotated[
        UtcTime, Field(description="RFC 3339, with an offset", examples=["2027-03-22T08:00:00Z"])
    ]
    duration_minutes: Annotated[
        StrictInt | None,
        Field(ge=1, le=1440, description="Null takes the type's default", examples=[30]),
    ] = None
    time_zone: Annotated[
        TimeZone, Field(description="The attendee's IANA zone", examples=["Europe/Berlin"])
    ]
    attendee: PersonBody
    guests: Annotated[list[PersonBody], Field(max_length=20)] = []
    location: Annotated[
        LocationBody | None, Field(description="Null takes the type's first kind")
    ] = None
    host_id: Annotated[UUID | None, Field(description="Null lets the type choose")] = None
    answers: Annotated[
        Answers, Field(description="To the questionnaire, by field", examples=[{"reason": "Knee"}])
    ] = {}
    notes: Annotated[Paragraph | None, Field(max_length=4000)] = None
    documents: Annotated[list[DocumentBody], Field(max_length=10)] = []
    hold_id: Annotated[NotOffered, Field(description="Not offered: null")] = None
    recurrence: Annotated[NotOffered, Field(description="Not offered: null")] = None
    reminders: RemindersBody = RemindersBody()


class CancelBody(Body):
    """Why a booking is called off; the reason stays with the booking's personal data."""

    reason: Annotated[Paragraph | None, Field(max_length=1000, examples=["I am ill"])] = None


class CalendarConnectionBody(Body):
    """A CalDAV calendar to write a host's bookings into; it is tried before it is kept."""

    host_id: UUID
    url: Annotated[Line, Field(max_length=2000, examples=["https://cal.example.com/ada/visits/"])]
    username: Annotated[Line, Field(max_length=320)]
    password: Annotated[str, Field(min_length=1, max_length=1000)]


class ApiKeyBody(Body):
    """A new API key. It can be given what its maker's key may, and no more."""

    name: Annotated[Line, Field(max_length=100, examples=["Front desk"])]
    scopes: Annotated[list[str], Field(min_length=1, max_length=20, examples=[["bookings:read"]])]
