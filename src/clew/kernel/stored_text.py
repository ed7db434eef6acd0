"""Making text from outside such that PostgreSQL takes it as a value."""

import ipaddress


def storable(text: str, longest: int) -> str:
    """At most so many characters of it, without NUL, and with ? for halves of surrogate pairs."""
    return text[:longest].replace("\x00", "").encode("utf-8", "replace").decode()


def storable_address(text: str | None) -> str | None:
    """The IP address in its usual form, without a zone; None for what is none."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0])) if text else None
    except ValueError:
        return None
