"""Who is calling, for routes: every route says by the type of its caller who may.

    call: Annotated[Call, needs("entity:read")]      a caller with that permission
    call: Annotated[Call, needs_one_of(codes)]       a caller with one of them at least; the route asks for which
    call: Annotated[Call, signed_in()]               any caller, about their own things
    call: Annotated[Call, in_person()]               the same, but no API key
    visitor: Annotated[Visitor, public()]            anybody, known or not

The caller is found out in the thread that the route runs in, before its first line: see clew.api.routing.
"""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, Request

from clew.api.credentials import Credential, credential_of
from clew.api.exchange import KNOWN_CALLER, NO_ROUTE, Exchange, exchange_of
from clew.api.serving import Serving, serving_of
from clew.domains.identity.callers import caller_of_session
from clew.domains.identity.key_callers import caller_of_key
from clew.domains.identity.limiting import Limiter, Standing, TooManyRequestsError
from clew.domains.identity.permissions import CODES
from clew.domains.identity.principal import Principal, authorise
from clew.domains.identity.second_factor_demand import SecondFactorDemandedError
from clew.kernel.errors import AuthenticationError, ForbiddenError
from clew.kernel.transactions import TenantContext
from clew.records.acts import Act, record

_LONGEST_AGENT = 400
_BASIC_BELOW = "/taxii2/"  # whose clients know nothing else
_UNLIMITED = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every second by whoever watches over the server


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route: whoever has one of `permissions`; any caller; any but API keys (in person); anybody."""

    kind: Literal["permission", "signed-in", "in-person", "public"]
    permissions: tuple[str, ...] = ()
    enrolling: bool = False  # also for a session that has to set a second factor up before anything else

    def __str__(self) -> str:
        return " | ".join(self.permissions) or self.kind


class Visitor:
    """A request, whoever sent it. Public routes get this; it has no organization."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.serving: Serving = serving_of(request)
        self._exchange: Exchange = exchange_of(request.scope)

    @property
    def request_id(self) -> str:
        """Names the request in logs and answers."""
        return self._exchange.request_id

    @property
    def client_ip(self) -> str | None:
        """The address that the request came from."""
        return self._exchange.client_ip

    @property
    def user_agent(self) -> str | None:
        """What the caller's program says of itself."""
        agent = self.request.headers.get("User-Agent")
        return agent[:_LONGEST_AGENT] if agent else None

    def admit(self) -> None:
        """Let the route begin, or raise why not. Asks the database, so it belongs into a thread.

        Raises TooManyRequestsError.
        """
        self._count_address()

    @property
    def endpoint(self) -> str:
        """Method and pattern of the route."""
        return f"{self.request.method} {getattr(self.request.scope.get('route'), 'path', NO_ROUTE)}"

    def _count_address(self) -> None:
        if getattr(self.request.scope.get("route"), "path", "") not in _UNLIMITED:
            self._count(lambda limiter: limiter.admit_address(self.client_ip, self.endpoint))

    def _count(self, admit: Callable[[Limiter], tuple[Standing, ...]]) -> None:
        try:
            self._exchange.standings = admit(self.serving.limiter)
        except TooManyRequestsError as error:
            self._exchange.standings = error.standings
            raise


class Call(Visitor):
    """A request of a caller who is known and may make it."""

    def __init__(self, request: Request, rule: Rule) -> None:
        super().__init__(request)
        self.rule = rule
        self._principal: Principal | None = None
        self._context: TenantContext | None = None
        self._admitted = False

    @property
    def principal(self) -> Principal:
        """Who is calling. Raises AuthenticationError, LimitError."""
        if self._principal is None:
            self._principal = self._found_out()
        return self._principal

    @property
    def context(self) -> TenantContext:
        """For whom transactions of this request work."""
        if self._context is None:
            self._context = replace(self.principal.context, request_id=self.request_id, user_agent=self.user_agent)
        return self._context

    def admit(self) -> None:
        """Find out who calls, count the request, and see whether they may. Once.

        Raises InputError, AuthenticationError, LimitError, ForbiddenError.
        """
        if self._admitted:
            return
        try:
            principal = self.principal
        except AuthenticationError:
            self._count_address()  # whoever guesses keys and tokens is held, as is who brings none
            raise
        self._count(lambda limiter: limiter.admit(principal, self.endpoint))
        if principal.must_enrol and not self.rule.enrolling:
            raise SecondFactorDemandedError(
                "the organization demands a second factor, and this session began without one",
                where=f"user {principal.username}",
                remedy="set one up (POST /api/v1/me/second-factor), or sign in with it",
            )
        if self.rule.permissions and principal.permissions.isdisjoint(self.rule.permissions):
            authorise(principal, str(self.rule))
        if self.rule.kind == "in-person":
            self.require_session()
        self._admitted = True

    def transaction(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """One transaction for the caller, committed when the block ends: end it before the answer is made."""
        return self.serving.database.transaction(self.context)

    def reading(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """The same, for what changes nothing: the database refuses a write, and its end is not waited for."""
        return self.serving.database.transaction(self.context, reading=True)

    def note(self, connection: sa.Connection, act: Act) -> None:
        """Tell the audit trail what was done, in the transaction that does it."""
        record(connection, act)

    def tell_read(self, act: Act) -> None:
        """Tell the audit trail what was read. Raises OSError if it cannot be told: then it must not be shown."""
        self.serving.reads.record(self.context, self._told(act))

    def session_token(self) -> str | None:
        """The token of the cookie that the caller showed; None for keys and access tokens."""
        shown = self._credential()
        return shown.text if shown is not None and shown.kind == "session" else None

    def _told(self, act: Act) -> Act:
        request = dict(act.request) | {"request_id": self.request_id}
        if self.principal.key_id is not None:
            request["api_key_id"] = str(self.principal.key_id)
        return replace(act, request=request, user_agent=act.user_agent or self.user_agent)

    def _credential(self) -> Credential | None:
        basic = self.request.scope["path"].startswith(_BASIC_BELOW)
        return credential_of(self.request.headers, self.serving.cookies.name, basic=basic)

    def _found_out(self) -> Principal:
        known = self.request.scope.get(KNOWN_CALLER)
        principal = known if isinstance(known, Principal) else self._shown()
        self._exchange.principal = principal
        return principal

    def _shown(self) -> Principal:
        shown = self._credential()
        if shown is None:
            raise AuthenticationError("nobody is signed in", remedy="send an API key or an access token, or sign in")
        return self._shown_by(shown)

    def _shown_by(self, shown: Credential) -> Principal:
        serving = self.serving
        if shown.kind == "key":
            caller = caller_of_key(serving.database, shown.text, client_ip=self.client_ip, clock=serving.clock)
            self._exchange.allowances = caller.allowances
            return caller.principal
        if shown.kind == "token":
            return serving.desk.caller(shown.text, client_ip=self.client_ip)
        serving.cookies.require_meant(self.request.method, self.request.headers, shown.text)
        limits = serving.door.session_limits
        return caller_of_session(
            serving.database, shown.text, limits=limits, client_ip=self.client_ip, clock=serving.clock
        )

    def require_session(self) -> UUID:
        """The session of a person; raises ForbiddenError for an API key, which is handed to programs."""
        if self.principal.session_id is None:
            raise ForbiddenError(
                "an API key may not do this for its owner", where=f"API key {self.principal.key_id}", remedy="sign in"
            )
        return self.principal.session_id


class Callers:
    """The dependency that gives a route its caller, and says who may."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    async def __call__(self, request: Request) -> Visitor:
        """The request, not looked at yet."""
        return Visitor(request) if self.rule.kind == "public" else Call(request, self.rule)


def needs(permission: str) -> Any:
    """A caller who has that permission. Raises LookupError for a permission that does not exist."""
    return needs_one_of((permission,))


def needs_one_of(permissions: Iterable[str]) -> Any:
    """A caller who has one of them: for routes where what is asked for says which. Raises LookupError as `needs`."""
    codes = tuple(sorted(set(permissions)))
    if unknown := sorted(set(codes) - CODES):
        raise LookupError(f"no permission {unknown[0]!r}")
    return Depends(Callers(Rule("permission", codes)))


def signed_in(*, enrolling: bool = False) -> Any:
    """Any caller: for what is their own."""
    return Depends(Callers(Rule("signed-in", enrolling=enrolling)))


def in_person(*, enrolling: bool = False) -> Any:
    """Any caller who signed in: for what an API key, which programs hold, must not do to its owner."""
    return Depends(Callers(Rule("in-person", enrolling=enrolling)))


def public() -> Any:
    """Anybody, known or not."""
    return Depends(Callers(Rule("public")))
