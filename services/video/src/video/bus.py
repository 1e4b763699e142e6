"""What video listens to and answers."""

from contracts.booking import BookingCancelled, BookingConfirmed
from contracts.envelope import Event
from contracts.video import JoinMeeting, Room
from service_kit.bus import Bus, answers, handles
from service_kit.database import Connection
from service_kit.errors import ProblemError
from service_kit.messages import Envelope
from video.application import Appointment, Meetings
from video.domain import MeetingOverError, MeetingUnknownError

CONSUMES: tuple[type[Event], ...] = (BookingConfirmed, BookingCancelled)


def bus(meetings: Meetings) -> Bus:
    """Video's handlers, bound to its application."""

    async def on_booking_confirmed(
        connection: Connection, event: BookingConfirmed, _: Envelope
    ) -> None:
        terms = event.terms
        if terms.location.kind == "video":
            await meetings.want(
                connection,
                Appointment(
                    tenant=event.tenant,
                    booking_id=event.booking_id,
                    starts_at=terms.start,
                    ends_at=terms.end,
                    provider=terms.location.video_provider,
                ),
            )

    async def on_booking_cancelled(
        connection: Connection, event: BookingCancelled, _: Envelope
    ) -> None:
        if event.terms is None or event.terms.location.kind == "video":
            await meetings.close(connection, event.tenant, event.booking_id)

    async def join_meeting(query: JoinMeeting) -> Room:
        try:
            url = await meetings.join(
                query.tenant, query.booking_id, query.role, query.display_name
            )
        except MeetingUnknownError as error:
            raise ProblemError("not_found", "There is no room for this booking.") from error
        except MeetingOverError as error:
            raise ProblemError("meeting_closed", "This meeting is closed.") from error
        return Room(url=url)

    return Bus(
        service="video",
        events=(
            handles(BookingConfirmed, on_booking_confirmed),
            handles(BookingCancelled, on_booking_cancelled),
        ),
        requests=(answers(JoinMeeting, join_meeting),),
    )
