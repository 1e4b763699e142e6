import os
import subprocess
import sys

_TALK = """
import sys
from rendezvous.terminal import Terminal
terminal = Terminal()
for _ in range(20_000):
    terminal.say("\\N{CHECK MARK} a line that somebody may read")
terminal.table("Title", [("Slots", "http://127.0.0.1:8000/" + "x" * 120)])
sys.exit(7)
"""


def test_a_reader_who_goes_away_ends_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TALK], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as talker:
        assert talker.stdout is not None
        assert talker.stderr is not None
        assert talker.stdout.readline().strip()
        talker.stdout.close()

        assert talker.wait(30) == 7
        assert talker.stderr.read() == b""


def test_a_file_gets_whole_urls_whatever_its_encoding() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TALK],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 7, done.stderr
    assert b"? a line that somebody may read" in done.stdout
    assert b"http://127.0.0.1:8000/" + b"x" * 120 in done.stdout
