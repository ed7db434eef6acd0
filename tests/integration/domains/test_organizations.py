"""Organizations as the command line makes and finds them."""

import secrets

import pytest
import sqlalchemy as sa

from clew.domains.identity import service
from clew.domains.identity.passwords import PasswordPolicy
from clew.domains.identity.service import (
    create_organization,
    ensure_default_organization,
    find_organization,
    list_organizations,
    operator_of,
    organization_words,
)
from clew.kernel.database import Database, TenantContext
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.roles import DIRECTORY
from tests.support.record import Tenant


def some_slug() -> str:
    return f"o-{secrets.token_hex(6)}"


def test_a_new_organization_is_found_and_listed(database: Database) -> None:
    slug = some_slug()
    made = create_organization(database, slug, "  Harbour   watch ")
    assert made.name == "Harbour watch"
    assert made.is_active
    assert find_organization(database, slug) == made
    assert made in list_organizations(database)
    assert made.as_dict()["slug"] == slug


def test_its_operator_may_do_everything_and_sign_in_never(database: Database) -> None:
    made = create_organization(database, some_slug(), "Harbour watch")
    with database.transaction(TenantContext(made.id)) as connection:
        operator = operator_of(connection, made.id)
        user = connection.execute(sa.text("SELECT id, username, role, password_hash FROM users")).one()
    assert tuple(user) == (operator, f"operator@{made.slug}", "admin", "!")


def test_it_comes_about_in_one_transaction_with_its_act(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create_organization(database, some_slug(), "Harbour watch")
    row = sa.text(
        "SELECT o.xmin::text::bigint = e.xid AND u.xmin::text::bigint = e.xid FROM organizations o, users u,"
        " audit.events e WHERE event_type = 'organization_created' AND e.resource_id = o.id::text"
    )
    with database.transaction(TenantContext(made.id)) as connection:
        assert connection.scalars(row).all() == [True]
    slug = some_slug()
    with monkeypatch.context() as broken:
        broken.setattr(service, "_install_operator", _fail)
        with pytest.raises(RuntimeError):
            create_organization(database, slug, "Harbour watch")
    with pytest.raises(NotFoundError):
        find_organization(database, slug)


def _fail(*_: object) -> bool:
    raise RuntimeError("the process ends here")


def test_no_password_holds_the_organizations_name(database: Database) -> None:
    made = create_organization(database, "o-quietwharf-" + secrets.token_hex(4), "Lighthouse Keepers")
    with database.transaction(TenantContext(made.id)) as connection:
        words = organization_words(connection, made.id)
    for password in ("our lighthouse shines on", "there is a QuietWharf somewhere"):
        with pytest.raises(InputError, match="others would think of"):
            PasswordPolicy().require(password, about=words)
    PasswordPolicy().require("seven lanterns in the harbour", about=words)


def test_a_taken_slug_is_refused_and_nothing_changes(database: Database) -> None:
    made = create_organization(database, some_slug(), "First")
    with pytest.raises(ConflictError, match=made.slug):
        create_organization(database, made.slug, "Second")
    assert find_organization(database, made.slug) == made


@pytest.mark.parametrize("slug", ["", "Harbour", "-a", "a-", "a b", "a_b", "ä", "a" * 64, "a\n"])
def test_a_bad_slug_is_refused_with_what_would_be_right(database: Database, slug: str) -> None:
    with pytest.raises(InputError, match="lower-case letters"):
        create_organization(database, slug, "Name")


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "x" * 201])
def test_a_bad_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(InputError, match="printable"):
        create_organization(database, some_slug(), name)


def test_an_interrupted_creation_is_completed_by_the_next_call(database: Database) -> None:
    slug = some_slug()
    with database.transaction(None, role=DIRECTORY) as connection:
        connection.execute(
            sa.text("INSERT INTO organizations (id, slug, name) VALUES (gen_random_uuid(), :slug, 'Half')"),
            {"slug": slug},
        )
    half = find_organization(database, slug)
    with database.transaction(TenantContext(half.id)) as connection, pytest.raises(NotFoundError, match="operator"):
        operator_of(connection, half.id)
    completed = create_organization(database, slug, "Whole")
    assert completed.id == half.id
    with database.transaction(TenantContext(half.id)) as connection:
        operator_of(connection, half.id)
    with pytest.raises(ConflictError):
        create_organization(database, slug, "Whole")


def test_an_unknown_slug_names_those_there_are(database: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_organization(database, "nobody")
    assert caught.value.remedy is not None
    assert "clew org new nobody" in caught.value.remedy
    known = [organization.slug for organization in list_organizations(database)]
    assert known[0] in caught.value.remedy


def test_the_default_organization_is_made_once(database: Database) -> None:
    first = ensure_default_organization(database)
    assert first.slug == "default"
    assert ensure_default_organization(database) == first
    with database.transaction(TenantContext(first.id)) as connection:
        operator_of(connection, first.id)


def test_the_application_sees_its_own_organization_only(database: Database, tenant: Tenant) -> None:
    create_organization(database, some_slug(), "Another")
    with database.transaction(tenant.context) as connection:
        assert connection.scalars(sa.text("SELECT slug FROM organizations")).all() == [tenant.slug]
