"""Passwords of the embedded server's logins: random, one private file each, made when first asked for."""

import secrets
from pathlib import Path

from clew.kernel.directories import write_privately
from clew.kernel.embedded.layout import Layout
from clew.kernel.errors import ConfigurationError


def password_file(layout: Layout, role: str) -> Path:
    """Where the password of a login is kept."""
    return layout.secrets / f"postgres-{role}"


def password_of(layout: Layout, role: str) -> str:
    """The password of a login of the embedded server. Raises ConfigurationError if it was never made or is lost."""
    path = password_file(layout, role)
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigurationError(
            f"the password of database login {role} cannot be read: {error.strerror}",
            where=str(path),
            remedy="restart the embedded server (`clew db stop`, then any command): it renews lost passwords",
        ) from error


def ensure_password(layout: Layout, role: str) -> str:
    """The password of a login, made now if there is none."""
    path = password_file(layout, role)
    if not path.is_file():
        write_privately(path, secrets.token_urlsafe(32).encode("ascii"), layout.owner)
    return password_of(layout, role)
