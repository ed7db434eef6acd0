"""Record and view are compared by parts, and come out as if they were compared in one."""

from uuid import UUID

import pytest

from clew.projections import search_comparison
from clew.projections.search.fields import DocumentSet

ORGANIZATION, PART = UUID(int=1), DocumentSet.OSINT_ENTITIES


@pytest.mark.parametrize("joined", [1, 7, 1_000])
def test_every_difference_is_found_once_whatever_the_parts(joined: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_comparison, "_JOINED", joined)
    ids = [str(UUID(int=number << 64 | number * 7)) for number in range(40)]
    recorded = search_comparison._digests((each, b"text", "entities") for each in ids[:30])
    viewed = search_comparison._digests((each, b"text" if each != ids[20] else b"other", "") for each in ids[10:])
    found = search_comparison._Found()
    found.add(ORGANIZATION, PART, recorded, viewed)
    comparison = found.comparison()
    assert (comparison.record_rows, comparison.view_rows) == (30, 30)
    assert sorted(str(each.row_id) for each in comparison.missing) == ids[:10]
    assert sorted(str(each.row_id) for each in comparison.extra) == ids[30:]
    assert [str(each.row_id) for each in comparison.different] == [ids[20]]
    assert {each.table for each in (*comparison.missing, *comparison.different)} == {"entities"}
    assert {each.table for each in comparison.extra} == {None}
