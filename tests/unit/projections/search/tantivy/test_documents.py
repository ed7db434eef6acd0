"""Documents on their way into the engine: nothing of a value is lost, whichever way it takes."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import orjson
import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.search.fields import DocumentSet
from clew.projections.search.physical.values import MisfitError
from clew.projections.search.tantivy.documents import DocumentBuilder

IDENTIFIER = str(UUID(int=7))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
ENTITIES = DocumentBuilder(DocumentSet.OSINT_ENTITIES)
ATTACKS = DocumentBuilder(DocumentSet.ATTACKS)


def engine_reads(numbers: list[float], text: str) -> list[float]:
    """What Tantivy makes of numbers in a JSON document."""
    builder = tantivy.SchemaBuilder()
    builder.add_float_field("confidence", stored=True)
    index = tantivy.Index(builder.build())
    writer = index.writer(heap_size=16 << 20, num_threads=1)
    writer.add_json(text)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    ((_, address),) = searcher.search(tantivy.Query.all_query(), 1).hits
    found = searcher.doc(address).to_dict()["confidence"]
    assert len(found) == len(numbers)
    return [float(number) for number in found]


def built(builder: DocumentBuilder, document: Mapping[str, Any]) -> str | tantivy.Document:
    """What the engine is given for one document."""
    (found,) = builder.build([document]).documents
    return found


@given(st.lists(FINITE | st.decimals(-180, 180, places=6).map(float) | st.floats(-180, 180), min_size=1, max_size=200))
def test_numbers_that_go_as_json_arrive_to_the_last_bit(numbers: list[float]) -> None:
    plain = [number for number in numbers if isinstance(built(ENTITIES, {"id": IDENTIFIER, "confidence": number}), str)]
    if plain:
        assert engine_reads(plain, orjson.dumps({"confidence": plain}).decode()) == plain


def test_other_numbers_go_as_they_are() -> None:
    other, common = ENTITIES.build(
        [{"id": IDENTIFIER, "confidence": 0.1 + 0.2}, {"id": IDENTIFIER, "confidence": 0.95}]
    ).documents
    assert isinstance(other, tantivy.Document)
    assert other.to_dict()["confidence"] == [0.1 + 0.2]
    assert isinstance(common, str)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.text(st.sampled_from('ab "\\\n\x00\x1f\x7f/éß東'), max_size=8)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).flatmap(  # noqa: DTZ001  they get one below
    lambda when: st.sampled_from((UTC, UTC, timezone(timedelta(hours=5, minutes=30)))).map(
        lambda zone: when.replace(tzinfo=zone)
    )
)


def as_postgresql_writes(when: datetime) -> str:
    text = when.astimezone(UTC).isoformat().removesuffix("+00:00")
    return f"{text.rstrip('0') if '.' in text else text}+00:00"


ATTACK = st.fixed_dictionaries(
    {"id": st.uuids().map(str)},
    optional={
        "timestamp": MOMENTS.map(datetime.isoformat),
        "ended_at": MOMENTS.map(as_postgresql_writes),
        "source_ip": st.ip_addresses().map(str),
        "port": st.integers(1, 3) | st.none(),
        "source_port": st.integers(-(1 << 63), (1 << 63) - 1),
        "protocol": PLAIN | TEXT,
        "payload": PLAIN | TEXT,
        "payload_hash": PLAIN | TEXT,
        "client": PLAIN | TEXT,
    },
)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@given(st.lists(ATTACK, min_size=1, max_size=12))
def test_many_documents_are_built_as_each_alone_and_say_what_was_put(documents: list[dict[str, Any]]) -> None:
    together = DocumentBuilder(DocumentSet.ATTACKS).build(documents)
    assert together.documents == [built(ATTACKS, document) for document in documents]
    ids = [UUID(document["id"]) for document in documents]
    assert together.identities.keys == [b64encode(each.bytes).decode().rstrip("=") for each in ids]
    for document, text in zip(documents, together.documents, strict=True):
        assert isinstance(text, str)
        said = orjson.loads(text)
        identity = UUID(document["id"]).int
        assert orjson.loads(b64decode(said["_doc"])) == document
        assert (said["_hi"], said["_lo"]) == (identity >> 64, identity & (1 << 64) - 1)
        assert 0 <= said["_tie"] <= 0.03
        for name in ("timestamp", "ended_at"):
            if name in document:
                since = datetime.fromisoformat(document[name]) - datetime(1970, 1, 1, tzinfo=UTC)
                assert said[name] == since // timedelta(microseconds=1)
        for name in ("source_ip", "port", "source_port", "protocol", "client"):
            assert said.get(name) == document.get(name)
        for name in ("payload", "client"):
            assert name not in document or listed(said[f"{name}__words"])[0] == document[name]
        for name in ("source_ip", "protocol", "payload_hash"):
            assert name not in document or document[name] in said["_other"]


ENTITY = st.fixed_dictionaries(
    {"id": st.uuids().map(str)},
    optional={
        "name": PLAIN | TEXT,
        "normalized_name": PLAIN | TEXT,
        "username": PLAIN | TEXT,
        "content": PLAIN | TEXT,
        "language": st.sampled_from(["de", "en-GB", "xx"]),
        "tags": st.lists(PLAIN, max_size=3),
        "risk_score": st.integers(0, 3),
        "confidence": st.sampled_from([0, 0.0, -0.0, 1, 1.0, 0.95, 0.1 + 0.2, 1e300]),
        "location": st.fixed_dictionaries({"lat": st.floats(-90, 90), "lon": st.floats(-180, 180)}),
        "properties": st.dictionaries(PLAIN, PLAIN, max_size=2),
    },
)


def fields_of(document: str | tantivy.Document) -> dict[str, list[Any]]:
    """What either form of a document holds, but for the text that is kept."""
    fields = orjson.loads(document) if isinstance(document, str) else document.to_dict()
    return {name: listed(value) for name, value in fields.items() if name != "_doc"}


@given(st.lists(ENTITY, min_size=1, max_size=12))
def test_entities_too(documents: list[dict[str, Any]]) -> None:
    together = DocumentBuilder(DocumentSet.OSINT_ENTITIES).build(documents).documents
    for document, made in zip(documents, together, strict=True):
        alone = built(ENTITIES, document)
        assert type(made) is type(alone)
        said = fields_of(made)
        assert said == fields_of(alone)
        assert said.get("tags", []) == document.get("tags", [])
        assert said.get("confidence") == ([document["confidence"]] if "confidence" in document else None)
        assert ("_lat" in said) == ("location" in document)
        if "location" in document:
            assert (said["_lat"], said["_lon"]) == ([document["location"]["lat"]], [document["location"]["lon"]])
        if document.get("language") == "de" and "content" in document:
            assert (said["_stem_de"], said["_lang"]) == ([document["content"]], ["de"])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"port": True}, "port: is not a whole number of 64 bits"),
        ({"event_count": True}, "event_count: is not a whole number of 64 bits"),
        ({"event_count": 1 << 63}, "event_count: is not a whole number of 64 bits"),
        ({"timestamp": "2025-03-09T25:00:00.000000+00:00"}, "timestamp: is no time that exists"),
        ({"timestamp": "2025-03-09T12:60:00.000000+00:00"}, "timestamp: is no time that exists"),
        ({"timestamp": "2025-03-09T12:00:00.00000²+00:00"}, "timestamp: is not an RFC 3339 time"),
        ({"timestamp": "2025-03-09T12:00:00.1234567+00:00"}, "timestamp: is not an RFC 3339 time"),
        ({"timestamp": "2025-03-09T12:00:00"}, "timestamp: is not an RFC 3339 time"),
        ({"timestamp": "20250309T12000000000+00:00"}, "timestamp: is not an RFC 3339 time"),
        ({"payload": ["x"]}, "payload: is not a text"),
        ({"protocol": {}}, "protocol: is not a text"),
        ({"colour": "red"}, "'colour' is not a field of its set"),
        ({"id": f"{IDENTIFIER[:-2]}  "}, "id: is not a uuid"),
        ({"id": IDENTIFIER.replace("-", "0", 1).replace("0", "-", 1)}, "id: is not a uuid"),
    ],
)
def test_what_does_not_fit_is_told_though_its_like_was_seen(document: dict[str, Any], reason: str) -> None:
    good = {"id": IDENTIFIER, "port": 1, "event_count": 1, "timestamp": "2025-03-09T12:00:00.000001+00:00"}
    for documents in ([good, good | document], [good | document]):
        with pytest.raises(MisfitError) as refused:
            ATTACKS.build(documents)
        assert str(refused.value).startswith(reason)


def test_no_more_is_built_at_once_than_memory_allows() -> None:
    documents = [{"id": IDENTIFIER, "payload": "x" * (6 << 20)}] * 5
    assert len(ATTACKS.build(documents).documents) == 3


def test_the_document_itself_is_kept_byte_by_byte() -> None:
    document = {"id": IDENTIFIER, "client": "SSH-2.0-Ärger 東京", "port": 22}
    text = built(ATTACKS, document)
    assert isinstance(text, str)
    assert b64decode(orjson.loads(text)["_doc"]) == orjson.dumps(document)


@given(
    st.ip_addresses().map(str) | st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3}){2,4}(%[a-z])?", fullmatch=True) | st.text()
)
def test_addresses_are_those_of_the_standard_library(text: str) -> None:
    try:
        expected = str(ip_address(text.partition("%")[0]))
    except ValueError:
        with pytest.raises(MisfitError):
            ATTACKS.build([{"id": IDENTIFIER, "source_ip": text}])
    else:
        said = built(ATTACKS, {"id": IDENTIFIER, "source_ip": text})
        assert isinstance(said, str)
        assert orjson.loads(said)["source_ip"] == expected
