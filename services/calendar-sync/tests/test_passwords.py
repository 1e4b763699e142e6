"""Passwords at rest."""

import pytest
from pydantic import ValidationError

from calendar_sync.settings import CalendarSyncSettings
from calendar_sync.store.passwords import SealBrokenError, Vault

OLD, NEW = "the old key which is long enough", "the new key which is long enough"


def settings(secret_key: str) -> CalendarSyncSettings:
    return CalendarSyncSettings.model_validate(
        {"database_url": "postgresql://nowhere", "secret_key": secret_key}
    )


def test_a_sealed_password_opens_again_and_shows_nothing():
    sealed = Vault([NEW]).seal("correct horse")

    assert b"horse" not in sealed
    assert Vault([NEW]).open(sealed) == "correct horse"


def test_two_seals_of_one_password_differ():
    assert Vault([NEW]).seal("x") != Vault([NEW]).seal("x")


def test_after_a_rotation_old_seals_open_and_new_ones_take_the_new_key():
    vault = Vault([NEW, OLD])

    assert vault.open(Vault([OLD]).seal("x")) == "x"
    assert Vault([NEW]).open(vault.seal("x")) == "x"


def test_without_its_key_a_seal_stays_closed():
    with pytest.raises(SealBrokenError):
        Vault([NEW]).open(Vault([OLD]).seal("x"))


def test_settings_take_keys_by_comma_newest_first():
    assert settings(f"{NEW} , {OLD}").secret_keys() == [NEW, OLD]


@pytest.mark.parametrize("weak", ["", "changeme", f"{NEW},short"])
def test_a_weak_key_is_refused_and_not_shown(weak: str):
    with pytest.raises(ValidationError) as error:
        settings(weak)

    assert not weak or weak not in str(error.value)
