import json
import os
import stat
from pathlib import Path

import pytest

from rendezvous.errors import StartError
from rendezvous.home import Home
from rendezvous.keyring import open_keyring
from rendezvous.settings import read_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "var")
    home.prepare()
    return home


def test_secrets_are_made_once_and_for_their_owner_alone(home: Home) -> None:
    first, second = open_keyring(home), open_keyring(home)

    assert first == second
    assert first.demo_key.startswith("rdv_")
    assert len({first.postgres_password, *first.role_passwords.values()}) == 7
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o600


def test_a_service_that_came_later_gets_a_password_and_the_others_keep_theirs(home: Home) -> None:
    before = open_keyring(home)
    known = json.loads(home.secrets.read_text())
    del known["role_passwords"]["video"]
    home.secrets.write_text(json.dumps(known))

    after = open_keyring(home)

    assert after.role_passwords.keys() == before.role_passwords.keys()
    assert after.role_passwords["booking"] == before.role_passwords["booking"]


def test_data_without_their_secrets_are_not_taken_for_a_first_start(home: Home) -> None:
    home.postgres.mkdir()

    with pytest.raises(StartError, match=r"secrets\.json is missing"):
        open_keyring(home)


def test_damaged_secrets_are_said_to_be(home: Home) -> None:
    home.secrets.write_text("{")

    with pytest.raises(StartError, match=r"secrets\.json cannot be read"):
        open_keyring(home)


def test_one_home_is_held_by_one_process(home: Home) -> None:
    with home.locked():
        assert home.is_locked()
        with (
            pytest.raises(StartError, match=f"runs already on .* \\(process {os.getpid()}\\)"),
            home.locked(),
        ):
            pass

    assert not home.is_locked()


def test_a_home_that_cannot_be_made_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StartError, match="set RENDEZVOUS_HOME to a directory of yours"):
        Home(tmp_path / "file" / "var").prepare()


@pytest.mark.parametrize("port", ["abc", "0", "70000", "8000.5"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(StartError, match=f"^RENDEZVOUS_PORT={port} is not valid"):
        read_settings({"RENDEZVOUS_PORT": port})


def test_settings_that_are_empty_are_not_set() -> None:
    settings = read_settings({"RENDEZVOUS_PORT": "", "DATABASE_URL": ""})

    assert settings.port == 8000
    assert settings.database_url is None
    assert settings.home == Path("var")
