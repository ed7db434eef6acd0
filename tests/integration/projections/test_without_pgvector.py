"""What a server has to have for vectors, and what is told where it has not: Debian's PostgreSQL 15 has no pgvector."""

import sqlalchemy as sa

from clew.projections.projector import Projector
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import SearchProjection
from tests.support.record import migrated_database, new_organization
from tests.support.vectors import place_of


def test_a_server_without_pgvector_names_the_choices_and_keeps_every_other_view() -> None:
    with migrated_database() as database:
        with database.admin_engine().connect() as connection:
            has = connection.scalar(sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"))
        place = place_of(database, tenant=new_organization(database))
        with place.writing() as writer:
            writer.entity("domain", "tern.example")
        search = SearchProjection(TantivySearchView(database.settings.data_dir / "view"))
        with Projector(database, [search, place.projection]) as projector:
            found, vectors = projector.catch_up()
        assert (found.error, search.rows()) == (None, 1)
        if has:
            assert (vectors.error, place.projection.rows()) == (None, 1)
        else:
            assert vectors.error is not None
            assert "this server has no pgvector" in vectors.error
            for choice in ("install pgvector 0.8 or newer", "CLEW_VECTORS_URL", "CLEW_VECTORS=none"):
                assert choice in vectors.error
            assert place.projection.position() is None
