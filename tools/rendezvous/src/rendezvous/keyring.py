"""The passwords and keys of one local system: made once, kept for its owner alone."""

import json
import secrets
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway import keys
from rendezvous.errors import StartError
from rendezvous.home import Home, write_atomically
from rendezvous.services import SERVICES


class Keyring(BaseModel):
    """Everything secret that `up` hands to the processes."""

    model_config = ConfigDict(frozen=True)

    postgres_password: str
    nats_password: str
    role_passwords: dict[str, str]
    link_keys: str
    """Signs manage links: `<key id>:<secret>`, comma separated, newest first."""
    secret_key: str
    """Encrypts calendar credentials at rest (Fernet)."""
    demo_key: str
    """The demo tenant's API key."""


def open_keyring(home: Home) -> Keyring:
    """The home's keyring, made if there is none.

    Raises StartError if it cannot be read, or is missing beside data that need it.
    """
    if not home.secrets.exists():
        if home.postgres.exists():
            raise StartError(
                f"{home.secrets} is missing, and without it {home.postgres} cannot be opened: "
                "put it back, or move that directory away to begin anew."
            )
        keyring = _new()
    else:
        keyring = _complete(_read(home.secrets))
    write_atomically(home.secrets, keyring.model_dump_json(indent=2))
    return keyring


def read_keyring(home: Home) -> Keyring | None:
    """The home's keyring, if it has one. Raises StartError if it cannot be read."""
    return _read(home.secrets) if home.secrets.exists() else None


def _new() -> Keyring:
    return Keyring(
        postgres_password=secrets.token_urlsafe(24),
        nats_password=secrets.token_urlsafe(24),
        role_passwords=_role_passwords(),
        link_keys=f"k1:{secrets.token_urlsafe(32)}",
        secret_key=Fernet.generate_key().decode(),
        demo_key=keys.new_key(),
    )


def _complete(keyring: Keyring) -> Keyring:
    """A service that came later gets its password."""
    passwords = {**_role_passwords(), **keyring.role_passwords}
    return keyring.model_copy(update={"role_passwords": passwords})


def _role_passwords() -> dict[str, str]:
    return {service.package: secrets.token_urlsafe(24) for service in SERVICES}


def _read(file: Path) -> Keyring:
    try:
        return Keyring.model_validate(json.loads(file.read_text()))
    except (OSError, ValueError, ValidationError) as error:
        raise StartError(f"{file} cannot be read: put back a copy that can.") from error
