"""The one error tree of the product.

Every error says what was wrong, where, and what to do. `exit_code` is what the command line returns, `code` is
stable and meant for programs. Transient errors may be retried with the same input; terminal ones are kept with it.
"""

from typing import ClassVar


class ClewError(Exception):
    """Base of every error the product raises on purpose.

    `where` names the file, line, setting or object; `remedy` says what the reader can do about it.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.message}{advice}"


class ConfigurationError(ClewError):
    """A setting, file permission or installation is not as it must be."""

    code = "configuration"
    exit_code = 3


class InputError(ClewError):
    """What the caller gave cannot be read or understood."""

    code = "input"
    exit_code = 4


class TooLargeError(InputError):
    """What is sent is larger than is taken."""

    code = "too_large"


class NotFoundError(ClewError):
    """Nothing in the record answers to what was asked for."""

    code = "not_found"
    exit_code = 5


class ConflictError(ClewError):
    """The change contradicts what is already there."""

    code = "conflict"
    exit_code = 6


class DatabaseUnavailableError(ClewError):
    """The database cannot be reached, was stopped, or is full; nothing half-done was kept."""

    code = "database_unavailable"
    exit_code = 7
    transient = True


class SchemaVersionError(ClewError):
    """The database holds a schema, or a server version, this program does not work with."""

    code = "schema_version"
    exit_code = 8


class AuthenticationError(ClewError):
    """Who is calling could not be established. It is not said why, so that nobody learns which names exist."""

    code = "authentication"
    exit_code = 10


class ForbiddenError(ClewError):
    """Who is calling is known, and may not do this."""

    code = "forbidden"
    exit_code = 11


class LimitError(ClewError):
    """A limit is reached: too many attempts or requests, or a quota used up. `retry_after` is in whole seconds."""

    code = "limit"
    exit_code = 12
    transient = True

    def __init__(self, message: str, *, retry_after: int, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.retry_after = retry_after
