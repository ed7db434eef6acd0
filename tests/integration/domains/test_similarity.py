"""What is like what, asked as people ask: by value, case, text and examples; in groups; with words; by the API."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from psycopg import conninfo
from pydantic import SecretStr

from clew.domains.similarity.groups import grouped
from clew.domains.similarity.hybrid import by_words_and_likeness
from clew.domains.similarity.questions import Question
from clew.domains.similarity.service import opened_vectors, similar
from clew.kernel.database import Database
from clew.kernel.errors import ClewError, NotFoundError
from clew.projections.projector import Projector
from clew.projections.search.errors import SearchQueryError
from clew.projections.search.port import AnyOf, SearchRequest
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import SearchProjection
from clew.projections.vectors.errors import VectorQueryError
from clew.projections.vectors.port import Collection
from tests.support.api import opened_api, problem
from tests.support.record import new_organization
from tests.support.vectors import VectorPlace, embedded_record, place_of

pytestmark = pytest.mark.same_everywhere

DOMAINS = ("paypal.com", "paypa1.com", "paypal-login.com", "tern.example", "tern-island.example", "heron.example.net")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorPlace]:
    with embedded_record(tmp_path_factory.mktemp("similar")) as database:
        place = place_of(database)
        with place.writing() as writer:
            for name in DOMAINS:
                writer.entity("domain", name)
            for name, platform in (("nightowl", "github"), ("night.owl", "tiktok"), ("owl_at_night", "github")):
                writer.entity("username", name, platform)
            writer.entity("ip_address", "203.0.113.9")
            writer.insert("investigations", id=UUID(int=1), name="Paypal look-alikes", description="paypa1 and others")
            writer.insert(
                "investigations", id=UUID(int=2), name="Fake paypal shops", description="look-alikes of paypal"
            )
            writer.insert("investigations", id=UUID(int=3), name="Boats", description="stolen in the harbour")
        assert place.catch_up().error is None
        yield place


def names(place: VectorPlace, **asked: object) -> list[str]:
    answer = similar(place.database, place.tenant.context, Question(**asked))  # type: ignore[arg-type]
    return [each.name for each in answer.items]


def ids(place: VectorPlace) -> dict[str, str]:
    with place.database.transaction(place.tenant.context) as connection:
        return {
            name: str(identifier) for name, identifier in connection.execute(sa.text("SELECT name, id FROM entities"))
        }


def test_a_value_a_case_and_a_text_are_compared_with_others(place: VectorPlace) -> None:
    assert names(place, value="PayPal.com", limit=2) == ["paypa1.com", "paypal-login.com"]
    assert names(place, value="Paypal look-alikes", limit=1) == ["Fake paypal shops"]
    assert names(place, text="tern island", collection=Collection.DOMAINS, limit=2) == [
        "tern-island.example",
        "tern.example",
    ]
    assert names(place, text="night owl", limit=3)[0] in {"night.owl", "owl_at_night"}
    assert names(place, value="nightowl", kind="username", platforms=("tiktok",)) == ["night.owl"]


def test_examples_lead_towards_the_ones_and_away_from_the_others(place: VectorPlace) -> None:
    known = ids(place)
    towards = names(place, like=(known["paypal.com"], known["tern.example"]), limit=3)
    assert set(towards) == {"paypa1.com", "paypal-login.com", "tern-island.example"}
    away = names(place, like=(known["paypal.com"], known["tern.example"]), unlike=(known["paypa1.com"],), limit=1)
    assert away == ["tern-island.example"]


@pytest.mark.parametrize(
    ("asked", "kind", "reason"),
    [
        ({}, VectorQueryError, "like what"),
        ({"value": "a", "text": "b"}, VectorQueryError, "ask for what is like one of"),
        ({"unlike": ("x",), "text": "y"}, VectorQueryError, "no example to begin with"),
        ({"like": ("x",)}, VectorQueryError, "'x' is no id"),
        ({"text": "!!!"}, VectorQueryError, "no word in this text"),
        ({"text": "x", "limit": 0}, VectorQueryError, "limit is 1"),
        ({"text": "x" * 40_000}, VectorQueryError, "longer than"),
        ({"text": "x", "since": "yesterday"}, SearchQueryError, "is no time"),
        ({"value": "203.0.113.9"}, NotFoundError, "of which no vectors are made"),
        ({"value": "nowhere.example"}, NotFoundError, "knows no 'nowhere.example'"),
        ({"like": (str(UUID(int=9)),)}, NotFoundError, "no vector of"),
    ],
)
def test_what_cannot_be_asked_is_told(
    place: VectorPlace, asked: dict[str, object], kind: type[ClewError], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        names(place, **asked)


def test_another_organization_finds_nothing_of_it_by_any_way(place: VectorPlace) -> None:
    other = new_organization(place.database)
    known = ids(place)
    for asked in ({"value": "paypal.com"}, {"value": known["paypal.com"]}, {"like": (known["paypal.com"],)}):
        with pytest.raises(NotFoundError):
            similar(place.database, other.context, Question(**asked))
    assert similar(place.database, other.context, Question(text="paypal")).items == ()


def test_groups_are_found_by_density_and_by_k_means_and_named_by_telling_words(tmp_path: Path) -> None:
    with embedded_record(tmp_path) as database:
        place = place_of(database)
        with place.writing() as writer:
            for number in range(14):
                writer.entity("domain", f"paypal-login{number}.example")
                writer.entity("domain", f"harbour-lantern{number}.test")
            writer.entity("domain", "zzyzx.invalid")
        place.catch_up()
        with opened_vectors(database) as reader:
            dense = grouped(reader, place.tenant.id, Collection.DOMAINS)
            assert grouped(reader, place.tenant.id, Collection.DOMAINS) == dense
            many = grouped(reader, place.tenant.id, Collection.DOMAINS, most_by_density=10)
            nothing = grouped(reader, place.tenant.id, Collection.CONTENT)
    assert (dense.method, dense.subjects, many.method, many.subjects) == ("hdbscan", 29, "k-means", 29)
    assert sum(group.size for group in dense.groups) + dense.apart == 29
    assert sum(group.size for group in many.groups) == 29
    for found in (dense, many):
        told = {term for group in found.groups for term in group.terms}
        assert {"paypal", "harbour"} <= told
        for group in found.groups:
            kinds = {example.name.partition("-")[0] for example in group.examples if "zzyzx" not in example.name}
            assert len(kinds) <= 1  # the odd one may be a group of its own
    assert (nothing.subjects, nothing.groups) == (0, ())


def test_words_and_likeness_make_one_ranking_under_one_set_of_conditions(place: VectorPlace, tmp_path: Path) -> None:
    view = TantivySearchView(tmp_path / "view")
    with Projector(place.database, [SearchProjection(view)]) as projector:
        assert projector.catch_up()[0].error is None
    with view.reader() as reader:

        def found(request: SearchRequest) -> list[str]:
            result = by_words_and_likeness(place.database, reader, place.tenant.id, request)
            assert result.total >= len(result.hits)
            return [hit.name for hit in result.hits]

        words = {hit.name for hit in reader.search(place.tenant.id, SearchRequest("nightowl")).hits}
        both = found(SearchRequest("nightowl", limit=50))
        assert both[0] == "nightowl"
        assert "night.owl" in both
        assert "night.owl" not in words
        assert set(found(SearchRequest("nightowl", limit=50, filters=(AnyOf("platform", ("tiktok",)),)))) == {
            "night.owl"
        }
        assert "Boats" not in found(SearchRequest("nightowl", limit=50, entity_types=("domain",)))
        for wrong in (SearchRequest(""), SearchRequest("x", limit=500), SearchRequest("x", cursor="c")):
            with pytest.raises(SearchQueryError):
                found(wrong)
        other = new_organization(place.database)
        assert by_words_and_likeness(place.database, reader, other.id, SearchRequest("nightowl")).total == 0


def test_vectors_that_are_switched_off_or_not_there_are_told(tmp_path: Path) -> None:
    with embedded_record(tmp_path, vectors="none") as database:
        tenant = new_organization(database)
        with pytest.raises(NotFoundError, match="switched off"):
            similar(database, tenant.context, Question(text="x"))
    folder = tmp_path / "second"
    folder.mkdir()
    with embedded_record(folder) as database:
        tenant = new_organization(database)
        with pytest.raises(NotFoundError, match="no vectors yet"):
            similar(database, tenant.context, Question(text="x"))


def test_the_api_answers_the_same_to_who_may_search(place: VectorPlace) -> None:
    with opened_api(place.database) as api:
        person = api.person(place.tenant, "readonly")
        stranger = api.person(api.organization(), "admin")

        def asked(query: str) -> object:
            response = api.client.get(f"/api/v1/similar{query}", headers=person.headers["key"])
            assert response.status_code == 200, response.text
            return response.json()

        answer = asked("?value=paypal.com&limit=2")
        assert isinstance(answer, dict)
        assert answer["asked"] == "paypal.com"
        assert [each["name"] for each in answer["items"]] == ["paypa1.com", "paypal-login.com"]
        assert answer["items"][0]["model"] == "clew-ngrams"
        groups = asked("/clusters?collection=domains")
        assert isinstance(groups, dict)
        assert groups["subjects"] == 6
        for query, status, code in (("", 400, "vector_query"), ("?value=zz.example", 404, "not_found")):
            problem(api.client.get(f"/api/v1/similar{query}", headers=person.headers["key"]), status, code)
        problem(api.client.get("/api/v1/similar?value=paypal.com", headers=stranger.headers["key"]), 404, "not_found")
        problem(api.client.get("/api/v1/similar?q=x"), 401, "authentication")


def test_a_login_that_may_not_make_the_extension_is_told_what_to_do(tmp_path: Path) -> None:
    """As on a server of the user's, where an administrator has to."""
    with embedded_record(tmp_path) as database:
        with database.admin_engine().begin() as connection:
            connection.execute(sa.text("DROP ROLE IF EXISTS clew_plain"))
            connection.execute(sa.text("CREATE ROLE clew_plain LOGIN PASSWORD 'plain'"))
        given = database.settings.database_url
        assert given is not None
        parameters = conninfo.conninfo_to_dict(given.get_secret_value()) | {"user": "clew_plain", "password": "plain"}
        query = "&".join(f"{name}={value}" for name, value in parameters.items() if name != "dbname")
        plain = SecretStr(f"postgresql:///{parameters['dbname']}?{query}")
        limited = Database(database.settings.model_copy(update={"database_admin_url": plain}))
        try:
            outcome = place_of(limited, tenant=new_organization(database)).catch_up()
        finally:
            limited.close()
            with database.admin_engine().begin() as connection:
                connection.execute(sa.text("DROP ROLE clew_plain"))
    assert outcome.error is not None
    assert "CREATE EXTENSION vector" in outcome.error
    assert "CLEW_VECTORS=none" in outcome.error
