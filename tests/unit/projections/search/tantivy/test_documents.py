"""Documents on their way into the engine: nothing of a value is lost, whichever way it takes."""

from base64 import b64decode
from ipaddress import ip_address
from uuid import UUID

import orjson
import pytest
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.search.fields import DocumentSet
from clew.projections.search.tantivy.documents import DocumentBuilder, MisfitError

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


@given(st.lists(FINITE | st.decimals(-180, 180, places=6).map(float) | st.floats(-180, 180), min_size=1, max_size=200))
def test_numbers_that_go_as_json_arrive_to_the_last_bit(numbers: list[float]) -> None:
    plain = [
        number for number in numbers if isinstance(ENTITIES.build({"id": IDENTIFIER, "confidence": number})[1], str)
    ]
    if plain:
        assert engine_reads(plain, orjson.dumps({"confidence": plain}).decode()) == plain


def test_other_numbers_go_as_they_are() -> None:
    _, built = ENTITIES.build({"id": IDENTIFIER, "confidence": 0.1 + 0.2})
    assert isinstance(built, tantivy.Document)
    assert built.to_dict()["confidence"] == [0.1 + 0.2]
    _, common = ENTITIES.build({"id": IDENTIFIER, "confidence": 0.95})
    assert isinstance(common, str)


def test_the_document_itself_is_kept_byte_by_byte() -> None:
    document = {"id": IDENTIFIER, "client": "SSH-2.0-Ärger 東京", "port": 22}
    number, built = ATTACKS.build(document)
    assert number == 7
    assert isinstance(built, str)
    assert orjson.loads(b64decode(orjson.loads(built)["_doc"])) == document


@given(
    st.ip_addresses().map(str) | st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3}){2,4}(%[a-z])?", fullmatch=True) | st.text()
)
def test_addresses_are_those_of_the_standard_library(text: str) -> None:
    try:
        expected = str(ip_address(text.partition("%")[0]))
    except ValueError:
        with pytest.raises(MisfitError):
            ATTACKS.build({"id": IDENTIFIER, "source_ip": text})
    else:
        _, built = ATTACKS.build({"id": IDENTIFIER, "source_ip": text})
        assert isinstance(built, str)
        assert orjson.loads(built)["source_ip"] == expected
