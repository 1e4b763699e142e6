"""Passwords as they lie in the database: sealed with a key that follows from SECRET_KEY."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealBrokenError(Exception):
    """A password was sealed with a key that is not among the present ones."""


class Vault:
    """Seals and opens passwords.

    `secret_keys` are the values of SECRET_KEY, newest first: the first seals, all of them open.
    """

    def __init__(self, secret_keys: list[str]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in secret_keys])

    def seal(self, password: str) -> bytes:
        """The password as it may be stored."""
        return self._fernet.encrypt(password.encode())

    def open(self, sealed: bytes) -> str:
        """The password again. Raises `SealBrokenError` where no key fits."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SealBrokenError from error


def _fernet(secret_key: str) -> Fernet:
    # Derived, since SECRET_KEY is of any form and other services derive theirs from it too.
    derived = HKDF(SHA256(), length=32, salt=None, info=b"calendar-sync passwords")
    return Fernet(urlsafe_b64encode(derived.derive(secret_key.encode())))
