"""Links reach a mailbox over an encrypted connection to a server that is who it says, or are printed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clew.domains.identity.delivery import delivery_of, message_for
from clew.domains.identity.one_time_tokens import EMAIL_VERIFICATION, INVITATION, PASSWORD_RESET, Link
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from tests.support.mail import Mailbox, mail_server

pytestmark = pytest.mark.same_everywhere

LINK = Link(PASSWORD_RESET, "keeper@lantern.example", "clew_link_secret", datetime(2025, 3, 9, 12, 30, tzinfo=UTC))


def settings(mailbox: Mailbox, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": mailbox.port,
        "smtp_ca_file": mailbox.certificate,
        "smtp_from": "clew@lantern.example",
        "public_url": "https://clew.lantern.example/app",
    }
    return Settings(**(values | more))


def unwanted(text: str) -> None:
    pytest.fail("a link was shown although there is a mail server")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_link_is_mailed(tmp_path: Path, security: str) -> None:
    with mail_server(tmp_path, starttls=security == "starttls") as mailbox:
        delivery_of(settings(mailbox, smtp_security=security), unwanted)(LINK)
    (message,) = mailbox.messages
    assert (message["To"], message["From"]) == ("keeper@lantern.example", "clew@lantern.example")
    text = message.get_content()
    assert "https://clew.lantern.example/app/password-reset#clew_link_secret" in text
    assert "2025-03-09 12:30 UTC" in text
    assert mailbox.logins == []


def test_a_login_is_only_sent_encrypted(tmp_path: Path) -> None:
    with mail_server(tmp_path) as mailbox:
        named = settings(mailbox, smtp_username="clew", smtp_password="hush")
        delivery_of(named, unwanted)(LINK)
        assert mailbox.logins == [("clew", "hush")]
        mailbox.login = ("clew", "another")
        with pytest.raises(ConfigurationError, match="AuthenticationError") as caught:
            delivery_of(named, unwanted)(LINK)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(named)


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    for security in ("starttls", "tls"):
        with mail_server(tmp_path, starttls=security == "starttls") as mailbox:
            with pytest.raises(ConfigurationError, match="SSLCertVerificationError") as caught:
                delivery_of(settings(mailbox, smtp_security=security, smtp_ca_file=None), unwanted)(LINK)
            with pytest.raises(ConfigurationError):  # another name than the certificate's
                delivery_of(settings(mailbox, smtp_security=security, smtp_host="localhost"), unwanted)(LINK)
        assert mailbox.messages == []
        assert "clew_link" not in str(caught.value)


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with mail_server(tmp_path) as mailbox:
        pass
    with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{mailbox.port}"):
        delivery_of(settings(mailbox), unwanted)(LINK)


def test_without_a_mail_server_the_link_is_shown() -> None:
    shown: list[str] = []
    delivery_of(Settings(public_url="https://clew.example"), shown.append)(LINK)
    assert shown == ["https://clew.example/password-reset#clew_link_secret"]


@pytest.mark.parametrize("purpose", [EMAIL_VERIFICATION, PASSWORD_RESET, INVITATION])
def test_every_purpose_has_its_mail_and_no_address_adds_a_header(purpose: str) -> None:
    message = message_for(Settings(), Link(purpose, "a@b.example", "clew_link_x", datetime.now(UTC)))
    assert message["Subject"]
    with pytest.raises(ValueError, match=r"(?i)header|line"):
        message_for(Settings(), Link(purpose, "a@b.example\r\nBcc: c@d.example", "x", datetime.now(UTC)))
