"""The SMTP server over TLS, and what its errors mean."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from notify.domain.notifications import DeliveryError
from notify.providers.email.smtp import Protection, failure

from .world import MailServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), "127.0.0.1"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), False)  # noqa: FBT003 - the library's way
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)  # noqa: FBT003 - the library's way
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def sign_in(_: Any, __: Any, ___: Any, ____: Any, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"notify", b"secret"), handled=False)


@pytest.fixture(params=["starttls", "tls"])
async def protected(
    request: pytest.FixtureRequest, certificate: Path
) -> AsyncIterator[tuple[MailServer, Protection]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = MailServer()
    # Where TLS comes first, aiosmtpd does not see it.
    await server.start(context, request.param, authenticator=sign_in, auth_require_tls=False)
    yield server, request.param
    await server.stop()


def a_message() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Hello"
    message["From"], message["To"] = "mail@book.example", "sarah@client.example"
    return message


Protected = tuple[MailServer, Protection]


async def send(protected: Protected, **settings: Any) -> None:
    mail, protection = protected
    server = mail.server(protection=protection, **settings)
    await server.send(a_message(), "mail@book.example", "sarah@client.example")
    await server.rest()


async def test_mail_goes_over_tls_and_after_signing_in(
    protected: Protected, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    await send(protected, username="notify", password="secret")

    assert [m["subject"] for m in protected[0].inbox] == ["Hello"]


async def test_a_wrong_password_is_for_the_operator_to_mend(
    protected: Protected, certificate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(DeliveryError) as failed:
        await send(protected, username="notify", password="wrong")

    assert (failed.value.reason, failed.value.permanent) == ("smtp_535 5.7.8", False)


async def test_a_server_that_nobody_vouches_for_gets_no_mail(protected: Protected):
    with pytest.raises(DeliveryError) as failed:
        await send(protected)

    assert not failed.value.permanent
    assert protected[0].inbox == []


async def test_no_mail_goes_unprotected_where_protection_is_asked_for(mail: MailServer):
    with pytest.raises(DeliveryError) as failed:
        await send((mail, "starttls"))

    assert (failed.value.reason, failed.value.permanent) == ("smtp_not_supported", False)
    assert mail.inbox == []


@pytest.mark.parametrize(
    ("error", "reason", "permanent"),
    [
        (aiosmtplib.SMTPDataError(554, "5.7.1 Spam"), "smtp_554 5.7.1", True),
        (aiosmtplib.SMTPDataError(451, "4.3.0 Sarah is away"), "smtp_451 4.3.0", False),
        (aiosmtplib.SMTPSenderRefused(550, "no", "mail@book.example"), "smtp_550", True),
        (aiosmtplib.SMTPSenderRefused(530, "5.7.0 sign in", "m@x"), "smtp_530 5.7.0", False),
        (aiosmtplib.SMTPConnectTimeoutError("late"), "smtp_timeout", False),
        (aiosmtplib.SMTPServerDisconnected("gone"), "smtp_disconnected", False),
        (aiosmtplib.SMTPConnectError("refused"), "smtp_unreachable", False),
        (aiosmtplib.SMTPNotSupported("SMTPUTF8"), "smtp_not_supported", True),
        (aiosmtplib.SMTPException("no way to sign in"), "smtp_not_supported", False),
        (ValueError("an address"), "address_invalid", True),
        (ConnectionResetError(), "smtp_unreachable", False),
        (TimeoutError(), "smtp_timeout", False),
    ],
)
def test_errors_become_codes(error: Exception, reason: str, permanent: bool):
    found = failure(error)

    assert (found.reason, found.permanent) == (reason, permanent)


async def test_an_error_carries_no_address(mail: MailServer):
    mail.refusals["sarah@client.example"] = "550 5.1.1 <sarah@client.example> unknown"

    with pytest.raises(DeliveryError) as failed:
        await send((mail, "none"))

    assert str(failed.value) == "smtp_550 5.1.1"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
