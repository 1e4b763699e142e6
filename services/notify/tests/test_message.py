"""The MIME message: its parts, its headers, and that names cannot make headers."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from icalendar import Calendar

from notify.domain.letters import Letter
from notify.domain.notifications import DeliveryError
from notify.providers.email.message import Composer, Sender

from .builders import HOST, SARAH, a_letter


def composed(letter: Letter) -> EmailMessage:
    sender = Sender("Practice", "appointments@book.example")
    data = Composer(sender, "book.example").compose(letter).as_bytes()
    found = message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def kinds(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


def test_an_invite_comes_as_an_alternative_and_as_a_file():
    message = composed(a_letter())

    assert kinds(message) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "invite.ics"


@pytest.mark.parametrize(
    ("kind", "method"),
    [("confirmation", "REQUEST"), ("update", "REQUEST"), ("cancellation", "CANCEL")],
)
def test_the_calendar_part_says_its_method_in_its_header_and_in_its_body(kind: str, method: str):
    message = composed(a_letter(kind=kind))  # type: ignore[arg-type]
    [part] = [p for p in message.walk() if p.get_content_type() == "text/calendar"]

    assert part["content-type"].params["method"] == method
    assert part["content-type"].params["charset"] == "utf-8"
    assert Calendar.from_ical(part.get_content())["method"] == method


def test_both_copies_of_the_invite_are_the_same():
    message = composed(a_letter())
    [part] = [p for p in message.walk() if p.get_content_type() == "text/calendar"]
    [attachment] = message.iter_attachments()

    assert part.get_payload(decode=True) == attachment.get_payload(decode=True)


def test_a_reminder_brings_no_invite():
    assert kinds(composed(a_letter(kind="reminder"))) == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_a_cancellation_without_an_invite_before_brings_none():
    letter = a_letter(kind="cancellation")
    letter = replace(letter, notification=replace(letter.notification, calendar=False))

    assert "text/calendar" not in kinds(composed(letter))


def test_headers_say_who_writes_to_whom():
    message = composed(a_letter())

    assert message["from"].addresses[0].addr_spec == "appointments@book.example"
    assert message["from"].addresses[0].display_name == HOST.name
    assert message["to"].addresses[0].addr_spec == SARAH.email
    assert message["to"].addresses[0].display_name == SARAH.name
    assert message["auto-submitted"] == "auto-generated"
    assert message["date"].datetime == a_letter().at


def test_hosts_are_written_to_under_our_own_name():
    assert composed(a_letter("host"))["from"].addresses[0].display_name == "Practice"


def test_a_repeat_is_known_by_its_message_id():
    first, again = composed(a_letter()), composed(a_letter())

    assert first["message-id"] == again["message-id"]
    assert first["message-id"] == "<00000000-0000-0000-0000-00000000004d@book.example>"
    assert first["references"] == "<00000000-0000-0000-0000-000000000005@book.example>"


@pytest.mark.parametrize(
    "name",
    [
        "Sarah\r\nBcc: evil@example.org",
        "Sarah\nSubject: Pay now",
        'Sarah" <evil@example.org>, "X',
        "Sarah, evil@example.org",
        "=?utf-8?q?Sarah=0D=0ABcc=3A_evil=40example.org?=",
        "Š" * 300,
        "\ud800 Sarah",
        "",
    ],
)
def test_no_name_becomes_a_header(name: str):
    message = composed(a_letter(attendee=replace(SARAH, name=name), host=replace(HOST, name=name)))

    assert message["bcc"] is None
    assert len(message.get_all("subject", [])) == 1
    assert [a.addr_spec for a in message["to"].addresses] == [SARAH.email]
    assert [a.addr_spec for a in message["from"].addresses] == ["appointments@book.example"]
    assert not message.defects


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b@c", "a b@example.org", "a@example.org\r\nBcc: x@y", "<a@example.org>"],
)
def test_what_is_no_address_is_refused_for_good(address: str):
    with pytest.raises(DeliveryError) as refusal:
        composed(a_letter(attendee=replace(SARAH, email=address)))

    assert (refusal.value.reason, refusal.value.permanent) == ("address_invalid", True)


def test_a_domain_with_umlauts_is_written_in_ascii():
    message = composed(a_letter(attendee=replace(SARAH, email="sarah@bücher.example")))

    assert message["to"].addresses[0].addr_spec == "sarah@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("Practice <mail@book.example>", "Practice", "mail@book.example"),
        ("mail@book.example", "Appointments", "mail@book.example"),
        ("appointments@localhost", "Appointments", "appointments@localhost"),
    ],
)
def test_the_sender_is_an_address_with_or_without_a_name(text: str, name: str, address: str):
    assert Sender.parse(text) == Sender(name, address)


@pytest.mark.parametrize("text", ["", "Practice", "Practice <>", "a@b, c@d", "ä@book.example"])
def test_a_sender_that_is_no_address_is_refused(text: str):
    with pytest.raises(ValueError, match="MAIL_FROM"):
        Sender.parse(text)
