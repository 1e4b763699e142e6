"""What mails say, and that nothing a person typed becomes markup or a foreign link."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notify.domain.appointments import Place, Role
from notify.domain.letters import Document, Host, Letter, Person
from notify.domain.notifications import Kind
from notify.providers.email.message import Composer, Sender
from notify.providers.email.plain import lines, one_line, tel_url, web_url
from notify.providers.email.wording import content

from .builders import (
    GUEST,
    HOST,
    HOST_JOIN,
    JOIN,
    MANAGE,
    OFFICE,
    SARAH,
    START,
    a_letter,
    an_appointment,
    with_terms,
)


def text_of(letter: Letter) -> str:
    return _part(letter, "plain")


def html_of(letter: Letter) -> str:
    return _part(letter, "html")


def _part(letter: Letter, kind: str) -> str:
    composer = Composer(Sender("Appointments", "appointments@book.example"), "book.example")
    part = composer.compose(letter).get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("role", "kind", "subject"),
    [
        ("attendee", "confirmation", "Confirmed: Consultation with Dr. Amira Hassan, "),
        ("guest", "confirmation", "Invitation: Consultation with Dr. Amira Hassan, "),
        ("host", "confirmation", "New booking: Consultation with Sarah Weiß, "),
        ("attendee", "update", "Updated: Consultation with Dr. Amira Hassan, "),
        ("attendee", "cancellation", "Cancelled: Consultation with Dr. Amira Hassan, "),
        ("attendee", "reminder", "Reminder: Consultation with Dr. Amira Hassan, "),
    ],
)
def test_the_subject_says_what_it_is_about(role: Role, kind: Kind, subject: str):
    when = "Mon 22 March, 04:00" if role == "host" else "Mon 22 March, 09:00"

    assert content(a_letter(role, kind)).subject == subject + when


def test_the_attendee_reads_both_zones_their_own_first():
    text = text_of(a_letter())
    own = text.index("Monday 22 March 2027, 09:00 to 09:30 (Europe/Berlin, UTC+01:00)")

    assert own < text.index(
        "For Dr. Amira Hassan: Monday 22 March 2027, 04:00 to 04:30 (America/New_York, UTC-04:00)"
    )


def test_the_host_reads_both_zones_their_own_first():
    text = text_of(a_letter("host"))
    own = text.index("Monday 22 March 2027, 04:00 to 04:30 (America/New_York, UTC-04:00)")

    assert own < text.index("For Sarah Weiß: Monday 22 March 2027, 09:00 to 09:30 (Europe/Berlin")


def test_one_zone_for_both_is_told_once():
    local = replace(HOST, time_zone="Europe/Berlin")

    assert text_of(a_letter(host=local)).count("Europe/Berlin") == 2  # the time, and until when
    assert "For Dr. Amira" not in text_of(a_letter(host=local))


def test_an_appointment_over_midnight_names_both_days():
    late = START.replace(hour=22, minute=45)
    appointment = with_terms(
        an_appointment(OFFICE), starts_at=late, ends_at=late + timedelta(minutes=30)
    )

    assert "Monday 22 March 2027, 23:45 to Tuesday 23 March 2027, 00:15 (Europe/Berlin" in text_of(
        a_letter(appointment=appointment)
    )


def test_the_attendee_of_a_video_call_gets_their_link_and_may_cancel():
    text, html = text_of(a_letter()), html_of(a_letter())

    assert JOIN in text
    assert MANAGE in text
    assert "You can cancel until Monday 22 March 2027, 07:00 (Europe/Berlin" in text
    assert f'<a href="{JOIN}" style=' in html
    assert HOST_JOIN not in text + html


def test_who_can_no_longer_cancel_is_told_so():
    short_notice = with_terms(an_appointment(meeting="ready"), notice_minutes=60 * 24 * 3)
    text = text_of(a_letter(appointment=short_notice))

    assert "It is too late to cancel it online." in text
    assert MANAGE in text


def test_a_guest_may_join_but_not_cancel():
    text = text_of(a_letter("guest"))

    assert "Sarah Weiß has invited you to an appointment with Dr. Amira Hassan." in text
    assert JOIN in text
    assert MANAGE not in text + html_of(a_letter("guest"))


def test_the_host_gets_their_own_link_and_all_about_the_attendee():
    text = text_of(a_letter("host"))

    assert HOST_JOIN in text
    assert JOIN not in text
    assert MANAGE not in text
    for told in ("sarah@client.example", "+4930123456", "What is it about?: My knee", "It hurts."):
        assert told in text
    assert "Gus Guest, gus@guest.example" in text


@pytest.mark.parametrize("role", ["attendee", "guest"])
def test_answers_and_notes_are_for_the_host_alone(role: Role):
    text = text_of(a_letter(role))

    assert "My knee" not in text
    assert "It hurts" not in text
    assert "sarah@client.example" not in text


def test_a_link_that_is_not_there_yet_is_promised():
    waiting = a_letter(appointment=an_appointment(), join_url=None)

    assert "The link to join follows in another e-mail." in text_of(waiting)


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("attendee", "Dr. Amira Hassan will tell you how to meet."),
        ("host", "Please tell Sarah Weiß how to meet."),
    ],
)
def test_a_meeting_that_failed_is_admitted(role: Role, told: str):
    failed = an_appointment(meeting="failed")

    assert told in text_of(a_letter(role, appointment=failed, join_url=None, host_join_url=None))


def test_an_appointment_in_person_tells_the_way():
    letter = a_letter(appointment=an_appointment(OFFICE))
    text = text_of(letter)

    for told in ("Hauptstraße 1", "10115 Berlin", "Parking: In the yard"):
        assert told in text
    assert "https://maps.example/hauptstrasse-1" in text
    assert '<a href="https://maps.example/hauptstrasse-1">Directions</a>' in html_of(letter)
    assert JOIN not in text


@pytest.mark.parametrize(
    ("role", "caller", "told", "link"),
    [
        ("attendee", "attendee", "Please call Dr. Amira Hassan on +49 30 555", "tel:+4930555"),
        ("guest", "attendee", "Sarah Weiß calls Dr. Amira Hassan on +49 30 555", "tel:+4930555"),
        ("host", "attendee", "Sarah Weiß calls you on +49 30 555.", None),
        ("attendee", None, "Please call Dr. Amira Hassan on +49 30 555", "tel:+4930555"),
        ("attendee", "host", "Dr. Amira Hassan calls you on +4930123456.", "tel:+4930555"),
        ("guest", "host", "Dr. Amira Hassan calls Sarah Weiß.", "tel:+4930555"),
        ("host", "host", "Please call Sarah Weiß on +4930123456", "tel:+4930123456"),
    ],
)
def test_a_phone_call_says_who_calls_whom(role: Role, caller: str, told: str, link: str | None):
    place = Place("phone", phone_number="+49 30 555", caller=caller)  # type: ignore[arg-type]
    letter = a_letter(role, appointment=an_appointment(place))

    assert told in text_of(letter)
    if link:
        assert f'<a href="{link}">' in html_of(letter)


def test_a_phone_call_without_numbers_still_says_who_calls():
    place = Place("phone", caller="host")
    silent = replace(SARAH, phone=None)

    assert "Dr. Amira Hassan calls you." in text_of(
        a_letter(appointment=an_appointment(place), attendee=silent)
    )


def test_a_cancelled_appointment_has_no_links():
    for role in ("attendee", "guest", "host"):
        letter = a_letter(role, "cancellation")
        both = text_of(letter) + html_of(letter)

        assert "has been cancelled" in both
        assert JOIN not in both
        assert HOST_JOIN not in both
        assert MANAGE not in both


EVIL = "<script>alert(1)</script>\"'&{{ 7*7 }}"


def test_nothing_that_people_typed_becomes_markup():
    letter = a_letter(
        "host",
        appointment=with_terms(an_appointment(OFFICE), title=EVIL),
        attendee=Person(SARAH.id, EVIL, "sarah@client.example", EVIL),
        guests=(Person(GUEST.id, EVIL, "gus@guest.example"),),
        answers=((EVIL, EVIL),),
        notes=EVIL,
    )
    html = html_of(letter)

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "49" not in html.replace("2027", "")


def test_nothing_that_people_typed_begins_a_line_of_its_own():
    letter = a_letter(
        attendee=replace(SARAH, name="Sarah\r\n\r\nPlease pay to DE00"),
        host=Host(HOST.id, "Amira\u2028X", HOST.email, HOST.time_zone),
    )

    assert "Hello Sarah Please pay to DE00," in text_of(letter)
    assert "Amira X is confirmed" in text_of(letter)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "https://",
        "https://example.org/a b",
        "https://example.org/\nX",
        "//example.org",
        "http://[::1",
        "",
        None,
    ],
)
def test_only_links_to_the_web_are_links(url: str | None):
    assert web_url(url) is None


def test_documents_with_other_links_are_left_out():
    documents = (Document("Bad", "javascript:x"), Document("", "https://files.example/report.pdf"))

    text = text_of(a_letter(documents=documents))

    assert "Bad" not in text
    assert "Document\n  https://files.example/report.pdf" in text


def test_text_is_cut_at_its_limits():
    assert one_line("a" * 300) == "a" * 199 + "…"
    assert len(lines("x\n" * 1000)) == 60
    assert one_line("a\u202eb\x00c\td") == "a b c d"


def test_a_number_becomes_a_link_that_phones_understand():
    assert tel_url("+49 (0)30 / 555-1") == "tel:+490305551"
    assert tel_url("call me") is None
