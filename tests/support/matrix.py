"""The matrix: for one operation, every caller and every way of calling, and what each must be answered.

Expectations follow from the rule that the operation declares and from the permission table. Whether that rule is the
right one is held to the tables below: they are short, and whoever adds to them has to say why.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from clew.domains.identity.permissions import CODES
from tests.support.api import Api
from tests.support.asking import Answer, ask
from tests.support.callers import KINDS, WAYS, Caller, cast, new_caller, nobodies
from tests.support.identity import PASSWORD
from tests.support.makers import MAKERS, Maker, Workshop
from tests.support.operations import Operation
from tests.support.record import Tenant

PUBLIC: Final = {
    "accept": "who is invited has no account yet; the link's token shows that they are",
    "confirm_email": "the link's token shows who they are, on whatever device it is opened",
    "confirm_reset": "as confirm_email: who has forgotten the password cannot sign in",
    "create_tokens": "signing in is how one becomes known",
    "get_description": "what the API is like is no secret, and clients are made from it",
    "get_health": "whoever restarts what does not answer has no account",
    "get_keys": "public keys, for whoever wants to check a token",
    "get_metrics": "Prometheus has no account: it asks from the same machine, or shows a token of its own",
    "get_readiness": "as get_health; it tells no more than what is not ready",
    "refresh_tokens": "the refresh token is what is shown",
    "request_reset": "who has forgotten the password cannot sign in; the answer is the same for everybody",
    "sign_in": "signing in is how one becomes known",
}
"""Operations that anybody may call, and why."""
GUARDED_OTHERWISE: Final = frozenset({"get_metrics"})
"""Public operations that look at something else than who calls, and may refuse for that."""
OWN: Final = frozenset(
    {
        "begin_second_factor", "confirm_second_factor", "create_recovery_codes", "get_capabilities",
        "get_profile", "get_second_factor", "get_session", "get_settings", "list_own_sessions", "remove_second_factor",
        "remove_setting", "request_email_verification", "revoke_other_sessions", "revoke_own_session", "set_setting",
        "sign_out", "update_password", "update_profile",
    }
)  # fmt: skip
"""Operations that any caller may call, because they are about the caller's own account and nothing else."""
PERSONAL: Final = {"get_api_key": "key:admin", "list_api_key_usage": "key:admin", "revoke_api_key": "key:admin"}
"""Operations about the caller's own things: colleagues' are not found either but by whoever has that permission."""
READS_BY_POST: Final = {
    "verify_audit_trail": "compares the trail with its seals, which takes long, and changes nothing",
}
"""Operations that only read although they are not GET, and why."""
BY_WHAT_IS_ASKED: Final = {"create_schedule": "analysis:write", "follow_events": "job:read"}
"""Operations that need one of several permissions, whichever what is asked for needs: the one that the example needs.

That every other value needs its own is for tests of their own (tests/integration/api/test_events.py,
test_schedules.py)."""
NOT_BY_KEY: Final[dict[str, str]] = {}
"""Operations that need a permission and refuse API keys whatever they may do, and why."""
_NONE: Final = b"{}"
BODIES: Final = {
    "put_exchanged": b'{"uuid": "{exchanged_id}", "info": "An event"}',
    "share_objects": b'{"campaigns": ["{campaign_id}"]}',
    "add_target": b'{"value": "c2.lantern.example"}',
    "attach_items": b'{"collection_id": "{collection_id}"}',
    "accept": _NONE,
    "begin_second_factor": json.dumps({"password": PASSWORD}).encode(),
    "confirm_email": _NONE,
    "confirm_reset": _NONE,
    "create_recovery_codes": _NONE,
    "create_tokens": _NONE,
    "refresh_tokens": _NONE,
    "remove_second_factor": _NONE,
    "revoke_own_session": json.dumps({"password": PASSWORD}).encode(),
    "revoke_other_sessions": json.dumps({"password": PASSWORD}).encode(),
    "request_reset": _NONE,
    "sign_in": _NONE,
    "update_password": json.dumps({"present": PASSWORD, "new": f"{PASSWORD}, and an eighth"}).encode(),
}
"""Bodies by operation, where the description gives none that will do, or one that is refused as a credential is.

`{}` is merely invalid: enough where what counts is that nobody is asked who they are. A maker's name in braces stands
for a thing of the caller's organization."""

_ANY_CALLER: Final = frozenset({"signed-in", "in-person"})
_NAMED = re.compile(rb"\{(\w+)\}")
_CHANGING = re.compile(r":(write|delete|admin|export)$")


@dataclass
class Stage:
    """What every operation is tried on: two organizations, and callers of the first."""

    api: Api
    home: Tenant
    away: Tenant
    operations: Sequence[Operation] = field(repr=False)
    makers: Mapping[str, Maker] = field(default_factory=lambda: MAKERS)
    callers: list[Caller] = field(init=False)
    nobodies: list[tuple[str, dict[str, str]]] = field(init=False)
    abroad: Workshop = field(init=False)
    shared: Workshop = field(init=False)

    def __post_init__(self) -> None:
        self.callers = cast(self.api, self.home)
        self.nobodies = list(nobodies(self.api, self.home))
        self.abroad = Workshop(self.api, self.away, self.makers)
        self.shared = Workshop(self.api, self.home, self.makers)
        for parameter in {name for operation in self.operations for name in operation.path_parameters}:
            if parameter in self.makers:
                self.abroad.thing(parameter)

    def things_of(self, operation: Operation, caller: Caller, *, untouched: bool) -> Workshop:
        """Where an operation finds things of the caller's own: new ones where it may change those that are there."""
        if untouched and not _personal(operation):
            return self.shared
        return Workshop(self.api, self.home, self.makers, caller.user)


def faults(stage: Stage, operation: Operation) -> list[str]:
    """Everything about an operation that is not as it must be; each says what to do about it."""
    found = list(_undeclared(operation, stage.makers))
    return found or [
        *_of_nobodies(stage, operation),
        *_of_callers(stage, operation),
        *_of_other_organizations(stage, operation),
    ]


def _undeclared(operation: Operation, makers: Mapping[str, Maker]) -> Iterator[str]:
    rule, name = operation.rule, operation.name
    where = f"{operation.method} {operation.path} ({name})"
    if rule == "public" and name not in PUBLIC:
        yield f"{where} is public: add it to PUBLIC in tests/support/matrix.py with the reason"
    elif rule in _ANY_CALLER and name not in OWN:
        yield f"{where} needs no permission: add it to OWN in tests/support/matrix.py with the reason"
    elif " | " in rule and (name not in BY_WHAT_IS_ASKED or set(rule.split(" | ")) - CODES):
        yield f"{where} needs one of several: add what its example needs to BY_WHAT_IS_ASKED in tests/support/matrix.py"
    elif rule not in CODES | {"public"} | _ANY_CALLER and " | " not in rule:
        yield f"{where} says {rule!r} of who may call it: take the caller by needs(), signed_in() or the like"
    elif rule in CODES and operation.unsafe and not _CHANGING.search(rule) and name not in READS_BY_POST:
        yield f"{where} needs only {rule}: give it a permission of its kind, or add it to READS_BY_POST with the reason"
    for parameter in operation.path_parameters:
        if parameter not in makers:
            yield f"{where}: add how a thing for {{{parameter}}} is made to MAKERS in tests/support/makers.py"


def _personal(operation: Operation) -> bool:
    return operation.rule in _ANY_CALLER or operation.name in PERSONAL


def _of_nobodies(stage: Stage, operation: Operation) -> Iterator[str]:
    values = {name: stage.shared.thing(name) for name in operation.path_parameters}
    if operation.rule == "public":
        yield from _of_anybody(stage, operation, values)
        return
    for label, headers in stage.nobodies:
        answer = _asked(stage, operation, values, headers)
        if (answer.status, answer.problem.get("code")) != (401, "authentication"):
            yield _told(operation, label, answer, "401 authentication")
        elif not (answer.header("www-authenticate") or "").startswith("Bearer"):
            yield _told(operation, label, answer, "a WWW-Authenticate header")


def _of_anybody(stage: Stage, operation: Operation, values: Mapping[str, str]) -> Iterator[str]:
    """A public operation answers everybody as it answers those who show nothing."""
    anonymous = _asked(stage, operation, values, {})
    if anonymous.status in {401, 403} and operation.name not in GUARDED_OTHERWISE:
        yield _told(operation, "anonymous", anonymous, "to be let in: it is public")
    known = [(caller.label, caller.headers) for caller in stage.callers]
    for label, headers in [*stage.nobodies, *known]:
        answer = _asked(stage, operation, values, headers)
        if answer.status != anonymous.status:
            yield _told(operation, label, answer, f"the {anonymous.status} that is told to anybody")


def _of_callers(stage: Stage, operation: Operation) -> Iterator[str]:
    if operation.rule == "public":
        return
    reached = all(stage.makers[name].shared for name in operation.path_parameters)
    for caller in _callers(stage, operation):
        home = stage.things_of(operation, caller, untouched=not operation.unsafe)
        values = {name: home.thing(name) for name in operation.path_parameters}
        if caller.way == "session" and operation.unsafe:
            yield from _without_proof(stage, operation, caller, values)
        answer = _asked(stage, operation, values, caller.headers)
        wanted = _wanted(operation, caller)
        if wanted is None:
            reached |= answer.status != 404
            if answer.status in {401, 403, 429} or answer.status >= 500:
                yield _told(operation, caller.label, answer, "to be let in")
        elif (answer.status, answer.problem.get("code")) != wanted:
            yield _told(operation, caller.label, answer, f"{wanted[0]} {wanted[1]}")
    if not reached:
        yield (
            f"{operation.method} {operation.path}: nobody found the things of their own, so that others' "
            "are not found shows nothing; correct their makers in tests/support/makers.py"
        )


def _wanted(operation: Operation, caller: Caller) -> tuple[int, str] | None:
    """The refusal that a caller must get; None if they must be let in."""
    needed = BY_WHAT_IS_ASKED.get(operation.name, operation.rule)
    if not caller.may(needed) or (caller.way == "key" and operation.name in NOT_BY_KEY):
        return 403, "forbidden"
    return None


def _without_proof(stage: Stage, operation: Operation, caller: Caller, values: Mapping[str, str]) -> Iterator[str]:
    bare = {"Cookie": caller.headers["Cookie"]}
    answer = _asked(stage, operation, values, bare)
    if (answer.status, answer.problem.get("code")) != (403, "cross_site"):
        yield _told(operation, f"{caller.label} without X-CSRF-Token", answer, "403 cross_site")
    foreign = caller.headers | {"Origin": "https://elsewhere.example"}
    answer = _asked(stage, operation, values, foreign)
    if (answer.status, answer.problem.get("code")) != (403, "cross_site"):
        yield _told(operation, f"{caller.label} from another site's page", answer, "403 cross_site")


def _of_other_organizations(stage: Stage, operation: Operation) -> Iterator[str]:
    """Things of another organization are as if they were not: for whoever may call, in every place of the path."""
    kinds = [stage.makers[name] for name in operation.path_parameters]
    if operation.rule == "public" or not kinds or all(kind.shared for kind in kinds):
        return
    for caller in _callers(stage, operation):
        if _wanted(operation, caller) is not None:
            continue
        own = stage.things_of(operation, caller, untouched=True)
        foreign = {"another organization's": stage.abroad}
        if _personal(operation) and PERSONAL.get(operation.name) not in caller.permissions:
            foreign["a colleague's"] = stage.shared
        for places in product(*[(False,) if kind.shared else (False, True) for kind in kinds]):
            for whose, other in foreign.items() if any(places) else ():
                yield from _like_absent(stage, operation, caller, own, (whose, other), places)


def _like_absent(
    stage: Stage,
    operation: Operation,
    caller: Caller,
    home: Workshop,
    foreign: tuple[str, Workshop],
    places: tuple[bool, ...],
) -> Iterator[str]:
    whose, other = foreign
    named = list(zip(operation.path_parameters, places, strict=True))
    others = {name: (other if away else home).thing(name) for name, away in named}
    nowhere = {name: stage.makers[name].absent() if away else home.thing(name) for name, away in named}
    of_other = _asked(stage, operation, others, caller.headers)
    of_none = _asked(stage, operation, nowhere, caller.headers)
    which = ", ".join(name for name, away in named if away)
    if of_other.status != 404:
        yield _told(
            operation,
            f"{caller.label} with {whose} {which}",
            of_other,
            "404 (if the body was refused: add one to BODIES in tests/support/matrix.py)",
        )
    elif comparable(of_other, others) != comparable(of_none, nowhere):
        yield (
            f"{operation.method} {operation.path}: {caller.label} can tell {whose} {which} from none: "
            f"{of_other.status} {of_other.content!r} and {of_none.status} {of_none.content!r}"
        )


def comparable(answer: Answer, values: Mapping[str, str]) -> tuple[int, list[str], str]:
    """An answer without what must differ: the request's id, and the names that were asked for."""
    text = answer.content.decode()
    for value in sorted(values.values(), key=len, reverse=True):
        text = text.replace(value, "…")
    request_id = answer.header("x-request-id") or "-"
    names = sorted(name for name, _ in answer.headers)
    return answer.status, names, text.replace(request_id, "…")


def _callers(stage: Stage, operation: Operation) -> Iterator[Caller]:
    """The callers; new ones for what changes the callers themselves, such as signing out."""
    if operation.rule not in _ANY_CALLER or not operation.unsafe:
        yield from stage.callers
        return
    for kind, way in product(KINDS, WAYS):
        yield new_caller(stage.api, stage.home, kind, way)


def _asked(stage: Stage, operation: Operation, values: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
    kind, body = operation.body()
    body = BODIES.get(operation.name, body)
    for name in _NAMED.findall(body):
        body = body.replace(b"{%s}" % name, stage.shared.thing(name.decode()).encode())
    described = {} if kind is None else {"Content-Type": kind}
    asked = {**described, **operation.headers(), **headers}
    return ask(stage.api, operation.method, operation.target(values), asked, body=body)


def _told(operation: Operation, who: str, answer: Answer, wanted: str) -> str:
    got = f"{answer.status} {answer.problem.get('code', '')} {answer.problem.get('detail', '')}"
    return f"{operation.method} {operation.path}: {who} wanted {wanted}, got {got}"
