"""Who may do what, over every operation that the API describes: see tests/support/matrix.py for what is expected."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

import pytest
import sqlalchemy as sa
from starlette.responses import Response

from clew import migrations
from clew.api.application import create_application, routes_of
from clew.api.callers import Call, Visitor, needs, public, signed_in
from clew.api.routing import router as routes
from clew.kernel.errors import ForbiddenError, NotFoundError
from tests.support.api import Api
from tests.support.identity import new_user
from tests.support.makers import Maker
from tests.support.matrix import Stage, faults
from tests.support.operations import Operation, described, described_routes, operations_of
from tests.support.record import Tenant

OPERATIONS = operations_of(described_routes())


@pytest.fixture(scope="module")
def stage(api: Api) -> Iterator[Stage]:
    made = Stage(api, api.organization(), api.organization(), OPERATIONS)
    before = _rows(api, made.away)
    yield made
    assert _rows(api, made.away) == before, "a caller of another organization changed something"


def _rows(api: Api, tenant: Tenant) -> dict[str, tuple[int, str]]:
    """Number and digest of the rows that an organization has in every table that it can read."""
    found = {}
    with api.database.transaction(tenant.context) as connection:
        for name, table in sorted(migrations.metadata().tables.items()):
            readable = connection.scalar(sa.text("SELECT has_table_privilege(:name, 'SELECT')"), {"name": name})
            # The log of use is written late, and tells how the things here were made.
            if readable and "organization_id" in table.c and name != "api_usage_logs":
                text = sa.cast(sa.func.to_jsonb(table.table_valued()), sa.Text)
                digest = sa.func.md5(sa.func.string_agg(text, sa.literal("|").op("ORDER BY")(text)))
                found[name] = connection.execute(sa.select(sa.func.count(), digest).select_from(table)).one()
    assert len(found) > 30, "the tables are no longer found"
    return {name: (row[0], row[1]) for name, row in found.items()}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_everybody_gets_what_they_may_have_and_nobody_more(stage: Stage, operation: Operation) -> None:
    found = faults(stage, operation)
    assert not found, "\n".join(found)


def test_nothing_is_served_that_the_matrix_does_not_see(api: Api) -> None:
    served = [(method, route.path_format) for route in routes_of(api.application) for method in route.methods or ()]
    assert sorted(served) == sorted((each.method, each.path) for each in OPERATIONS), "one route hides another"
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)


# What follows holds the matrix itself to account: each of these routes has one fault, and it must be named.

user_maker = Maker(lambda workshop: str(new_user(workshop.api.database, workshop.tenant).id))
faulty = routes("faulty", prefix="/faulty")


def _refuse(call: Call) -> Response:
    raise ForbiddenError("not today")


@faulty.get("/lenient")
def get_lenient(_call: Annotated[Call, signed_in()]) -> Response:
    return Response()


@faulty.get("/open")
def get_open(_visitor: Annotated[Visitor, public()]) -> Response:
    return Response()


@faulty.delete("/mild")
def delete_mild(_call: Annotated[Call, needs("entity:read")]) -> Response:
    return Response()


@faulty.get("/unmade/{something}")
def get_unmade(something: str, _call: Annotated[Call, needs("entity:read")]) -> Response:
    return Response(something)


@faulty.get("/strict")
def get_strict(call: Annotated[Call, needs("entity:read")]) -> Response:
    return _refuse(call)


@faulty.get("/careless/{user_id}")
def get_careless(user_id: UUID, _call: Annotated[Call, needs("user:read")]) -> Response:
    return Response(str(user_id))


@faulty.get("/telling/{user_id}")
def get_telling(user_id: UUID, call: Annotated[Call, needs("user:read")]) -> Response:
    """Says of another organization's user something else than of none."""
    with call.transaction() as connection:
        own = connection.scalar(sa.text("SELECT count(*) FROM users WHERE id = :id"), {"id": user_id})
    if not own:
        strange = NOT_OURS.get(str(user_id), "no user")
        raise NotFoundError(f"{strange} {user_id}")
    return Response()


@faulty.get("/blind/{user_id}")
def get_blind(user_id: UUID, _call: Annotated[Call, needs("user:read")]) -> Response:
    raise NotFoundError(f"no user {user_id}")


@faulty.get("/sound/{user_id}")
def get_sound(user_id: UUID, call: Annotated[Call, needs("user:read")]) -> Response:
    with call.transaction() as connection:
        if not connection.scalar(sa.text("SELECT count(*) FROM users WHERE id = :id"), {"id": user_id}):
            raise NotFoundError(f"no user {user_id}")
    return Response()


NOT_OURS: dict[str, str] = {}
FAULTY = operations_of(described([faulty]))


@pytest.fixture(scope="module")
def faulty_stage(api: Api) -> Stage:
    application = create_application(api.serving)
    application.router.routes.extend(faulty.routes)
    own = Api(application, api.serving, api.client)
    made = Stage(own, api.organization(), api.organization(), FAULTY, {"user_id": user_maker})
    NOT_OURS[made.abroad.thing("user_id")] = "not your user"
    return made


def _of_faulty(name: str) -> Operation:
    return next(each for each in FAULTY if each.name == name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("get_lenient", "add it to OWN"),
        ("get_open", "add it to PUBLIC"),
        ("delete_mild", "needs only entity:read"),
        ("get_unmade", "add how a thing for {something} is made to MAKERS"),
        ("get_strict", "wanted to be let in, got 403 forbidden"),
        ("get_careless", "with another organization's user_id wanted 404"),
        ("get_telling", "can tell another organization's user_id from none"),
        ("get_blind", "nobody found the things of their own"),
    ],
)
def test_a_route_with_a_fault_is_named_with_what_to_do(faulty_stage: Stage, name: str, told: str) -> None:
    found = faults(faulty_stage, _of_faulty(name))
    assert any(told in each for each in found), found


def test_a_route_without_fault_is_not(faulty_stage: Stage) -> None:
    assert faults(faulty_stage, _of_faulty("get_sound")) == []
