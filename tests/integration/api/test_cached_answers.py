"""What is shown is cached in the memory of the one process, and forgotten when the database tells that it changed."""

from collections.abc import Iterator

import pytest

from clew.api.server import running
from clew.api.services import live_services
from clew.domains.investigations.service import create_investigation
from clew.kernel.cache.keys import INVESTIGATION
from tests.support.api import Api, opened_api
from tests.support.embedded import wait_until
from tests.support.record import migrated_database


@pytest.fixture(scope="module")
def live() -> Iterator[Api]:
    """The application, with what passes on what the database tells."""
    with migrated_database() as database, opened_api(database) as api, running(live_services(api.serving)):
        wait_until(lambda: api.serving.memo.trusted, "changes to be heard")
        yield api


def test_a_case_is_read_once_and_shown_as_it_is_whoever_changed_it(live: Api) -> None:
    tenant, other = live.organization(), live.organization()
    mine, stranger = live.person(tenant, "admin").headers["key"], live.person(other, "admin").headers["key"]
    with live.database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "before").id
    path, key = f"/api/v1/investigations/{case}", INVESTIGATION.key(organization_id=tenant.id, id=case)

    def name() -> str:
        return str(live.client.get(path, headers=mine).json()["name"])

    def is_cached() -> bool:
        return name() == "before" and live.serving.cache.get(key) is not None

    wait_until(is_cached, "the case to be cached")
    assert live.client.get(path, headers=stranger).status_code == 404
    with live.database.transaction(tenant.context) as connection:
        connection.exec_driver_sql("UPDATE investigations SET name = 'changed in the database'")
    wait_until(lambda: name() == "changed in the database", "the change to show")
    tag = live.client.get(path, headers=mine).headers["etag"]
    assert live.client.get(path, headers=mine | {"If-None-Match": tag}).status_code == 304
    changed = live.client.patch(path, headers=mine | {"If-Match": tag}, json={"name": "changed over the API"})
    assert changed.status_code == 200, changed.text
    assert name() == "changed over the API"
    assert live.client.delete(path, headers=mine).status_code == 204
    assert live.client.get(path, headers=mine).status_code == 404
