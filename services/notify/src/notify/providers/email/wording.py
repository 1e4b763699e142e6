"""What a letter says: its subject, its opening, and the facts of the appointment by section."""

from dataclasses import dataclass
from datetime import timedelta

from notify.domain.appointments import Place
from notify.domain.letters import Letter
from notify.providers.email import times
from notify.providers.email.plain import lines, one_line, tel_url, web_url


@dataclass(frozen=True, slots=True)
class Line:
    """One line; with a `url` it leads there."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines under a label."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """The one thing the reader is most likely to do: a button."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Content:
    """A letter in words; the templates only lay it out."""

    subject: str
    greeting: str
    intro: str
    action: Action | None
    sections: tuple[Section, ...]
    footer: str


def content(letter: Letter) -> Content:
    """The letter in words."""
    words = _Words(letter)
    over = letter.notification.kind == "cancellation"
    sections = words.facts() if over else [*words.facts(), *words.place(), *words.people()]
    join = None if over else web_url(letter.join_url)
    return Content(
        subject=words.subject(),
        greeting=f"Hello {words.reader},",
        intro=words.intro(),
        action=Action("Join the call", join) if join and letter.appointment.by_video else None,
        sections=tuple(section for section in sections if section.lines),
        footer=f"Booking {one_line(letter.briefing.number)}",
    )


class _Words:
    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.kind = letter.notification.kind
        self.role = letter.notification.recipient.role
        self.terms = letter.appointment.terms
        self.host = one_line(letter.host.name, 100)
        self.attendee = one_line(letter.attendee_name, 100)
        self.reader = one_line(letter.to.name, 100)
        self.title = one_line(self.terms.title, 100)
        self.other = self.attendee if letter.for_host else self.host
        self.zone = letter.host.time_zone if letter.for_host else letter.appointment.time_zone

    def subject(self) -> str:
        opening = {
            "confirmation": {"attendee": "Confirmed", "guest": "Invitation", "host": "New booking"}[
                self.role
            ],
            "update": "Updated",
            "cancellation": "Cancelled",
            "reminder": "Reminder",
        }[self.kind]
        when = times.short(self.terms.starts_at, self.zone)
        return f"{opening}: {self.title} with {self.other}, {when}"

    def intro(self) -> str:
        if self.kind == "cancellation":
            return f"{self._whose()} has been cancelled. There is nothing more for you to do."
        if self.kind == "update":
            return "The link to join the call is ready. You find it below."
        if self.kind == "reminder":
            return f"{self._whose()} is coming up."
        if self.role == "host":
            return f"{self.attendee} has booked an appointment with you."
        if self.role == "guest":
            return f"{self.attendee} has invited you to an appointment with {self.host}."
        return f"Your appointment with {self.host} is confirmed."

    def facts(self) -> list[Section]:
        terms, appointment = self.terms, self.letter.appointment
        when = [Line(times.period(terms.starts_at, terms.ends_at, self.zone))]
        host_zone = self.letter.host.time_zone
        theirs = appointment.time_zone if self.letter.for_host else host_zone
        if theirs != self.zone:
            there = times.period(terms.starts_at, terms.ends_at, theirs)
            when.append(Line(f"For {self.other}: {there}"))
        return [
            Section("What", (Line(f"{self.title} with {self.other}"),)),
            Section("When", tuple(when)),
        ]

    def place(self) -> list[Section]:
        place = self.terms.place
        by_kind = {"video": self._call, "in_person": self._address, "phone": self._phone}
        return [Section("Where", tuple(by_kind[place.kind](place)))]

    def people(self) -> list[Section]:
        if self.role == "host":
            return self._for_host()
        documents = Section("To read", tuple(self._documents()))
        return [documents, Section("Plans changed?", tuple(self._manage()))]

    def _whose(self) -> str:
        if self.role == "attendee":
            return f"Your appointment with {self.host}"
        if self.role == "host":
            return f"Your appointment with {self.attendee}"
        return f"The appointment of {self.attendee} with {self.host}"

    def _call(self, _: Place) -> list[Line]:
        if url := web_url(self.letter.join_url):
            return [Line("Video call, in your browser", url)]
        if self.letter.appointment.meeting != "failed":
            return [Line("Video call. The link to join follows in another e-mail.")]
        if self.letter.for_host:
            return [
                Line(f"No video room could be set up. Please tell {self.attendee} how to meet.")
            ]
        return [Line(f"No video room could be set up. {self.host} will tell you how to meet.")]

    def _address(self, place: Place) -> list[Line]:
        found = [Line(text) for text in lines(place.address or "")]
        if url := web_url(place.directions_url):
            found.append(Line("Directions", url))
        if place.parking_note:
            found += [Line(f"Parking: {one_line(place.parking_note, 500)}")]
        return found

    def _phone(self, place: Place) -> list[Line]:
        number = one_line(place.phone_number or "", 40)
        if place.caller == "attendee" or (place.caller is None and number):
            return self._attendee_calls(number)
        found = [self._host_calls()]
        if number and not self.letter.for_host:
            found.append(Line(f"{self.host} can be reached on {number}", tel_url(number)))
        return found

    def _attendee_calls(self, number: str) -> list[Line]:
        called = f"{self.host} on {number}" if number else self.host
        if self.letter.for_host:
            return [Line(f"Phone. {self.attendee} calls you{f' on {number}' if number else ''}.")]
        caller = f"{self.attendee} calls" if self.role == "guest" else "Please call"
        return [Line(f"Phone. {caller} {called}", tel_url(number))]

    def _host_calls(self) -> Line:
        attendee = self.letter.briefing.attendee
        number = one_line(attendee.phone, 40) if attendee and attendee.phone else ""
        if self.letter.for_host:
            called = f"{self.attendee} on {number}" if number else self.attendee
            return Line(f"Phone. Please call {called}", tel_url(number))
        if self.role == "guest":
            return Line(f"Phone. {self.host} calls {self.attendee}.")
        return Line(f"Phone. {self.host} calls you{f' on {number}' if number else ''}.")

    def _manage(self) -> list[Line]:
        """The attendee's own: whoever has this link may cancel."""
        url = web_url(self.letter.briefing.manage_url)
        if self.role != "attendee" or url is None:
            return []
        latest = self.terms.starts_at - timedelta(minutes=self.terms.notice_minutes)
        if latest <= self.letter.at:
            return [Line("See your booking", url), Line("It is too late to cancel it online.")]
        until = times.point(latest, self.zone)
        return [Line("See or cancel your booking", url), Line(f"You can cancel until {until}.")]

    def _documents(self) -> list[Line]:
        found = [(one_line(d.title), web_url(d.url)) for d in self.letter.briefing.documents[:20]]
        return [Line(title or "Document", url) for title, url in found if url]

    def _for_host(self) -> list[Section]:
        briefing = self.letter.briefing
        who: list[Line] = []
        if person := briefing.attendee:
            who = [Line(self.attendee), Line(one_line(person.email))]
            if person.phone:
                who.append(Line(one_line(person.phone, 40), tel_url(person.phone)))
        guests = [Line(f"{one_line(g.name)}, {one_line(g.email)}") for g in briefing.guests[:50]]
        answers = [
            Line(f"{one_line(question)}: {' / '.join(lines(answer))}")
            for question, answer in briefing.answers[:50]
        ]
        return [
            Section("Attendee", tuple(who)),
            Section("Guests", tuple(guests)),
            Section("Answers", tuple(answers)),
            Section("Notes", tuple(Line(text) for text in lines(briefing.notes or ""))),
            Section("Documents", tuple(self._documents())),
        ]
