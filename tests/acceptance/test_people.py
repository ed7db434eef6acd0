"""People, keys and roles on the command line."""

import re

import pytest

from clew.domains.identity.key_format import is_well_formed
from tests.support.program import Program

pytestmark = pytest.mark.same_everywhere


@pytest.fixture(scope="module")
def people(loaded: Program) -> Program:
    """An organization of its own in the program that is set up."""
    loaded.run("org", "new", "people")
    return Program(loaded.base, loaded.environment | {"CLEW_ORG": "people"})


def test_a_user_is_added_with_a_password_that_is_shown_once(people: Program) -> None:
    made = people.json("user", "add", "ann", "--email", "Ann@Lantern.example", "--role", "analyst", "--name", "Ann K")
    assert {"id", "username", "email", "role", "is_active", "password"} <= made.keys()
    assert (made["email"], made["role"], made["is_verified"]) == ("ann@lantern.example", "analyst", True)
    assert len(made["password"]) >= 20
    listed = {user["username"]: user for user in people.json("user", "list")["users"]}
    assert listed["ann"]["role"] == "analyst"
    assert "operator@people" in listed
    shown = people.run("user", "show", "ann@lantern.example").output
    assert made["password"] not in shown
    assert "$argon2" not in str(people.json("user", "show", "ann"))


def test_a_password_is_read_or_made_up_and_never_an_argument(people: Program) -> None:
    assert "--password " not in people.run("user", "add", "--help").output
    error = people.error("user", "add", "bob", "--email", "bob@b.example", "--password-stdin", expect=4)
    assert "no password" in error["message"]
    both = people.error("user", "add", "bob", "--email", "b@b.example", "--password-stdin", "--generate", expect=4)
    assert both["remedy"]


def test_bad_users_are_refused_with_a_remedy(people: Program) -> None:
    people.json("user", "add", "dora", "--email", "dora@lantern.example")
    taken = people.error("user", "add", "dora", "--email", "other@lantern.example", expect=6)
    assert taken["remedy"]
    assert people.error("user", "add", "x y", "--email", "x@lantern.example", expect=4)["where"] == "username"
    assert people.error("user", "add", "eve", "--email", "nowhere", expect=4)["where"] == "email"
    assert (
        "readonly" in people.error("user", "add", "eve", "--email", "e@e.example", "--role", "root", expect=4)["remedy"]
    )
    assert "clew user list" in people.error("user", "show", "nobody", expect=5)["remedy"]


def test_a_user_is_shut_out_let_in_and_given_roles(people: Program) -> None:
    people.json("user", "add", "carl", "--email", "carl@lantern.example")
    assert people.json("user", "deactivate", "carl")["is_active"] is False
    assert people.json("user", "activate", "carl")["is_active"] is True
    assert people.json("user", "set-role", "carl", "admin")["role"] == "admin"
    people.run("role", "new", "Tagger", "entity:write", "--description", "Tags entities")
    people.run("user", "set-role", "carl", "Tagger")
    assert people.json("user", "show", "carl")["custom_roles"] == ["Tagger"]
    people.run("user", "set-role", "carl", "Tagger", "--remove")
    assert people.json("user", "show", "carl")["custom_roles"] == []
    assert people.json("user", "mfa-reset", "carl")["mfa_enabled"] is False
    assert people.json("user", "reset-password", "carl")["password"]
    link = people.json("user", "reset-password", "carl", "--link")["link"]
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/password-reset#clew_link_\S+", link)


def test_roles_are_listed_and_changed(people: Program) -> None:
    people.run("role", "new", "Reporter")
    assert people.json("role", "grant", "Reporter", "report:write", "report:read")["permissions"] == [
        "report:read",
        "report:write",
    ]
    assert people.json("role", "grant", "Reporter", "report:write", "--remove")["permissions"] == ["report:read"]
    names = {role["name"]: role["is_builtin"] for role in people.json("role", "list")["roles"]}
    assert names["admin"] is True
    assert names["Reporter"] is False
    assert people.error("role", "grant", "admin", "entity:read", expect=6)["remedy"]
    assert "entity:read" in people.error("role", "new", "Wrong", "entity:fly", expect=4)["remedy"]
    assert "built" in people.run("role", "list").output.lower()


def test_a_key_is_made_listed_and_revoked(people: Program) -> None:
    made = people.json("key", "create", "--name", "nightly", "--scope", "read", "--expires-days", "7")
    assert made.keys() == {"id", "key"}
    assert is_well_formed(made["key"])
    (listed,) = [key for key in people.json("key", "list")["keys"] if key["id"] == made["id"]]
    assert (listed["name"], listed["scopes"], listed["is_active"]) == ("nightly", ["read"], True)
    assert made["key"] not in str(listed)
    assert listed["username"] == "operator@people"
    assert people.json("key", "revoke", made["id"])["is_active"] is False
    assert people.error("key", "create", "--scope", "everything", expect=4)["remedy"]
    assert people.error("key", "revoke", "00000000-0000-0000-0000-000000000000", expect=5)["remedy"]
    text = people.run("key", "create").output
    assert re.search(r"^clew_live_\w{49}$", text, re.MULTILINE)


def test_another_organization_sees_none_of_them(people: Program) -> None:
    made = people.json("key", "create")
    people.json("user", "add", "fay", "--email", "fay@lantern.example")
    people.error("key", "revoke", made["id"], "--org", "default", expect=5)
    people.error("user", "show", "fay", "--org", "default", expect=5)
    assert made["id"] not in str(people.json("key", "list", "--org", "default"))
