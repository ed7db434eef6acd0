"""Documents in MongoDB: equal to the record whatever is done to either, or to whoever keeps them."""

import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import SecretStr

from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import load_settings
from clew.projections.documents.errors import DocumentStoreUnavailableError
from clew.projections.documents.mongo.address import MongoAddress, address_of
from clew.projections.documents.mongo.connection import MongoConnection
from clew.projections.documents.mongo.indexes import MIGRATIONS
from clew.projections.documents.mongo.view import MongoDocumentView
from clew.projections.documents.port import DocumentCollection, DocumentRequest
from clew.projections.documents_projection import DocumentsProjection
from clew.projections.keeping import UNREACHABLE, drill, status, verify
from tests.engines.mongo import ON_MONGO, mongo_address, running_mongo
from tests.integration.projections.test_kills import environment_of, is_free
from tests.support.embedded import wait_until
from tests.support.projecting import Place, add_domain, new_place

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]
ENRICHED = DocumentCollection.ENRICHED_DATA
KILLS = 4
FOLLOW = """
import sys, threading
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from clew.projections.documents.mongo.address import MongoAddress
from clew.projections.documents.mongo.connection import MongoConnection
from clew.projections.documents.mongo.view import MongoDocumentView
from clew.projections.documents_projection import DocumentsProjection
from clew.projections.projector import Projector
settings = Settings.model_validate_json(sys.argv[1])
view = MongoDocumentView(MongoConnection(MongoAddress(sys.argv[2], sys.argv[3], "there", False, True)))
with Database(settings) as database:
    with Projector(database, [DocumentsProjection(lambda: view)]) as projector:
        print("following", flush=True)
        projector.follow(threading.Event(), idle_seconds=0.01)
"""


@dataclass
class MongoPlace:
    """A record whose documents are in MongoDB."""

    place: Place
    address: MongoAddress

    def __post_init__(self) -> None:
        self.connection = MongoConnection(self.address)
        self.view = MongoDocumentView(self.connection)
        self.place.projection = DocumentsProjection(lambda: self.view)
        with self.place.writing() as connection:
            self.entity = add_domain(connection, self.place.tenant, "lantern.example")

    def name_of(self, collection: DocumentCollection) -> str:
        state = self.view.state()
        assert state is not None
        return state.collections[collection]

    def by_hand(self, collection: DocumentCollection = ENRICHED) -> Any:
        """What somebody does with MongoDB's own tools."""
        client: Any = self.connection._client
        return client[self.address.database][self.name_of(collection)]

    def add(self, connection: psycopg.Connection[Any], data: str = "{}") -> UUID:
        row = connection.execute(
            "INSERT INTO enriched_data (organization_id, entity_id, collection_item_id, enrichment_type, data)"
            " VALUES (%s, %s, %s, 'registration', %s::jsonb) RETURNING id",
            (self.place.tenant.id, self.entity, uuid4(), data),
        ).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    def key(self, identifier: UUID) -> str:
        return f"{self.place.tenant.id}/{identifier}"


@contextlib.contextmanager
def opened(kind: str) -> Iterator[MongoPlace]:
    with new_place() as place:
        made = MongoPlace(place, mongo_address(kind))
        yield made
        wait_until(lambda: _is_removed(made), "the server to answer")
        made.connection.close()


def _is_removed(made: MongoPlace) -> bool:
    try:
        made.view.remove()
    except DocumentStoreUnavailableError:
        return False
    return True


@pytest.fixture(params=ON_MONGO)
def mongo(request: pytest.FixtureRequest) -> Iterator[MongoPlace]:
    with opened(request.param) as made:
        yield made


@pytest.fixture(params=[each for each in ON_MONGO if each.values == ("mongo-protocol",)])
def own_mongo(request: pytest.FixtureRequest) -> Iterator[MongoPlace]:
    """On the server that tests may kill."""
    with opened(request.param) as made:
        yield made


def test_what_is_changed_or_deleted_by_hand_is_found_and_repaired(mongo: MongoPlace) -> None:
    place = mongo.place
    with place.writing() as connection:
        ids = [mongo.add(connection, f'{{"n": {number}, "a.b": "$x"}}') for number in range(12)]
    assert place.catch_up().rebuilt is not None
    place.assert_equal(12)
    kept = mongo.by_hand()
    kept.update_one({"_id": mongo.key(ids[0])}, {"$set": {"data": {"n": "forged"}}})
    kept.update_one({"_id": mongo.key(ids[1])}, {"$set": {"created_at": None}})
    kept.update_one({"_id": mongo.key(ids[2])}, {"$set": {"further": 1}})
    kept.update_one({"_id": mongo.key(ids[3])}, {"$set": {"organization_id": str(uuid4())}})
    kept.update_one({"_id": mongo.key(ids[4])}, {"$unset": {"metadata": ""}})
    kept.delete_one({"_id": mongo.key(ids[5])})
    stray = {"organization_id": str(place.tenant.id), "id": str(uuid4()), "at": 0}
    kept.insert_one({"_id": "put by hand"} | stray)
    kept.insert_one({"_id": "nameless", "organization_id": str(place.tenant.id)})
    with place.projector() as projector:
        found = verify(projector, "documents").comparison
        assert len(found.missing) == 2
        assert {each.row_id for each in found.missing} == {ids[3], ids[5]}
        assert {each.row_id for each in found.different} == {ids[0], ids[1], ids[2], ids[4]}
        assert len(found.extra) == 3
        assert verify(projector, "documents", repair=True).equal
    place.assert_equal(12)
    assert kept.find_one({"_id": "put by hand"}) is None
    assert kept.find_one({"_id": "nameless"}) is None


def test_a_part_that_is_lost_is_noticed_and_all_is_made_anew(mongo: MongoPlace) -> None:
    place = mongo.place
    with place.writing() as connection:
        mongo.add(connection)
    place.catch_up()
    for collection in DocumentCollection:
        mongo.by_hand(collection).drop()
        assert place.catch_up().rebuilt is not None, collection
        place.assert_equal(1)
    client: Any = mongo.connection._client
    client[mongo.address.database]["clew_state"].drop()
    assert place.catch_up().rebuilt is not None
    place.assert_equal(1)
    names = client[mongo.address.database].list_collection_names()
    assert len(names) == len(DocumentCollection) + 1


def test_indexes_are_as_their_migrations_say_and_are_brought_up(mongo: MongoPlace) -> None:
    place = mongo.place
    with place.writing() as connection:
        mongo.add(connection)
        place.catch_up()
        for collection in DocumentCollection:
            promised = {index.name for step in MIGRATIONS for index in step.adds if index.collection is collection}
            assert promised <= set(mongo.by_hand(collection).index_information())
        kept = mongo.by_hand()
        gone = next(name for name in kept.index_information() if name.startswith("entity_id"))
        kept.drop_index(gone)
        client: Any = mongo.connection._client
        client[mongo.address.database]["clew_state"].update_many({"indexes": 1}, {"$set": {"indexes": 0}})
        mongo.add(connection)
        assert place.catch_up().rebuilt is None
    assert gone in kept.index_information()
    place.assert_equal(2)


def test_a_rebuild_swaps_at_once_and_a_drill_touches_nothing(mongo: MongoPlace) -> None:
    place = mongo.place
    with place.writing() as connection:
        for _ in range(5):
            mongo.add(connection)
    place.catch_up()
    before = mongo.name_of(ENRICHED)
    with place.projector() as projector:
        assert drill(projector, "documents").equal
        assert mongo.name_of(ENRICHED) == before
        projector.rebuild("documents", "asked for")
    assert mongo.name_of(ENRICHED) != before
    place.assert_equal(5)
    client: Any = mongo.connection._client
    assert len(client[mongo.address.database].list_collection_names()) == len(DocumentCollection) + 1


def test_what_even_compressed_does_not_fit_is_set_aside_and_what_is_too_deep(mongo: MongoPlace) -> None:
    place = mongo.place
    noise = secrets.token_hex(17 << 20)
    with place.writing() as connection:
        large = mongo.add(connection, f'{{"noise": "{noise}"}}')
        deep = mongo.add(connection, "[" * 240 + "]" * 240)
        mongo.add(connection)
    assert place.catch_up().error is None
    place.assert_equal(1)
    with place.projector() as projector:
        aside = projector.books.aside("documents")
    assert {key[1] for key in aside} == {large, deep}
    assert "16,711,680" in aside[place.tenant.id, large]
    assert "nested" in aside[place.tenant.id, deep]
    with place.writing() as connection:
        connection.execute("UPDATE enriched_data SET data = '{}'")
    assert place.catch_up().error is None
    place.assert_equal(3)
    with place.projector() as projector:
        assert projector.books.count_aside("documents") == 0


_THOUSANDS = """
INSERT INTO enriched_data (organization_id, entity_id, collection_item_id, enrichment_type, data)
SELECT %s, %s, gen_random_uuid(), 'registration', jsonb_build_object('n', n) FROM generate_series(1, 2500) AS n
"""


def test_thousands_are_put_changed_removed_and_set_aside_together(mongo: MongoPlace) -> None:
    place = mongo.place
    with place.writing() as connection:
        connection.execute(_THOUSANDS, (place.tenant.id, mongo.entity))
    assert place.catch_up().rebuilt is not None
    place.assert_equal(2500)
    with place.writing() as connection:
        connection.execute("DELETE FROM enriched_data WHERE (data->>'n')::int % 50 = 0")
        connection.execute("UPDATE enriched_data SET data = data || '{\"again\": true}'")
        deep = "[" * 240 + "]" * 240
        connection.execute("UPDATE enriched_data SET data = %s WHERE (data->>'n')::int %% 100 = 1", (deep,))
    told = place.catch_up()
    assert (told.rebuilt, told.error) == (None, None)
    place.assert_equal(2425)
    with place.projector() as projector:
        assert projector.books.count_aside("documents") == 25
        projector.rebuild("documents", "asked for")
        assert projector.books.count_aside("documents") == 25
    place.assert_equal(2425)


def test_a_server_that_is_away_is_waited_for(own_mongo: MongoPlace) -> None:
    place = own_mongo.place
    with place.writing() as connection:
        own_mongo.add(connection)
        place.catch_up()
        running_mongo().kill()
        own_mongo.add(connection)
        assert "does not do what is asked now" in str(place.catch_up().error)
        (told,) = status(place.database, [place.projection])
        assert (told.state, told.rows, told.lag_changes > 0) == (UNREACHABLE, 1, True)
        running_mongo().start()
    wait_until(lambda: place.catch_up().error is None, "the server to be asked again")
    place.assert_equal(2)


def test_whoever_is_killed_record_and_documents_end_equal(own_mongo: MongoPlace) -> None:
    place = own_mongo.place
    place.catch_up()
    settings, environment = environment_of(place)
    for round_ in range(KILLS):
        arguments = [settings, own_mongo.address.url, own_mongo.address.database]
        process = subprocess.Popen(
            [sys.executable, "-c", FOLLOW, *arguments], stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "following\n"
            with place.writing() as connection:
                for number in range(random.randint(5, 60)):
                    own_mongo.add(connection, f'{{"n": {number}}}')
            if round_ % 2:
                running_mongo().kill()
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        if round_ % 2:
            running_mongo().start()
        wait_until(lambda: is_free(place), "the server to notice that the follower was killed")
    wait_until(lambda: place.catch_up().error is None, "the server to be asked again")
    place.assert_equal()


def test_another_writer_is_noticed(mongo: MongoPlace) -> None:
    place = mongo.place
    with place.writing() as connection:
        mongo.add(connection)
        place.catch_up()
        client: Any = mongo.connection._client
        with place.projection.writing() as writing:
            client[mongo.address.database]["clew_state"].update_many({}, {"$set": {"position": "somebody else's"}})
            with pytest.raises(Exception, match="another process"):
                writing.commit("ours")
        assert place.catch_up().rebuilt is not None
    place.assert_equal(1)


def test_readers_are_given_what_is_published(mongo: MongoPlace) -> None:
    place = mongo.place
    reader = mongo.view.reader
    with pytest.raises(DocumentStoreUnavailableError, match="no documents"):
        reader.find(place.tenant.id, ENRICHED, DocumentRequest())
    with place.writing() as connection:
        mongo.add(connection)
    place.catch_up()
    assert len(reader.find(place.tenant.id, ENRICHED, DocumentRequest()).documents) == 1


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mongodb://host/a/b", "not the URL"),
        ("mongodb://", "not the URL"),
        ("mongodb://u:secret@host/x?tlsInsecure=true", "any server pass"),
        ("mongodb://u:secret@host/x?tlsAllowInvalidCertificates=true", "any server pass"),
    ],
)
def test_urls_that_are_refused_are_not_repeated(url: str, complaint: str) -> None:
    settings = load_settings(documents_url=SecretStr(url))
    with pytest.raises(ConfigurationError, match=complaint) as refused:
        address_of(settings)
    assert "secret" not in str(refused.value)
    assert os.environ.get("CLEW_DOCUMENTS_URL") is None
