"""Signed tokens: opaque to whoever carries them, checked with a key that never leaves us.

A token is `<key id>.<payload>.<HMAC-SHA-256>`, base64url. `purpose` goes into the signature, so
that a token made for one use is no token for another.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

LEAST_SECRET_BYTES = 16


class InvalidTokenError(Exception):
    """A token that was not signed by us, or not for this purpose."""


class Signer:
    """Signs with the first key, accepts any of them, so that keys can be changed in peace."""

    def __init__(self, keys: str) -> None:
        """Takes `id:secret` pairs, comma separated; raises `ValueError` on a short secret."""
        pairs = [pair.partition(":") for pair in keys.split(",") if pair]
        self._keys = {key_id: secret.encode() for key_id, _, secret in pairs}
        if not self._keys or any(len(s) < LEAST_SECRET_BYTES for s in self._keys.values()):
            raise ValueError(
                f"link keys must be id:secret, at least {LEAST_SECRET_BYTES} bytes each"
            )
        self._first = next(iter(self._keys))

    def sign(self, payload: bytes, purpose: str) -> str:
        """A token that carries `payload` (readable by anybody, changeable by nobody)."""
        mac = self._mac(self._first, payload, purpose)
        return f"{self._first}.{_encode(payload)}.{_encode(mac)}"

    def open(self, token: str, purpose: str) -> bytes:
        """The payload of a token that we signed; raises `InvalidTokenError` otherwise."""
        try:
            key_id, body, mac = token.split(".")
            payload, claimed = _decode(body), _decode(mac)
            expected = self._mac(key_id, payload, purpose)
        except (ValueError, KeyError) as error:
            raise InvalidTokenError("not a token of ours") from error
        if not hmac.compare_digest(claimed, expected):
            raise InvalidTokenError("not signed by us")
        return payload

    def _mac(self, key_id: str, payload: bytes, purpose: str) -> bytes:
        text = b"\x00".join((purpose.encode(), key_id.encode(), payload))
        return hmac.new(self._keys[key_id], text, sha256).digest()


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
