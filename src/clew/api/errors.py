"""What only a request over HTTP can get wrong."""

from clew.kernel.errors import ClewError, ConflictError, ForbiddenError, InputError


class PreconditionError(ConflictError):
    """The thing was changed since the caller read it (If-Match)."""

    code = "precondition"


class UnsupportedMediaError(InputError):
    """The body is of a kind that this route does not read."""

    code = "unsupported_media"


class NotAcceptableError(InputError):
    """The answer is to be of a kind that this route does not give."""

    code = "not_acceptable"


class CrossSiteError(ForbiddenError):
    """A request that a browser sent with its cookie did not prove that it comes from Clew's own pages."""

    code = "cross_site"


class SlowRequestError(ClewError):
    """The request came in too slowly."""

    code = "slow_request"
    exit_code = 12
