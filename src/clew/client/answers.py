"""Answers of a server as what they mean."""

from typing import Final, TypeVar

import httpx2
import msgspec

from clew.client.errors import Problem, UnknownAnswerError, error_of
from clew.kernel.errors import ClewError

PROBLEM: Final = "application/problem+json"
_LONGEST_WAIT: Final = 7 * 24 * 3600

Result = TypeVar("Result")


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A single thing that a server showed. `etag` names the state it was in: pass it as `if_match` with a change.

    `was_made`: by this very request. Neither is part of what travels; the names in it are such as nothing there has.
    """

    etag: str | None = msgspec.field(default=None, name="(etag)")
    was_made: bool = msgspec.field(default=False, name="(was_made)")


def decoded(response: httpx2.Response, kind: type[Result]) -> Result:
    """The answer's body as that kind. Raises UnknownAnswerError."""
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError as error:
        raise UnknownAnswerError(
            f"the answer is not what this client understands: {error}",
            where=str(response.request.url.copy_with(query=None)),
            remedy="check the address; if it is right, use the same release of clew here and there",
        ) from None


def refused(response: httpx2.Response) -> ClewError:
    """The error that an answer other than 2xx means."""
    if response.headers.get("Content-Type", "").partition(";")[0].strip() == PROBLEM:
        try:
            problem = msgspec.json.decode(response.content, type=Problem)
        except msgspec.DecodeError:
            return _unknown(response)
        return error_of(problem, retry_after=seconds_of(response.headers.get("Retry-After")))
    return _unknown(response)


def seconds_of(retry_after: str | None) -> int | None:
    """Retry-After in whole seconds; None if it does not say any."""
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(int(retry_after[:9]), _LONGEST_WAIT)


def _unknown(response: httpx2.Response) -> ClewError:
    # A gateway that has lost the server behind it, or an overloaded one, says so without a problem.
    away = response.status_code in (502, 503, 504)
    kind = _GatewayError if away else UnknownAnswerError
    moved = response.headers.get("Location")
    pointer = f"; it points to {moved[:200]}" if moved else ""
    return kind(
        f"it answered {response.status_code}, and not as Clew does{pointer}",
        where=str(response.request.url.copy_with(query=None)),
        remedy="try again in a moment" if away else "check the server's address: it is what comes before /api/v1",
    )


class _GatewayError(UnknownAnswerError):
    """Something before the server answered for it that it is away."""

    transient = True
