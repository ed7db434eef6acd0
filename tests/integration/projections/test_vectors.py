"""Vectors in step with a real record: in pgvector and in Qdrant's own local engine, whatever happens to either."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa
import sqlalchemy.exc
from qdrant_client import QdrantClient

from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR, PROJECTOR
from clew.kernel.settings import Settings
from clew.projections.keeping import drill
from clew.projections.vectors.models import NGRAMS
from clew.projections.vectors.port import Collection, Point, Subject
from clew.projections.vectors.precision import at_stored_precision
from clew.projections.vectors.qdrant.connection import QdrantConnection
from clew.projections.vectors.qdrant.view import QdrantView
from tests.support.embedding_server import KEY, embedding_server, told
from tests.support.record import NOON, Tenant, Writer, new_organization
from tests.support.vectors import VectorPlace, embedded_record, place_of

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]


@pytest.fixture(params=["pgvector", "qdrant-local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorPlace]:
    with embedded_record(tmp_path) as database:
        if request.param == "pgvector":
            yield place_of(database)
            return
        connection = QdrantConnection(QdrantClient(path=str(tmp_path / "engine")), "local", is_local=True)
        yield place_of(database, QdrantView(connection, tmp_path / "lock", prefix="suite"))
        connection.close()


def fill(writer: Writer) -> dict[str, UUID]:
    made = {
        name: writer.entity("domain", name)
        for name in ("paypal.com", "paypa1.com", "tern.example", "heron.example.net")
    }
    made["keeper"] = writer.entity("username", "lanternkeeper", "github")
    made["malware"] = writer.entity("malware", "Harbour Rat", properties='{"description": "steals lanterns"}')
    made["address"] = writer.entity("ip_address", "203.0.113.9")
    made["item"] = writer.item(
        writer.source("tool"), "rows.csv", raw_data='{"text": "a long night at sea"}', item_type="result"
    )
    made["file"] = writer.item(writer.source("files"), "whole.csv", raw_data='{"text": "no"}', item_type="file")
    return made


def held(place: VectorPlace, collection: Collection, tenant: Tenant | None = None) -> dict[UUID, Point]:
    with place.view.reader() as reader:
        return {each.subject.id: each for each in reader.stored((tenant or place.tenant).id, collection)}


def test_every_kind_of_row_reaches_its_collection_and_follows_the_record(place: VectorPlace) -> None:
    with place.writing() as writer:
        made = fill(writer)
    assert place.catch_up().rebuilt is not None
    assert set(held(place, Collection.DOMAINS)) == {made[name] for name in made if "." in name}
    assert set(held(place, Collection.SOCIAL_PROFILES)) == {made["keeper"]}
    assert set(held(place, Collection.KNOWLEDGE)) == {made["malware"]}
    assert set(held(place, Collection.CONTENT)) == {made["item"]}
    assert held(place, Collection.SOCIAL_PROFILES)[made["keeper"]].subject.platform == "github"
    assert place.verified().equal
    before = held(place, Collection.KNOWLEDGE)[made["malware"]]
    with place.writing() as writer:
        later = writer.entity("domain", "later.example.org")
        changed = {"id": made["malware"], "text": '{"description": "sends spam"}'}
        writer.connection.execute(sa.text("UPDATE entities SET properties = :text WHERE id = :id"), changed)
        writer.connection.execute(sa.text("DELETE FROM entities WHERE id = :id"), {"id": made["tern.example"]})
    outcome = place.catch_up()
    assert (outcome.rebuilt, outcome.error) == (None, None)
    assert outcome.changes >= 3
    assert set(held(place, Collection.DOMAINS)) == {
        made["paypal.com"], made["paypa1.com"], made["heron.example.net"], later
    }  # fmt: skip
    after = held(place, Collection.KNOWLEDGE)[made["malware"]]
    assert after.subject.content_hash != before.subject.content_hash
    assert not np.array_equal(after.vector, before.vector)
    verified = place.verified()
    assert verified.equal
    assert verified.comparison.view_rows == 7
    with place.projector() as projector:
        drilled = drill(projector, "vectors")
    assert (drilled.equal, drilled.rebuilt_rows) == (True, 7)


def test_whatever_is_wrong_in_the_view_is_found_and_mended(place: VectorPlace) -> None:
    with place.writing() as writer:
        made = fill(writer)
    place.catch_up()
    state = place.view.state()
    assert state is not None
    model = state.models[Collection.DOMAINS]
    kept = held(place, Collection.DOMAINS)
    twisted = kept[made["paypal.com"]].vector.copy()
    twisted[3] += 0.25
    renamed = kept[made["paypa1.com"]].subject
    stranger = Subject(id=UUID(int=5), table="entities", kind="domain", name="x", content_hash="0" * 32)
    with place.view.writer() as writer_of_view:
        points = [
            Point(kept[made["paypal.com"]].subject, at_stored_precision(twisted)[0]),
            Point(
                Subject(renamed.id, renamed.table, renamed.kind, "other.com", renamed.content_hash),
                kept[renamed.id].vector,
            ),
            Point(stranger, kept[renamed.id].vector),
        ]
        writer_of_view.put(place.tenant.id, Collection.DOMAINS, points, model=model)
        writer_of_view.remove(place.tenant.id, Collection.DOMAINS, [made["tern.example"]])
        writer_of_view.commit(state.position)
    verified = place.verified()
    found = verified.comparison
    assert not verified.equal
    assert {each.row_id for each in found.different} == {made["paypal.com"], made["paypa1.com"]}
    assert [each.row_id for each in found.missing] == [made["tern.example"]]
    assert [each.row_id for each in found.extra] == [UUID(int=5)]
    mended = place.verified(repair=True)
    assert (mended.repaired, mended.equal) == (True, True)
    assert set(held(place, Collection.DOMAINS)) == {made[name] for name in made if "." in name}


def test_two_organizations_that_hold_the_same_do_not_see_each_other(place: VectorPlace) -> None:
    other = new_organization(place.database)
    with place.writing() as writer:
        fill(writer)
    with place.writing(other) as writer:
        fill(writer)
        writer.entity("domain", "only.example.org")
    place.catch_up()
    assert len(held(place, Collection.DOMAINS)) == 4
    assert len(held(place, Collection.DOMAINS, other)) == 5
    assert not set(held(place, Collection.DOMAINS)) & set(held(place, Collection.DOMAINS, other))
    assert place.verified().equal


@pytest.fixture
def record(tmp_path: Path) -> Iterator[VectorPlace]:
    with embedded_record(tmp_path) as database:
        yield place_of(database)


def test_a_changed_model_makes_the_view_anew_and_pays_for_each_content_once(record: VectorPlace) -> None:
    with record.writing() as writer:
        made = fill(writer)
        twin = new_organization(record.database)
    record.catch_up()
    with embedding_server() as server:
        settings = {
            "embedding_models": {"domain_embeddings": "suite@16"}, "embedding_url": server.url,
            "embedding_api_key": KEY, "embedding_usd_per_million_tokens": 1000.0, "embedding_batch": 2,
        }  # fmt: skip
        paying = place_of(_with(record, **settings), tenant=record.tenant)
        assert paying.projection.position() is None
        assert held(paying, Collection.DOMAINS)
        assert paying.catch_up().rebuilt is not None
        assert sorted(server.texts) == ["heron.example.net", "paypa1.com", "paypal.com", "tern.example"]
        state = paying.view.state()
        assert state is not None
        assert (state.models[Collection.DOMAINS].name, state.models[Collection.CONTENT].name) == ("suite", NGRAMS)
        assert paying.verified().equal
        with paying.projector() as projector:
            projector.rebuild("vectors", "asked for")
        assert len(server.texts) == 4
        with paying.writing(twin) as writer:
            writer.entity("domain", "paypal.com")
        paying.catch_up()
        assert len(server.texts) == 5  # what one organization paid for serves no other
        with paying.database.transaction(record.tenant.context) as connection:
            row = connection.execute(sa.text("SELECT requests, texts, tokens, usd FROM embedding_costs")).one()
            assert (row.requests, row.texts, row.tokens, float(row.usd)) == (2, 4, 4, 0.004)
            connection.execute(sa.text("DELETE FROM entities WHERE id = :id"), {"id": made["tern.example"]})
        with paying.projector() as projector:
            projector.rebuild("vectors", "asked for")
        with paying.database.transaction(record.tenant.context) as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM embedding_cache")) == 3
        paying.database.close()


def test_a_text_that_the_model_chokes_on_is_set_aside_with_the_reason(record: VectorPlace) -> None:
    with embedding_server() as server:
        place = place_of(
            _with(
                record,
                embedding_models={"domain_embeddings": "suite@16"},
                embedding_url=server.url,
                embedding_api_key=KEY,
            ),
            tenant=record.tenant,
        )
        good = server.good

        def choke(body: dict[str, object]) -> dict[str, object]:
            answer: dict[str, object] = good(body)
            return {"data": []} if "paypa1.com" in str(body["input"]) else answer

        server.faults += [lambda body: told(200, choke(body))] * 12
        with place.writing() as writer:
            made = fill(writer)
        place.catch_up()
        assert set(held(place, Collection.DOMAINS)) == {
            made["paypal.com"], made["tern.example"], made["heron.example.net"]
        }  # fmt: skip
        with place.projector() as projector:
            aside = projector.books.aside("vectors")
        assert [key[1] for key in aside] == [made["paypa1.com"]]
        assert "0 vectors for 1 texts" in next(iter(aside.values()))
        assert place.verified().equal
        place.database.close()


def test_an_endpoint_that_is_away_leaves_the_old_view_to_its_readers(record: VectorPlace) -> None:
    with record.writing() as writer:
        fill(writer)
    record.catch_up()
    with embedding_server() as server:
        place = place_of(
            _with(record, embedding_models={"*": "suite@16"}, embedding_url=server.url, embedding_api_key="wrong"),
            tenant=record.tenant,
        )
        outcome = place.catch_up()
    assert outcome.error is not None
    assert "refuses the key" in outcome.error
    assert len(held(place, Collection.DOMAINS)) == 4
    place.database.close()


def test_the_roles_may_do_what_they_need_and_no_more(record: VectorPlace) -> None:
    """The application reads its own organization's vectors and writes none, whatever SQL it sends."""
    with record.writing() as writer:
        fill(writer)
    record.catch_up()
    state = record.view.state()
    assert state is not None
    table = f"clew_vectors.g{state.generation}_domains"
    other = new_organization(record.database)
    with record.database.transaction(record.tenant.context) as connection:
        assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 4
    with record.database.transaction(other.context) as connection:
        assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET name = 'x'", "DELETE FROM clew_vectors.generations"):
        with pytest.raises(sa.exc.ProgrammingError), record.database.transaction(record.tenant.context) as connection:
            connection.execute(sa.text(statement))
    with record.database.transaction(None, PROJECTOR) as connection:
        assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 4
    with record.database.transaction(None, MIGRATOR) as connection:
        assert connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0  # who owns it sees nothing in it
        odd = connection.execute(
            sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'clew_vectors'::regnamespace AND relkind = 'r'"
                " AND relname <> 'generations' AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        ).all()
        assert odd == []


def test_rows_without_words_have_vectors_that_are_like_nothing(record: VectorPlace) -> None:
    with record.writing() as writer:
        item = writer.item(
            writer.source("tool"), "a.csv", raw_data='{"text": "!!! ???"}', item_type="result", collected_at=NOON
        )
    record.catch_up()
    assert not held(record, Collection.CONTENT)[item].vector.any()
    assert record.verified().equal


def _with(place: VectorPlace, **settings: Any) -> Database:
    given: dict[str, Any] = place.database.settings.model_dump(exclude_unset=True)
    return Database(Settings(**(given | settings)))
