"""All embedded views of one large record at once: equal after they are built, and after much of it was changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clew.kernel.database import Database
from clew.projections.keeping import verify
from clew.projections.projector import Projector
from clew.projections.registry import projections
from tests.support.projecting import Place
from tests.support.record import new_organization
from tests.support.vectors import embedded_record

pytestmark = [pytest.mark.slow, pytest.mark.same_everywhere, pytest.mark.timeout(1200)]

ENTITIES = 100_000
RELATIONSHIPS = 300_000
CHANGES = 10_000
TYPES = "ARRAY['domain', 'ip_address', 'username', 'social_profile', 'organization']"
ADD_ENTITIES = f"""
INSERT INTO entities (organization_id, entity_type, name, normalized_name, properties, risk_score)
SELECT %(organization)s, ({TYPES})[1 + n %% 5], 'thing-' || n || '.example', 'thing-' || n || '.example',
    jsonb_build_object('note', 'of ' || n %% 97), n %% 101
FROM generate_series(1, %(count)s::int) AS n
"""
ADD_RELATIONSHIPS = """
WITH numbered AS (SELECT id, row_number() OVER (ORDER BY normalized_name) - 1 AS n FROM entities),
chosen AS (
    SELECT k, (k::bigint * 7919 + k / 5) %% %(count)s AS a,
        -- Every tenth leads to one of ten hubs.
        CASE WHEN k %% 10 = 0 THEN k / 10 %% 10 ELSE (k::bigint * 104729 + 13) %% %(count)s END AS b
    FROM generate_series(1, %(edges)s::int) AS k
)
INSERT INTO relationships (organization_id, source_entity_id, target_entity_id, relationship_type, properties)
SELECT %(organization)s, one.id, other.id, (ARRAY['USES', 'MENTIONS', 'RESOLVES_TO'])[1 + k %% 3], '{"told": "twice"}'
FROM chosen JOIN numbered AS one ON one.n = a JOIN numbered AS other ON other.n = b WHERE a <> b
ON CONFLICT DO NOTHING
"""
# As a load merges: what is known gets another value, a later time, a higher risk.
MERGE = """
UPDATE entities SET properties = properties || '{"merged": true}', risk_score = 100, last_seen = now(),
    updated_at = now()
WHERE id IN (SELECT id FROM entities ORDER BY id LIMIT %(changes)s)
"""
DELETE = """
DELETE FROM entities WHERE id IN (SELECT id FROM entities ORDER BY id DESC LIMIT %(changes)s)
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with embedded_record(tmp_path) as database:
        yield Place(database, tmp_path / "view", new_organization(database))


def assert_all_equal(database: Database) -> dict[str, int]:
    """The rows of each view, brought up to now and compared with the record."""
    rows = {}
    with Projector(database, projections(database.settings)) as projector:
        assert [outcome.error for outcome in projector.catch_up() if outcome.error] == []
        for each in projections(database.settings):
            found = verify(projector, each.name)
            assert found.as_dict()["examples"] == []
            assert found.equal, each.name
            assert projector.books.count_aside(each.name) == 0
            rows[each.name] = found.comparison.view_rows
    return rows


def test_every_view_is_equal_and_equal_again_after_merges_and_deletions(place: Place) -> None:
    told = {"organization": place.tenant.id, "count": ENTITIES, "edges": RELATIONSHIPS, "changes": CHANGES}
    with place.writing() as connection:
        connection.execute(ADD_ENTITIES, told)
        made = connection.execute(ADD_RELATIONSHIPS, told).rowcount
        assert made > 0.95 * RELATIONSHIPS
        connection.execute("ANALYZE entities")
    before = assert_all_equal(place.database)
    assert before.keys() >= {"search", "graph", "series", "vectors"}
    assert before["search"] == before["graph"] == ENTITIES + made
    with place.writing() as connection:
        assert connection.execute(MERGE, told).rowcount == CHANGES
        assert connection.execute(DELETE, told).rowcount == CHANGES
    after = assert_all_equal(place.database)
    assert after["search"] < before["search"] - CHANGES
    assert after["vectors"] < before["vectors"]
