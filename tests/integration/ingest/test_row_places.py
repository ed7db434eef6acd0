"""A result row is known in every file and on every line where it stands, and is one item all the same."""

from pathlib import Path

from clew.domains.investigations import service as investigations
from clew.kernel.database import Database
from clew.records.cards import card
from clew.records.lookup import find_entities
from tests.support.loading import count, facts, load, log, rows
from tests.support.record import Tenant

HEADER = b"username,name,url_main,url_user,exists,http_status,response_time_s"


def row(site: str) -> bytes:
    return b"quietowl,%b,https://%b.example,https://%b.example/quietowl,Claimed,200,0.5" % ((site.encode(),) * 3)


def places(database: Database, tenant: Tenant) -> list[tuple[object, ...]]:
    query = (
        "SELECT file.file_name, place.line FROM collection_item_places AS place"
        " JOIN collection_items AS file ON file.id = place.file_id ORDER BY 1, 2"
    )
    return rows(database, tenant, query)


def test_a_row_in_two_files_is_shown_with_both_and_belongs_to_both_cases(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    first = load(
        database, tenant, log(tmp_path / "a" / "first.csv", [HEADER, row("siteone"), row("sitetwo"), row("siteone")])
    )
    second = load(database, tenant, log(tmp_path / "b" / "second.csv", [HEADER, row("sitethree"), row("siteone")]))

    assert (first.counts.new, first.counts.duplicate) == (2, 1)
    assert (second.counts.new, second.counts.duplicate) == (1, 1)
    expected = [("first.csv", 2), ("first.csv", 3), ("first.csv", 4), ("second.csv", 2), ("second.csv", 3)]
    assert places(database, tenant) == expected
    with database.transaction(tenant.context) as connection:
        (profile,) = find_entities(connection, tenant.id, "siteone:quietowl", "social_profile")
        shown = card(connection, tenant.id, profile.id)
        assert [(each.file, each.line) for each in shown.sources] == [
            ("first.csv", 2),
            ("first.csv", 4),
            ("second.csv", 3),
        ]
        assert shown.source_count == 3
        cut = card(connection, tenant.id, profile.id, limit=2)
        assert (len(cut.sources), cut.source_count) == (2, 3)
        case = investigations.create_investigation(connection, tenant.id, "second only")
        investigations.attach_items(connection, tenant.id, case.id, second.item_ids)
        overview = investigations.investigation_overview(connection, tenant.id, case.id)
    assert overview.items == 3
    assert overview.entities["social_profile"] == 2


def test_loading_again_adds_no_place(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    lines = [HEADER, row("siteone"), row("sitetwo")]
    load(database, tenant, log(tmp_path / "quietowl.csv", lines))
    before, held = facts(database, tenant), places(database, tenant)

    load(database, tenant, tmp_path / "quietowl.csv")
    load(database, tenant, log(tmp_path / "copies" / "quietowl (1).csv", lines))

    assert facts(database, tenant) == before
    assert places(database, tenant) == held
    assert count(database, tenant, "collection_item_places") == 2
