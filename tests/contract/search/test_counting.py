from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import DocumentSet, SearchIndex
from clew.projections.search.port import (
    AnyOf,
    Bucket,
    DateHistogram,
    Interval,
    SearchReader,
    SearchRequest,
    SearchResult,
    Statistics,
)
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, entity, fill, identifier, names

PLATFORMS = ["github", "mastodon", "GitHub"]


def _entity(number: int) -> dict[str, object]:
    day = f"2024-{number % 12 + 1:02}-{number % 27 + 1:02}T05:06:07.000008Z"
    return entity(
        f"Person {number:03}",
        platform=PLATFORMS[number % 3],
        tags=["all", f"mod{number % 7}"],
        risk_score=number % 101,
        confidence=number / 1000,
        first_seen=day,
        last_seen=day,
    ) | ({} if number % 10 else {"risk_score": None})


DOCUMENTS = [_entity(number) for number in range(300)]
ATTACKS = [
    {
        "id": identifier(f"attack {n}"),
        "timestamp": when,
        "ended_at": when,
        "source_ip": f"192.0.2.{n}",
        "port": 22 + n % 2,
    }
    for n, when in enumerate(
        [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.999999Z",
            "2024-03-01T00:00:00+01:00",
            "2024-03-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ]
    )
]


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: DOCUMENTS, DocumentSet.ATTACKS: ATTACKS})
    with shared_adapter.view().reader() as opened:
        yield opened


def _ask(reader: SearchReader, **rest: object) -> SearchResult:
    return reader.search(ORGANIZATION, SearchRequest(limit=0, **rest))  # type: ignore[arg-type]


def test_facets_count_all_results_and_keep_the_spelling(reader: SearchReader) -> None:
    result = _ask(reader, facets=("platform", "tags", "country"), facet_size=3)
    assert result.total == 300
    assert result.facets["platform"] == (Bucket("GitHub", 100), Bucket("github", 100), Bucket("mastodon", 100))
    assert result.facets["tags"] == (Bucket("all", 300), Bucket("mod0", 43), Bucket("mod1", 43))
    assert result.facets["country"] == ()


def test_facets_follow_the_query(reader: SearchReader) -> None:
    result = _ask(reader, text="person", filters=(AnyOf("platform", ("github",)),), facets=("platform",))
    assert result.facets["platform"] == (Bucket("GitHub", 100), Bucket("github", 100))
    assert result.total == 200


def test_numbers_and_addresses_are_counted_as_text(reader: SearchReader) -> None:
    result = _ask(reader, index=SearchIndex.ATTACKS, facets=("port", "source_ip"))
    assert result.facets["port"] == (Bucket("22", 4), Bucket("23", 3))
    assert Bucket("192.0.2.3", 1) in result.facets["source_ip"]


def test_statistics_are_of_what_has_the_field(reader: SearchReader) -> None:
    stats = _ask(reader, stats=("risk_score", "confidence")).stats
    risks = [d["risk_score"] for d in DOCUMENTS if d["risk_score"] is not None]
    assert stats["risk_score"].count == len(risks) == 270
    assert (stats["risk_score"].minimum, stats["risk_score"].maximum) == (min(risks), max(risks))  # type: ignore[type-var]
    assert stats["risk_score"].mean == pytest.approx(sum(risks) / len(risks))  # type: ignore[arg-type]
    assert stats["risk_score"].total == sum(risks)  # type: ignore[arg-type]
    assert stats["confidence"].count == 300
    nothing = _ask(reader, text="nobody", stats=("confidence",)).stats["confidence"]
    assert nothing == Statistics(0, None, None, None, None)


@pytest.mark.parametrize("interval", list(Interval))
def test_histograms_begin_where_the_calendar_says(reader: SearchReader, interval: Interval) -> None:
    result = _ask(reader, index=SearchIndex.ATTACKS, histogram=DateHistogram(interval))
    starts = [bucket.value for bucket in result.histogram]
    assert starts == sorted(starts)
    assert sum(bucket.count for bucket in result.histogram) == len(ATTACKS)
    expected = {
        Interval.MINUTE: [
            "1969-12-31T23:59:00Z",
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:00:00Z",
            "2024-02-29T23:59:00Z",
        ],
        Interval.HOUR: ["1969-12-31T23:00:00Z", "2024-02-29T23:00:00Z", "2024-03-01T00:00:00Z", "9999-12-31T23:00:00Z"],
        Interval.DAY: ["0001-01-01T00:00:00Z", "1969-12-31T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"],
        Interval.WEEK: ["1969-12-29T00:00:00Z", "2024-02-26T00:00:00Z"],
        Interval.MONTH: [
            "0001-01-01T00:00:00Z",
            "1969-12-01T00:00:00Z",
            "2024-02-01T00:00:00Z",
            "2024-03-01T00:00:00Z",
        ],
        Interval.YEAR: ["0001-01-01T00:00:00Z", "1969-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2024-01-01T00:00:00Z"],
    }[interval]
    assert set(expected) <= set(starts)
    if interval is Interval.WEEK:
        assert next(b.count for b in result.histogram if b.value == "2024-02-26T00:00:00Z") == 3


def test_a_histogram_of_another_field(reader: SearchReader) -> None:
    result = _ask(reader, histogram=DateHistogram(Interval.MONTH, "first_seen"))
    assert [bucket.value[:7] for bucket in result.histogram] == [f"2024-{month:02}" for month in range(1, 13)]


def test_too_many_buckets_are_refused(adapter: Adapter) -> None:
    attacks = [
        {"id": identifier(f"a{n}"), "timestamp": f"2024-01-{n // 1440 + 1:02}T{n // 60 % 24:02}:{n % 60:02}:00Z"}
        for n in range(1100)
    ]
    fill(adapter.view(), {DocumentSet.ATTACKS: attacks})
    with adapter.view().reader() as reader:
        request = SearchRequest(index=SearchIndex.ATTACKS, histogram=DateHistogram(Interval.MINUTE))
        with pytest.raises(SearchQueryError, match="longer interval"):
            reader.search(ORGANIZATION, request)


def test_periods_are_half_open_to_the_microsecond(reader: SearchReader) -> None:
    def total(since: datetime | None, until: datetime | None) -> int:
        return _ask(reader, index=SearchIndex.ATTACKS, since=since, until=until).total

    leap = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    march = datetime(2024, 3, 1, tzinfo=UTC)
    assert total(leap, march) == 1
    assert total(leap, None) == 3
    assert total(None, march) == 5
    assert total(march, march) == 0
    assert total(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)) == 6


def test_what_lasts_is_found_by_any_part_of_its_time(adapter: Adapter) -> None:
    fill(
        adapter.view(),
        {
            DocumentSet.OSINT_ENTITIES: [
                entity("long", first_seen="2020-01-01T00:00:00Z", last_seen="2024-01-01T00:00:00Z"),
                entity("only began", first_seen="2022-01-01T00:00:00Z", last_seen=None),
                entity("timeless", first_seen=None, last_seen=None),
            ]
        },
    )
    with adapter.view().reader() as reader:

        def between(since: int, until: int) -> list[str]:
            request = SearchRequest(since=datetime(since, 1, 1, tzinfo=UTC), until=datetime(until, 1, 1, tzinfo=UTC))
            return sorted(names(reader.search(ORGANIZATION, request)))

        assert between(2021, 2022) == ["long"]
        assert between(2022, 2023) == ["long", "only began"]
        assert between(2025, 2026) == between(2018, 2019) == []


def test_thousands_of_values_may_be_asked_for_at_once(reader: SearchReader) -> None:
    addresses = tuple(f"10.{n // 250}.{n % 250}.1" for n in range(3_000))
    filters = (AnyOf("source_ip", (*addresses, "192.0.2.3", "192.0.2.4/31")),)
    assert _ask(reader, index=SearchIndex.ATTACKS, filters=filters).total == 3
    ports = (AnyOf("port", tuple(range(20, 10_000))),)
    assert _ask(reader, index=SearchIndex.ATTACKS, filters=ports).total == len(ATTACKS)
    tags = (AnyOf("tags", ("mod1", *(f"none{n}" for n in range(9_000)))),)
    assert _ask(reader, filters=tags).total == 43
