"""Problems that a server answers with (RFC 9457) as errors of the product's one tree, and what else goes wrong."""

from typing import Final, cast

import msgspec

from clew.kernel.errors import (
    AuthenticationError,
    ClewError,
    ConfigurationError,
    ConflictError,
    DatabaseUnavailableError,
    ForbiddenError,
    InputError,
    LimitError,
    NotFoundError,
    SchemaVersionError,
)

_BY_CODE: Final[dict[str, type[ClewError]]] = {
    kind.code: kind
    for kind in (
        AuthenticationError,
        ConfigurationError,
        ConflictError,
        DatabaseUnavailableError,
        ForbiddenError,
        InputError,
        LimitError,
        NotFoundError,
        SchemaVersionError,
    )
}
_BY_STATUS: Final[dict[int, type[ClewError]]] = {
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    429: LimitError,
    503: DatabaseUnavailableError,
}
_FAULTS_SHOWN: Final = 5
_RETRY_SECONDS: Final = 1


class ServerUnreachableError(ClewError):
    """The server did not answer: not there, cut off on the way, too slow, or with a certificate nobody vouches for."""

    code = "server_unreachable"
    exit_code = 14
    transient = True


class UnknownAnswerError(ClewError):
    """What answered is not Clew, or a release of it that this client does not understand."""

    code = "unknown_answer"
    exit_code = 15


class Fault(msgspec.Struct, frozen=True):
    """One value of a request that is not as it must be."""

    place: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says that went wrong. `code` is stable; `request_id` names the request in the server's log."""

    status: int
    detail: str
    code: str
    title: str = ""
    type: str = "about:blank"
    instance: str | None = None
    where: str | None = None
    remedy: str | None = None
    request_id: str | None = None
    errors: list[Fault] | None = None


class ProblemAnswer(Exception):  # noqa: N818  the cause of an error, not an error of its own
    """The cause of every error that a server answered with: its whole problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.code}, request {problem.request_id}")
        self.problem = problem


def problem_of(error: BaseException) -> Problem | None:
    """The problem that an error was made of; None if no server answered with it."""
    return error.__cause__.problem if isinstance(error.__cause__, ProblemAnswer) else None


def error_of(problem: Problem, *, retry_after: int | None) -> ClewError:
    """The error that a problem means: a subclass of ClewError by its code, or by its status if the code is its own.

    The class carries the problem's own code, so that `error.code` is what the server said.
    """
    base = _BY_CODE.get(problem.code) or _BY_STATUS.get(problem.status)
    if base is None:
        base = InputError if 400 <= problem.status < 500 else ClewError
    kind = base if base.code == problem.code else _subclass(base, problem.code)
    where, remedy = problem.where or _places(problem), problem.remedy
    if issubclass(kind, LimitError):
        seconds = _RETRY_SECONDS if retry_after is None else retry_after
        error: ClewError = kind(_message(problem), retry_after=seconds, where=where, remedy=remedy)
    else:
        error = kind(_message(problem), where=where, remedy=remedy)
    error.__cause__ = ProblemAnswer(problem)
    return error


def _subclass(base: type[ClewError], code: str) -> type[ClewError]:
    names = {"code": code, "__module__": __name__, "__doc__": base.__doc__}
    return cast("type[ClewError]", type(base.__name__, (base,), names))


def _message(problem: Problem) -> str:
    faults = "; ".join(each.message for each in (problem.errors or ())[:_FAULTS_SHOWN])
    return f"{problem.detail}: {faults}" if faults else problem.detail


def _places(problem: Problem) -> str | None:
    return ", ".join(each.place for each in (problem.errors or ())[:_FAULTS_SHOWN]) or None
