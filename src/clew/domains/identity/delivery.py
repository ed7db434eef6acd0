"""Bringing links to people: by mail, or by showing them to whoever made them.

Mail is sent outside of any transaction: a slow mail server holds no row.
"""

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final, Protocol

from clew.domains.identity.one_time_tokens import EMAIL_VERIFICATION, INVITATION, PASSWORD_RESET, Link
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

TIMEOUT_SECONDS: Final = 20
_SUBJECTS: Final = {
    EMAIL_VERIFICATION: "Confirm your e-mail address",
    PASSWORD_RESET: "Choose a new password",
    INVITATION: "You are invited to Clew",
}
_TEXTS: Final = {
    EMAIL_VERIFICATION: "Open this address to confirm that this mailbox is yours:",
    PASSWORD_RESET: "Open this address to choose a new password. If you did not ask for it, ignore this mail:",
    INVITATION: "Open this address to join:",
}


class Delivery(Protocol):
    """Brings a link to the person it is for."""

    def __call__(self, link: Link) -> None:
        """Raises ConfigurationError if it cannot be brought."""
        ...


def delivery_of(settings: Settings, show: Callable[[str], None]) -> Delivery:
    """By mail if the settings name a mail server; else `show` is given the address."""
    if settings.smtp_host is None:
        return lambda link: show(link.address(settings.public_url))
    return lambda link: send_by_mail(settings, link)


def send_by_mail(settings: Settings, link: Link) -> None:
    """Send a link over an encrypted connection to a mail server whose certificate is checked.

    Raises ConfigurationError that names the server and what went wrong, never the link.
    """
    host = settings.smtp_host or ""
    try:
        with _connected(settings, host) as server:
            if settings.smtp_username is not None:
                password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
                server.login(settings.smtp_username, password)
            server.send_message(message_for(settings, link))
    except (OSError, smtplib.SMTPException) as error:
        raise ConfigurationError(
            f"the mail could not be sent: {type(error).__name__}",
            where=f"mail server {host}:{settings.smtp_port}",
            remedy="check CLEW_SMTP_*; the link can be made again",
        ) from error


def message_for(settings: Settings, link: Link) -> EmailMessage:
    """The mail. Headers are set by the library, which refuses line breaks in them."""
    message = EmailMessage()
    message["Subject"] = _SUBJECTS[link.purpose]
    message["From"] = settings.smtp_from
    message["To"] = link.email
    message["Auto-Submitted"] = "auto-generated"
    until = f"{link.expires_at:%Y-%m-%d %H:%M} UTC"
    address = link.address(settings.public_url)
    message.set_content(f"{_TEXTS[link.purpose]}\n\n{address}\n\nIt works once, until {until}.\n", cte="8bit")
    return message


def _connected(settings: Settings, host: str) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=settings.smtp_ca_file)
    # Said in place of this machine's name, which would be looked up and is nobody's business.
    name = settings.smtp_from.rpartition("@")[2]
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, settings.smtp_port, name, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, settings.smtp_port, name, timeout=TIMEOUT_SECONDS)
    try:
        server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server
