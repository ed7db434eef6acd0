"""What the permission table promises, and what a caller is let do by it."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.domains.identity.permissions import BUILT_IN, CODES, PERMISSIONS, SCOPES, expand_scopes, unknown_scopes
from clew.domains.identity.principal import Principal, authorise, authorise_granting
from clew.kernel.errors import ForbiddenError


def caller(*permissions: str, key: bool = False) -> Principal:
    return Principal(uuid4(), uuid4(), "keeper", frozenset(permissions), key_id=uuid4() if key else None)


def test_each_role_may_more_than_the_one_below_it_and_the_first_everything() -> None:
    assert BUILT_IN["admin"] == CODES
    assert BUILT_IN["readonly"] < BUILT_IN["user"] < BUILT_IN["analyst"] < BUILT_IN["admin"]


def test_whoever_only_reads_changes_nothing() -> None:
    assert all(code.endswith(":read") for code in BUILT_IN["readonly"])


def test_only_administrators_administer() -> None:
    for permission in PERMISSIONS:
        assert permission.scope in SCOPES
        if permission.scope == "admin":
            assert permission.roles == ("admin",)


def test_the_words_of_scopes_part_the_codes_among_them() -> None:
    assert frozenset().union(*(expand_scopes([word]) for word in SCOPES)) == CODES
    assert sum(len(expand_scopes([word])) for word in SCOPES) == len(CODES)
    assert "user:write" not in expand_scopes(["read", "write"])


@given(st.lists(st.sampled_from([*SCOPES, *CODES]) | st.text(max_size=20)))
def test_scopes_stand_for_known_codes_only(scopes: list[str]) -> None:
    assert expand_scopes(scopes) <= CODES
    assert set(unknown_scopes(scopes)).isdisjoint(CODES)


def test_who_may_may_and_who_may_not_is_told_what_is_missing() -> None:
    authorise(caller("entity:read"), "entity:read")
    for one in (caller("entity:read"), caller(), caller("entity:read", key=True)):
        with pytest.raises(ForbiddenError, match="entity:write"):
            authorise(one, "entity:write")


def test_nobody_gives_what_they_do_not_have() -> None:
    authorise_granting(caller("role:write", "entity:read"), ["entity:read"])
    with pytest.raises(ForbiddenError, match="user:write"):
        authorise_granting(caller("role:write", "entity:read"), BUILT_IN["admin"])


def test_the_context_of_a_transaction_names_the_caller() -> None:
    principal = Principal(uuid4(), uuid4(), "keeper", frozenset(), session_id=uuid4(), client_ip="192.0.2.1")
    assert principal.context.user_id == principal.user_id
    assert principal.context.session_id == principal.session_id
    assert not principal.is_key
