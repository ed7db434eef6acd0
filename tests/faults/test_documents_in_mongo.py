"""Documents in a MongoDB to which the worst is done while the record changes: equal in the end, and soon."""

import struct
from collections.abc import Iterator
from typing import Final

import bson
import pytest

from tests.engines.mongo import ON_MONGO, mongo_address, running_mongo, through
from tests.faults import harness
from tests.faults.harness import Stage, survive
from tests.faults.proxy import Answer, FaultyWire
from tests.faults.stream import Changes
from tests.integration.projections.test_documents_on_mongo import MongoPlace
from tests.support.projecting import new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]

ENRICHMENT: Final = Changes(
    """
INSERT INTO enriched_data (organization_id, id, entity_id, collection_item_id, enrichment_type, data)
SELECT %(organization)s, md5(n::text)::uuid, (SELECT id FROM entities WHERE organization_id = %(organization)s LIMIT 1),
       md5(n::text)::uuid, 'registration', jsonb_build_object('a.b', n, '$c', 'x')
FROM generate_series(%(first)s::int, %(last)s::int) AS n
""",
    """
UPDATE enriched_data SET data = jsonb_build_object('score', %(score)s::int), updated_at = now()
WHERE organization_id = %(organization)s
  AND id = ANY(ARRAY(SELECT md5(n::text)::uuid FROM generate_series(%(first)s::int, %(last)s::int) AS n))
""",
    """
DELETE FROM enriched_data WHERE organization_id = %(organization)s AND id = md5(%(first)s::int::text)::uuid
""",
)
_MESSAGE: Final = 2013
_GREETINGS: Final = frozenset({"hello", "ismaster", "isMaster", "ping"})
_WRITES: Final = frozenset({"insert", "update", "delete", "create", "createIndexes", "drop"})


def failing(code: int, message: str, *, only: frozenset[str] | None = None) -> Answer:
    """Commands (those of `only`, or all but greetings) are answered by an error of that code."""

    def answer(data: bytes) -> bytes | None:
        if len(data) < 26:
            return None
        _, request, _, operation = struct.unpack_from("<iiii", data)
        length = struct.unpack_from("<i", data, 21)[0]
        if operation != _MESSAGE or len(data) < 21 + length:
            return None
        command = next(iter(bson.decode(data[21 : 21 + length])))
        if command in _GREETINGS or (only is not None and command not in only):
            return None
        body = bson.encode({"ok": 0.0, "code": code, "errmsg": message})
        return struct.pack("<iiiiiB", 21 + len(body), 1, request, _MESSAGE, 0, 0) + body

    return answer


FAULTS: dict[str, tuple[float, harness.Fault]] = {
    **harness.FAULTS,
    "read-only": (15.0, lambda stage: stage.wire.answering(failing(10107, "not primary", only=_WRITES))),
    "another password": (15.0, lambda stage: stage.wire.answering(failing(18, "Authentication failed."))),
}


@pytest.fixture(params=[each for each in ON_MONGO if each.values == ("mongo-protocol",)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    node = running_mongo()
    with FaultyWire(node.port) as wire, new_place() as place:
        made = MongoPlace(place, through(mongo_address(request.param, timeout_seconds=5.0), wire.port))
        yield Stage(place, node, wire)
        made.connection.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_done_to_mongodb_it_ends_equal_with_the_record(stage: Stage, fault: str) -> None:
    seconds, does = FAULTS[fault]
    survive(stage, seconds, does, ENRICHMENT)
