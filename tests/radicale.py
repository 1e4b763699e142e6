"""A real CalDAV server (Radicale) as a process of its own, that a test may stop and start."""

import subprocess
import sys
import time
from pathlib import Path
from socket import create_connection, socket
from uuid import uuid4

import httpx
from icalendar import Calendar

USERNAME, PASSWORD = "anna", "a secret with ümlauts"

_CONFIG = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
[logging]
level = error
"""


class Radicale:
    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._config = folder / "config"
        self._config.write_text(_CONFIG.format(port=self.port, folder=folder))
        (folder / "users").write_text(f"{USERNAME}:{PASSWORD}\n")
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "radicale", "--config", str(self._config)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(self._log.read_text())
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def calendar(self, components: str = "VEVENT") -> "RemoteCalendar":
        """A new, empty calendar on this server."""
        made = RemoteCalendar(f"{self.url}/{USERNAME}/{uuid4()}/")
        made.make(components)
        return made

    def _answers(self) -> bool:
        try:
            create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class RemoteCalendar:
    """A calendar as anybody else who may read it sees it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def make(self, components: str) -> None:
        body = f"""<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<C:supported-calendar-component-set><C:comp name="{components}"/>
</C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"""
        assert self._ask("MKCALENDAR", "", body).status_code == 201

    def names(self) -> list[str]:
        """The names of the objects in it."""
        answer = self._ask("PROPFIND", "", "", {"Depth": "1"})
        assert answer.status_code == 207
        return sorted(part.split("<")[0] for part in answer.text.split(self._path)[1:])[1:]

    def read(self, name: str) -> Calendar:
        answer = self._ask("GET", name, "")
        assert answer.status_code == 200
        return Calendar.from_ical(answer.text)

    def etag(self, name: str) -> str:
        return self._ask("GET", name, "").headers["ETag"]

    @property
    def _path(self) -> str:
        return "/" + self.url.split("/", 3)[3]

    def _ask(
        self, method: str, name: str, body: str, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return httpx.request(
            method,
            self.url + name,
            content=body.encode(),
            headers=headers,
            auth=(USERNAME.encode(), PASSWORD.encode()),
        )


def _free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
