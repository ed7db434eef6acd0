"""The second revision on a record that was filled before it: what was known stays, and is known in the new way."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from clew import migrations
from clew.kernel.database import Database
from clew.kernel.roles import MIGRATOR
from tests.support.record import NOON, Tenant, Writer, empty_database, organization_of_old


@pytest.fixture
def before() -> Iterator[Database]:
    with empty_database() as database:
        with database.transaction(None, MIGRATOR) as connection:
            migrations.upgrade(connection, "0001")
        with database.transaction(None) as connection:
            connection.execute(sa.text("SELECT create_monthly_partitions()"))
            connection.execute(sa.text("SELECT ensure_partitions('social_posts', ARRAY[DATE '2025-03-01'])"))
        yield database


def filled(database: Database) -> tuple[Tenant, UUID, UUID, UUID]:
    """An organization with a row in a file and a post: the organization, the file, its row, the post."""
    tenant, post = organization_of_old(database), uuid4()
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        source = writer.source("sherlock")
        file = writer.item(source, "a.csv")
        row = writer.item(source, "a.csv", line=7)
        connection.execute(
            sa.text("UPDATE collection_items SET parent_id = :file WHERE id = :row"), {"file": file, "row": row}
        )
        profile = writer.entity("social_profile", "quietowl", "tiktok")
        writer.insert("social_posts", id=post, platform="tiktok", profile_id=profile, posted_at=NOON, content="kept")
    return tenant, file, row, post


def found(database: Database, tenant: Tenant, statement: str) -> list[tuple[object, ...]]:
    with database.transaction(tenant.context) as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_up_down_and_up_again_keeps_rows_and_posts(before: Database) -> None:
    held = [filled(before) for _ in range(2)]
    for turn in range(2):
        with before.transaction(None, MIGRATOR) as connection:
            migrations.upgrade(connection, "0002")
        for tenant, file, row, post in held:
            places = "SELECT collection_item_id, file_id, line FROM collection_item_places"
            assert found(before, tenant, places) == [(row, file, 7)]
            assert found(before, tenant, "SELECT id, posted_at FROM social_post_keys") == [(post, NOON)]
            known = "SELECT content, impossible_time, metadata, external_id FROM social_posts"
            assert found(before, tenant, known) == [("kept", False, {}, None)]
        forced = (
            "SELECT relname FROM pg_class WHERE relname IN ('collection_items', 'social_posts') AND relforcerowsecurity"
        )
        assert len(found(before, held[0][0], forced)) == 2
        if turn == 0:
            with before.transaction(None, MIGRATOR) as connection:
                migrations.downgrade(connection, "0001")
                assert migrations.current(connection) == "0001"
            for tenant, file, row, post in held:
                assert found(before, tenant, "SELECT id, content FROM social_posts") == [(post, "kept")]
                known = f"SELECT parent_id, line FROM collection_items WHERE id = '{row}'"
                assert found(before, tenant, known) == [(file, 7)]


def test_what_hangs_on_a_post_goes_with_it(before: Database) -> None:
    tenant, _, row, post = filled(before)
    with before.transaction(None, MIGRATOR) as connection:
        migrations.upgrade(connection, "0002")
    with before.transaction(tenant.context) as connection:
        Writer(connection, tenant).insert("social_post_sources", post_id=post, collection_item_id=row)
        connection.execute(sa.text("DELETE FROM social_posts"))
    for table in ("social_post_keys", "social_post_sources"):
        assert found(before, tenant, f"SELECT * FROM {table}") == []
