"""Users, custom roles, settings: what can be changed, and that organizations stay apart."""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from clew.domains.identity import configuration, roles, users
from clew.domains.identity.permissions import BUILT_IN
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from tests.support.identity import new_user, some_name
from tests.support.record import Tenant, new_organization

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_user_is_added_found_and_listed(database: Database, tenant: Tenant) -> None:
    name = some_name()
    with database.transaction(tenant.context) as connection:
        made = users.add_user(
            connection, tenant.id, email=f" {name}@Lantern.EXAMPLE", username=name.upper(), full_name=" Ann  Keeper "
        )
        assert (made.email, made.username, made.full_name) == (f"{name}@lantern.example", name, "Ann Keeper")
        assert (made.role, made.is_active, made.is_verified, made.mfa_enabled) == ("user", True, False, False)
        for key in (made.id, made.username, made.email.upper()):
            assert users.find_user(connection, tenant.id, key) == made
        listed = users.list_users(connection, tenant.id)
        assert made in listed
        assert made not in users.list_users(connection, tenant.id, after=name)
        assert "password_hash" not in made.as_dict()


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"},
        {"email": "a@b@c.example"},
        {"email": "a\nBcc: b@c.example@lantern.example"},
        {"username": "a@b.example"},
        {"username": ""},
        {"username": "ä"},
        {"username": "x" * 65},
        {"username": "a\x00"},
        {"role": "root"},
        {"full_name": "a\x1b[31m"},
        {"full_name": "x" * 400},
    ],
)
def test_bad_values_are_refused(database: Database, tenant: Tenant, wrong: dict[str, Any]) -> None:
    name = some_name()
    with database.transaction(tenant.context) as connection, pytest.raises(InputError):
        users.add_user(connection, tenant.id, **({"email": f"{name}@lantern.example", "username": name} | wrong))


def test_sign_in_names_are_unique_over_all_organizations(database: Database, tenant: Tenant) -> None:
    stranger = new_organization(database)
    theirs = new_user(database, stranger)
    own = new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        for email, username in ((theirs.email, some_name()), (f"{some_name()}@lantern.example", theirs.username)):
            with pytest.raises(ConflictError):
                users.add_user(connection, tenant.id, email=email, username=username)
        with pytest.raises(ConflictError):
            users.update_user(connection, tenant.id, own.id, email=theirs.email)
        assert users.find_user(connection, tenant.id, own.id) == own


def test_a_new_address_has_to_be_confirmed_again(database: Database, tenant: Tenant) -> None:
    name = some_name()
    with database.transaction(tenant.context) as connection:
        made = users.add_user(connection, tenant.id, email=f"{name}@a.example", username=name, is_verified=True)
        same = users.update_user(connection, tenant.id, made.id, email=f"{name}@A.example", full_name="Ann")
        assert (same.is_verified, same.full_name) == (True, "Ann")
        assert not users.update_user(connection, tenant.id, made.id, email=f"{name}@b.example").is_verified


def test_another_organization_finds_no_user(database: Database, tenant: Tenant) -> None:
    theirs, stranger = new_user(database, tenant), new_organization(database)
    with database.transaction(stranger.context) as connection:
        acts: tuple[Callable[[UUID], object], ...] = (
            lambda where: users.find_user(connection, where, theirs.id),
            lambda where: users.find_user(connection, where, theirs.username),
            lambda where: users.update_user(connection, where, theirs.id, full_name="x"),
            lambda where: users.set_built_in_role(connection, where, theirs.id, "admin"),
            lambda where: users.set_active(connection, where, theirs.id, active=False),
            lambda where: users.set_password(connection, where, theirs.id, "!"),
        )
        for organization in (tenant.id, stranger.id):
            for act in acts:
                with pytest.raises(NotFoundError):
                    act(organization)
    with database.transaction(tenant.context) as connection:
        assert users.find_user(connection, tenant.id, theirs.id) == theirs


def test_a_custom_role_is_made_changed_given_and_taken(database: Database, tenant: Tenant) -> None:
    user = new_user(database, tenant, role="readonly")
    with database.transaction(tenant.context) as connection:
        made = roles.create_role(connection, tenant.id, "Tagger", permissions=["entity:write"], description="Tags")
        assert (made.is_builtin, made.permissions) == (False, ("entity:write",))
        changed = roles.grant_permissions(
            connection, tenant.id, "Tagger", add=["report:write", "entity:write"], remove=["entity:delete"]
        )
        assert changed.permissions == ("entity:write", "report:write")
        roles.add_role(connection, tenant.id, user.id, "Tagger", granted_by=tenant.operator)
        roles.add_role(connection, tenant.id, user.id, "Tagger")
        assert roles.custom_roles_of(connection, tenant.id, user.id) == ["Tagger"]
        roles.remove_role(connection, tenant.id, user.id, "Tagger")
        with pytest.raises(NotFoundError):
            roles.remove_role(connection, tenant.id, user.id, "Tagger")
        roles.delete_role(connection, tenant.id, "Tagger")
        assert [role.name for role in roles.list_roles(connection)] == sorted(BUILT_IN)


def test_built_in_roles_stay_as_they_are(database: Database, tenant: Tenant) -> None:
    user = new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        listed = {role.name: frozenset(role.permissions) for role in roles.list_roles(connection)}
        assert listed == BUILT_IN
        with pytest.raises(ConflictError):
            roles.create_role(connection, tenant.id, "admin")
        with pytest.raises(ConflictError):
            roles.grant_permissions(connection, tenant.id, "readonly", add=["user:write"])
        with pytest.raises(ConflictError):
            roles.delete_role(connection, tenant.id, "user")
        with pytest.raises(ConflictError):
            roles.add_role(connection, tenant.id, user.id, "admin")


def test_bad_roles_are_refused(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        roles.create_role(connection, tenant.id, "Tagger")
        with pytest.raises(ConflictError):
            roles.create_role(connection, tenant.id, "Tagger")
        for name in ("", " ", "x" * 61, "a\x1bb"):
            with pytest.raises(InputError):
                roles.create_role(connection, tenant.id, name)
        with pytest.raises(InputError, match="entity:fly"):
            roles.grant_permissions(connection, tenant.id, "Tagger", add=["entity:fly"])
        with pytest.raises(NotFoundError):
            roles.add_role(connection, tenant.id, uuid4(), "Tagger")
        with pytest.raises(NotFoundError):
            roles.add_role(connection, tenant.id, tenant.operator, "Nobody")


def test_roles_of_another_organization_can_be_neither_seen_nor_given(database: Database, tenant: Tenant) -> None:
    stranger = new_organization(database)
    with database.transaction(stranger.context) as connection:
        roles.create_role(connection, stranger.id, "Tagger", permissions=["user:write"])
    with database.transaction(tenant.context) as connection:
        assert all(role.is_builtin for role in roles.list_roles(connection))
        with pytest.raises(NotFoundError):
            roles.add_role(connection, tenant.id, tenant.operator, "Tagger")
        roles.create_role(connection, tenant.id, "Tagger")  # the name is free here


VALUES: tuple[Any, ...] = ({"days": 30}, [1, "ä 🔑"], "text with \\u0000 written out", 7, True, None, {})


@pytest.mark.parametrize("value", VALUES)
def test_what_is_configured_is_read_again(database: Database, tenant: Tenant, value: Any) -> None:
    with database.transaction(tenant.context) as connection:
        set_one = configuration.set_configuration
        assert set_one(connection, tenant.id, "audit.retention", {"days": 1}, updated_by=tenant.operator) is None
        assert set_one(connection, tenant.id, "audit.retention", value) == {"days": 1}
        assert configuration.read_configuration(connection, tenant.id) == {"audit.retention": value}
        configuration.remove_configuration(connection, tenant.id, "audit.retention")
        with pytest.raises(NotFoundError):
            configuration.remove_configuration(connection, tenant.id, "audit.retention")


@pytest.mark.parametrize("value", VALUES)
def test_what_a_user_set_is_read_again(database: Database, tenant: Tenant, value: Any) -> None:
    own, other = new_user(database, tenant), new_user(database, tenant)
    with database.transaction(tenant.context) as connection:
        for setting in ("first", value):
            configuration.set_user_setting(connection, tenant.id, own.id, "theme", setting)
        assert configuration.read_user_settings(connection, tenant.id, own.id) == {"theme": value}
        assert configuration.read_user_settings(connection, tenant.id, other.id) == {}
        configuration.remove_user_setting(connection, tenant.id, own.id, "theme")
        with pytest.raises(NotFoundError):
            configuration.remove_user_setting(connection, tenant.id, own.id, "theme")
        with pytest.raises(NotFoundError):
            configuration.set_user_setting(connection, tenant.id, uuid4(), "theme", value)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, "a\x00b", {"\x00": 1}, "\udcff", "x" * 70_000])
def test_what_is_no_json_is_refused(database: Database, tenant: Tenant, value: Any) -> None:
    with database.transaction(tenant.context) as connection:
        with pytest.raises(InputError):
            configuration.set_configuration(connection, tenant.id, "key", value)
        for key in ("", "Key", "a b", "x" * 101, "a\n"):
            with pytest.raises(InputError):
                configuration.set_configuration(connection, tenant.id, key, 1)
