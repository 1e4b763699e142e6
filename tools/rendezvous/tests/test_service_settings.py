import pytest

from rendezvous import service_settings
from rendezvous.errors import StartError
from rendezvous.services import SERVICES, Service

GIVEN = {"DATABASE_URL": "postgresql://x@y/z", "LINK_KEYS": "k1:" + "s" * 43}
FERNET = "bWFkZSB1cCBmb3IgYSB0ZXN0LCAzMiBieXRlcyBsb24="


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_settings_that_up_gives_are_taken(service: Service) -> None:
    service_settings.check(service, {**GIVEN, "SECRET_KEY": FERNET, "HEALTH_PORT": "20123"})


def test_one_that_a_service_refuses_is_named_without_its_value() -> None:
    with pytest.raises(StartError) as refusal:
        service_settings.check(Service("notify"), {**GIVEN, "SMTP_PORT": "hunter2"})

    assert str(refusal.value).startswith("SMTP_PORT is not valid for notify: Input should be")
    assert "hunter2" not in str(refusal.value)


def test_one_that_is_missing_is_named() -> None:
    with pytest.raises(StartError, match="DATABASE_URL is not valid for video: Field required"):
        service_settings.check(Service("video"), {})
