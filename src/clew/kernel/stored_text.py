"""Making text from outside such that PostgreSQL takes it as a value."""


def storable(text: str, longest: int) -> str:
    """At most so many characters of it, without NUL, and with ? for halves of surrogate pairs."""
    return text[:longest].replace("\x00", "").encode("utf-8", "replace").decode()
