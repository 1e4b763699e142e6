"""The frozen bases of everything that crosses a service's border.

An `Event` is a fact in the past tense; it knows its own subject. A `Request` is a command or a
query with one reply model. Personal data never stands in an event: a person is a `PersonRef`.
"""

from typing import Annotated, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Instant = AwareDatetime
"""A UTC instant; on the wire RFC 3339 with a trailing Z."""

TenantSlug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
"""A tenant's id: safe as a NATS token and as a path segment."""


class Contract(BaseModel):
    """Data only: frozen, and tolerant of what a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Contract):
    """A fact that other services may rely on.

    `CONTEXT` names the stream, `FACT` and `VERSION` the kind, `ENTITY` the field whose value
    orders the events (a booking, a meeting, a host).
    """

    CONTEXT: ClassVar[str]
    FACT: ClassVar[str]
    VERSION: ClassVar[int] = 1
    ENTITY: ClassVar[str] = "booking_id"

    tenant: TenantSlug

    @classmethod
    def ce_type(cls) -> str:
        """The CloudEvents type, e.g. `booking.confirmed.v1`."""
        return f"{cls.CONTEXT}.{cls.FACT}.v{cls.VERSION}"

    @property
    def entity_id(self) -> str:
        """The id that the last token of the subject carries."""
        return str(getattr(self, self.ENTITY))

    @property
    def subject(self) -> str:
        """The NATS subject, e.g. `events.booking.confirmed.v1.demo.0198…`."""
        return f"events.{self.ce_type()}.{self.tenant}.{self.entity_id}"


ReplyT = TypeVar("ReplyT", bound=Contract)


class Request(Contract, Generic[ReplyT]):
    """A command or a query that `SERVICE` answers with a `ReplyT`."""

    SERVICE: ClassVar[str]

    @classmethod
    def subject(cls) -> str:
        """The NATS subject, e.g. `rpc.booking.RequestBooking`."""
        return f"rpc.{cls.SERVICE}.{cls.__name__}"

    @classmethod
    def reply(cls) -> type[ReplyT]:
        """The model of the reply, as the class's own type argument names it."""
        for base in cls.__mro__:
            arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args", ())
            if arguments and isinstance(arguments[0], type):
                return arguments[0]
        raise TypeError(f"{cls.__name__} names no reply")


class TenantRequest(Request[ReplyT]):
    """A command or a query within one tenant."""

    tenant: TenantSlug


class Problem(Contract):
    """The one shape of an error reply: a stable code, a sentence, and details by name."""

    code: str
    message: str
    details: Annotated[dict[str, object], Field(default_factory=dict)]


class Done(Contract):
    """The reply of a command that has nothing more to say."""


class PersonRef(Contract):
    """A person as events know them: an id, and the version of their details that was meant."""

    person_id: UUID
    version: int = 1


class Actor(Contract):
    """Who did it: `kind` is attendee, host, admin, api_key or system; `id` is never a name."""

    kind: str
    id: str | None = None


class Money(Contract):
    """An amount in minor units (cents) and its ISO 4217 currency."""

    amount_minor: int
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Period(Contract):
    """From `start` (included) to `end` (excluded), both UTC."""

    start: Instant
    end: Instant
