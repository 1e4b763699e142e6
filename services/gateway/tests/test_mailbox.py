"""The local sink's mails: parsed, newest first, found by recipient, page by page."""

import os
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from gateway.mailbox import Mailbox, UnknownCursorError
from gateway.settings import GatewaySettings

ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def a_mail(to: str = "ada@example.com", subject: str = "Confirmed") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Practice <no-reply@practice.example>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = "Mon, 01 Mar 2027 10:15:00 +0100"
    mail.set_content("Your appointment in plain words: über")
    mail.add_alternative("<p>Your appointment</p>", subtype="html")
    mail.add_alternative(ICS.encode(), "text", "calendar", params={"method": "REQUEST"})
    mail.add_attachment(ICS.encode(), "application", "ics", filename="invite.ics")
    mail.add_attachment(b"\x89PNG\xff", "image", "png", filename="logo.png")
    return mail


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for folder in ("tmp", "new", "cur"):
        (tmp_path / "mail" / folder).mkdir(parents=True)
    return tmp_path / "mail"


def deliver(maildir: Path, name: str, mail: EmailMessage | bytes, second: int) -> None:
    file = maildir / "new" / name
    file.write_bytes(mail if isinstance(mail, bytes) else mail.as_bytes())
    os.utime(file, (second, second))


def test_a_mail_is_shown_with_its_bodies_and_its_invitation(maildir: Path) -> None:
    deliver(maildir, "1.a", a_mail(), 100)

    (mail,), following = Mailbox(maildir).page()

    assert following is None
    assert mail["id"] == "1.a"
    assert mail["from"] == "Practice <no-reply@practice.example>"
    assert mail["to"] == ["ada@example.com"]
    assert (mail["subject"], mail["date"]) == ("Confirmed", "2027-03-01T10:15:00+01:00")
    assert mail["text"].strip() == "Your appointment in plain words: über"
    assert mail["html"].strip() == "<p>Your appointment</p>"
    assert [(a["filename"], a["content_type"], a["content"]) for a in mail["attachments"]] == [
        (None, "text/calendar", ICS),
        ("invite.ics", "application/ics", ICS),
        ("logo.png", "image/png", None),
    ]
    assert mail["attachments"][0]["method"] == "REQUEST"


def test_a_subject_that_was_folded_is_one_line(maildir: Path) -> None:
    deliver(maildir, "1.a", b"Subject:\r\n Confirmed: Video\r\n consultation\r\n\r\nx", 100)

    assert Mailbox(maildir).page()[0][0]["subject"] == "Confirmed: Video consultation"


def test_mails_come_newest_first_and_page_by_page(maildir: Path) -> None:
    for number in range(5):
        deliver(maildir, f"{number}.a", a_mail(subject=str(number)), 100 + number // 2)
    mailbox = Mailbox(maildir)

    first, cursor = mailbox.page(limit=2)
    second, cursor = mailbox.page(limit=2, cursor=cursor)
    third, end = mailbox.page(limit=2, cursor=cursor)

    pages = [[mail["subject"] for mail in page] for page in (first, second, third)]
    assert (pages, end) == ([["4", "3"], ["2", "1"], ["0"]], None)


def test_mails_are_found_by_whom_they_went_to_also_blind_copies(maildir: Path) -> None:
    deliver(maildir, "1.a", a_mail("Ada <ADA@example.com>"), 100)
    deliver(maildir, "2.a", b"Delivered-To: bob@example.com\r\n" + a_mail().as_bytes(), 101)
    mailbox = Mailbox(maildir)

    assert len(mailbox.page(to="ada@example.com")[0]) == 2
    assert [mail["id"] for mail in mailbox.page(to="Bob@example.com")[0]] == ["2.a"]
    assert mailbox.page(to="nobody@example.com") == ([], None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no mail at all",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nx",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        b"Subject: =?utf-8?b?broken\r\nDate: never\r\n\r\n\xff\xfe",
    ],
)
def test_a_mail_that_is_broken_is_shown_as_far_as_it_goes(maildir: Path, content: bytes) -> None:
    deliver(maildir, "1.a", content, 100)

    (mail,), _ = Mailbox(maildir).page()

    assert (mail["id"], mail["date"]) == ("1.a", None)


@pytest.mark.parametrize("cursor", ["x", "é", "Zm9v", "....", "MTAw"])
def test_a_cursor_that_no_page_gave_is_refused(maildir: Path, cursor: str) -> None:
    with pytest.raises(UnknownCursorError):
        Mailbox(maildir).page(cursor=cursor)


@pytest.mark.parametrize("mail_id", ["../../etc/passwd", "", "nothing", "1.a:2,S"])
def test_no_name_leads_out_of_the_mailbox(maildir: Path, mail_id: str) -> None:
    deliver(maildir, "1.a", a_mail(), 100)

    assert Mailbox(maildir).mail(mail_id) is None


async def test_mails_are_listed_and_read_over_http(
    http: httpx.AsyncClient, settings: GatewaySettings, maildir: Path
) -> None:
    deliver(maildir, "1.a", a_mail(), 100)

    listed = await http.get("/v1/dev/mail", params={"to": "ada@example.com"})
    one = await http.get("/v1/dev/mail/1.a")
    none = await http.get("/v1/dev/mail/2.a")
    refused = await http.get("/v1/dev/mail", params={"cursor": "x"})

    assert settings.mail_dir == maildir
    assert listed.json() == {"items": [one.json()], "next_cursor": None}
    assert none.status_code == 404
    assert refused.json()["errors"][0]["field"] == "cursor"


async def test_a_sink_that_took_no_mail_yet_has_none(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/dev/mail")).json() == {"items": [], "next_cursor": None}
