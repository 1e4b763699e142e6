from pathlib import Path

import pytest

from rendezvous.logs import LogWatch, shorten


@pytest.fixture
def log(tmp_path: Path) -> Path:
    log = tmp_path / "booking.log"
    log.write_text('{"level": "error", "event": "of an earlier run"}\n')
    return log


def _add(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_only_what_is_new_and_serious_is_told(log: Path) -> None:
    watch = LogWatch(log)

    _add(log, '{"level": "info", "event": "ready"}\n{"level": "error", "event": "lost"}\n')
    _add(log, "[7] 2026/11/21 [ERR] JetStream out of space\nERROR:  duplicate key\nnot JSON {\n")

    assert watch.problems() == ["lost", "[7] 2026/11/21 [ERR] JetStream out of space"]
    assert watch.problems() == []


def test_a_line_that_is_still_being_written_is_told_once_it_is_whole(log: Path) -> None:
    watch = LogWatch(log)

    _add(log, '{"level": "error", ')
    assert watch.problems() == []
    _add(log, '"event": "lost"}\n')

    assert watch.problems() == ["lost"]


def test_a_log_that_is_too_long_is_moved_aside_while_its_process_writes_on(log: Path) -> None:
    watch = LogWatch(log)
    with log.open("a") as process:
        process.write("x" * 5000 + "\n")
        process.flush()
        assert watch.problems() == []

        shorten(log, largest=4000)
        process.write('{"level": "critical", "event": "after"}\n')

    assert log.read_text() == '{"level": "critical", "event": "after"}\n'
    assert log.with_name("booking.log.1").stat().st_size > 5000
    assert watch.problems() == ["after"]


def test_a_log_that_is_short_is_left_as_it_is(log: Path) -> None:
    shorten(log, largest=4000)

    assert "earlier run" in log.read_text()
    assert not log.with_name("booking.log.1").exists()
