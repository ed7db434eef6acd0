"""One row removed, edited or reordered, a tail cut, a seal forged: each is found, and named."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew.domains.audit.chain import BEGINNING, End, Entry, Header, Keys, encode
from clew.domains.audit.checkpoints import CheckpointFile
from clew.domains.audit.sealer import Sealer, SealerBusyError, seal_of_row
from clew.domains.audit.service import seal_now, verify
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.roles import APPLICATION, AUDITOR, MIGRATOR, RETENTION, SEALER
from tests.support.auditing import Trail, found
from tests.support.record import NOON

NAMES = tuple(f"case-{number}" for number in range(12))
SEALS = (
    "SELECT organization_id, number, sealed_at, rows, rows_before, entries, digest, seal, signature"
    " FROM audit.seals WHERE organization_id = :ours ORDER BY number"
)


@pytest.fixture(scope="module")
def sealed(trail: Trail) -> Trail:
    """Four seals of four rows each for us, two for them."""
    trail.seal()
    for start in range(0, len(NAMES), 4):
        trail.act(trail.ours, *NAMES[start : start + 4])
        trail.act(trail.theirs, f"their-{start}")
        trail.seal()
    verified = trail.verify()
    assert verified.ok
    assert (verified.organizations, verified.unsealed) == (2, 0)
    return trail


@pytest.fixture
def attacked(sealed: Trail) -> Iterator[Trail]:
    """The same, for one attack."""
    with sealed.tampering():
        yield sealed
    assert sealed.verify().ok


def test_a_removed_row_is_named(attacked: Trail) -> None:
    row = attacked.row("case-5")
    attacked.owner("DELETE FROM audit.events WHERE id = :id", id=row)
    assert found(attacked) == ("removed", attacked.ours.id, row)


def test_one_organization_is_proved_without_a_word_of_another(attacked: Trail) -> None:
    row = attacked.row("their-4")
    attacked.owner("DELETE FROM audit.events WHERE id = :id", id=row)
    ours = verify(attacked.database, attacked.ours.id)
    assert (ours.ok, ours.organizations, ours.first_bad) == (True, 1, None)
    assert 0 < ours.rows < attacked.verify().rows + 1
    theirs = verify(attacked.database, attacked.theirs.id)
    assert theirs.first_bad is not None
    assert (theirs.first_bad.problem, theirs.first_bad.row) == ("removed", row)


@pytest.mark.parametrize(
    "change",
    [
        "user_name = 'nobody'",
        "success = false",
        "request_data = '{\"a\": 1}'",
        "user_id = gen_random_uuid()",
        '"timestamp" = "timestamp" - interval \'1 microsecond\'',
        '"timestamp" = "timestamp" + interval \'27 days\'',
        "salt = gen_random_uuid()",
        "salt = NULL",
        "event_uuid = gen_random_uuid()",
        "created_at = created_at - interval '1 second'",
    ],
)
def test_an_edited_row_is_named(attacked: Trail, change: str) -> None:
    row = attacked.row("case-6")
    attacked.owner(f"UPDATE audit.events SET {change} WHERE id = :id", id=row)
    assert found(attacked) == ("edited", attacked.ours.id, row)


def test_an_edited_row_of_the_history_is_named(attacked: Trail) -> None:
    (row,) = attacked.owner("SELECT id FROM audit.row_history WHERE organization_id = :id", id=attacked.ours.id)
    attacked.owner('UPDATE audit.row_history SET new_data = new_data || \'{"role": "user"}\' WHERE id = :id', id=row[0])
    assert found(attacked) == ("edited", attacked.ours.id, row[0])


def test_rows_that_change_places_are_named(attacked: Trail) -> None:
    one, other = attacked.row("case-4"), attacked.row("case-5")
    swap = (f"UPDATE audit.events SET id = {new} WHERE id = {old}" for new, old in ((0, one), (one, other), (other, 0)))
    attacked.owner(*swap)
    assert found(attacked) == ("edited", attacked.ours.id, one)


def test_rows_of_other_transactions_that_change_places_are_named(attacked: Trail) -> None:
    one, other = attacked.row("case-3"), attacked.row("case-4")
    (first,), (second,) = (
        attacked.owner("SELECT xid FROM audit.events WHERE id = :id", id=row)[0] for row in (one, other)
    )
    swap = "UPDATE audit.events SET xid = CASE id WHEN :one THEN :second ELSE :first END WHERE id IN (:one, :other)"
    attacked.owner(swap, one=one, other=other, first=first, second=second)
    assert found(attacked) == ("reordered", attacked.ours.id, one)


def test_a_seal_that_lists_its_rows_in_another_order_is_named(attacked: Trail) -> None:
    row = attacked.row("case-4")
    swap = (
        "UPDATE audit.seals SET entries = substring(entries FROM 53 FOR 52) || substring(entries FROM 1 FOR 52)"
        " || substring(entries FROM 105) WHERE organization_id = :ours AND number = 3"
    )
    attacked.owner(swap, ours=attacked.ours.id)
    assert found(attacked) == ("reordered", attacked.ours.id, row)


def test_a_row_given_to_another_organization_is_named(attacked: Trail) -> None:
    row = attacked.row("case-7")
    attacked.owner("UPDATE audit.events SET organization_id = :id WHERE id = :row", id=attacked.theirs.id, row=row)
    first = attacked.verify().first_bad
    assert first is not None
    assert first.row == row
    assert first.problem in {"moved", "inserted"}, "whichever chain is looked at first"


def test_rows_swapped_between_organizations_are_named(attacked: Trail) -> None:
    ours, theirs = attacked.row("case-4"), attacked.row("their-4")
    swap = (
        "UPDATE audit.events SET organization_id = CASE id WHEN :one THEN CAST(:theirs AS uuid)"
        " ELSE CAST(:ours AS uuid) END WHERE id IN (:one, :other)"
    )
    attacked.owner(swap, one=ours, other=theirs, ours=attacked.ours.id, theirs=attacked.theirs.id)
    problem, _, row = found(attacked)
    assert (problem, row) in {("moved", ours), ("moved", theirs)}


def test_a_row_put_in_behind_the_sealer_is_named(attacked: Trail) -> None:
    attacked.owner(
        "INSERT INTO audit.events (organization_id, id, xid, event_type, action, resource_type)"
        " SELECT organization_id, 9999999, xid, 'alibi', 'READ', 'entity' FROM audit.events WHERE id = :id",
        id=attacked.row("case-2"),
    )
    assert found(attacked) == ("inserted", attacked.ours.id, 9999999)


def test_a_sealer_told_to_pass_over_rows_is_given_away(attacked: Trail) -> None:
    (row,) = attacked.act(attacked.ours, "never-sealed")
    attacked.owner("UPDATE audit.sealing SET snapshot = pg_current_snapshot()::text")
    seal_now(attacked.database)
    assert found(attacked) == ("inserted", attacked.ours.id, row)


def test_a_cut_tail_is_named(attacked: Trail) -> None:
    last = attacked.row("case-11")
    for name in NAMES[8:]:
        attacked.owner("DELETE FROM audit.events WHERE id = :id", id=attacked.row(name))
    attacked.owner("DELETE FROM audit.seals WHERE organization_id = :id AND number = 4", id=attacked.ours.id)
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.organization_id, bad.seal) == ("cut_tail", attacked.ours.id, 4)
    assert f"seals 4 to 4 with 4 rows, the last of them row {last}" in bad.detail


def test_a_tail_that_was_cut_and_written_anew_is_named(attacked: Trail) -> None:
    attacked.owner("DELETE FROM audit.events WHERE resource_name = ANY(:names)", names=list(NAMES[8:]))
    attacked.owner("DELETE FROM audit.seals WHERE organization_id = :id AND number = 4", id=attacked.ours.id)
    attacked.act(attacked.ours, "harmless")
    attacked.seal()
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.organization_id, bad.seal) == ("rewritten", attacked.ours.id, 4)


def test_the_whole_trail_of_an_organization_taken_away_is_named(attacked: Trail) -> None:
    for table in ("events", "row_history", "seals"):
        attacked.owner(f"DELETE FROM audit.{table} WHERE organization_id = :id", id=attacked.ours.id)
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.organization_id, bad.seal) == ("cut_tail", attacked.ours.id, 1)


def test_a_seal_taken_out_is_named(attacked: Trail) -> None:
    attacked.owner("DELETE FROM audit.seals WHERE organization_id = :id AND number = 2", id=attacked.ours.id)
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.organization_id, bad.seal) == ("seal_removed", attacked.ours.id, 2)


@pytest.mark.parametrize(
    "change",
    ["sealed_at = sealed_at - interval '1 hour'", "rows_before = rows_before - 1", "digest = sha256(digest)"],
)
def test_an_edited_seal_is_named(attacked: Trail, change: str) -> None:
    attacked.owner(f"UPDATE audit.seals SET {change} WHERE organization_id = :id AND number = 3", id=attacked.ours.id)
    attacked.file.path.unlink()  # whoever edits seals may have no more luck with the checkpoints gone
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.organization_id, bad.seal) == ("seal_edited", attacked.ours.id, 3)


def test_a_chain_forged_without_the_secret_is_named(attacked: Trail, tmp_path: Path) -> None:
    """Somebody who knows this code, and may write everything but has another secret, drops a row and seals anew."""
    attacked.owner("DELETE FROM audit.events WHERE id = :id", id=attacked.row("case-9"))
    keys = Keys(InstallationSecret(b"another secret, of thirty-two bytes and some more", "nowhere"))
    end = End()
    for row in attacked.owner(SEALS, ours=attacked.ours.id):
        seal, entries = seal_of_row(tuple(row))
        forged = keys.link(end, seal.header, entries)
        end = End.after(forged)
        attacked.owner(
            "UPDATE audit.seals SET digest = :digest, seal = :seal, signature = :signature"
            " WHERE organization_id = :ours AND number = :number",
            digest=forged.digest,
            seal=forged.seal,
            signature=forged.signature,
            ours=attacked.ours.id,
            number=seal.header.number,
        )
    attacked.file.path.unlink()
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.organization_id, bad.seal) == ("seal_forged", attacked.ours.id, 1)


def test_a_seal_with_a_signature_and_no_hmac_of_ours_is_named(attacked: Trail) -> None:
    attacked.owner(
        "UPDATE audit.seals SET seal = sha256(seal) WHERE organization_id = :id AND number = 4", id=attacked.ours.id
    )
    attacked.file.path.unlink()
    bad = attacked.verify().first_bad
    assert bad is not None
    assert (bad.problem, bad.seal) == ("seal_forged", 4)


def test_a_checkpoint_file_cut_at_its_end_is_named(attacked: Trail) -> None:
    lines = attacked.file.path.read_bytes().splitlines(keepends=True)
    attacked.file.path.write_bytes(b"".join(lines[:-3]))
    assert found(attacked)[0] == "checkpoint_file"
    attacked.act(attacked.ours, "goes-on")
    attacked.seal()  # a sealer that goes on neither heals nor hides it
    bad = attacked.verify().first_bad
    assert bad is not None
    assert bad.problem == "checkpoint_file"


def test_a_checkpoint_file_that_is_gone_is_named(attacked: Trail) -> None:
    attacked.file.path.unlink()
    assert found(attacked)[0] == "checkpoint_file"


def test_a_line_taken_out_of_the_checkpoint_file_is_named(attacked: Trail) -> None:
    lines = attacked.file.path.read_bytes().splitlines(keepends=True)
    attacked.file.path.write_bytes(b"".join(lines[:2] + lines[3:]))
    bad = attacked.verify().first_bad
    assert bad is not None
    assert bad.problem == "checkpoint_file"
    assert "lines were taken out" in bad.detail


@pytest.mark.parametrize("change", [{"rows": 3}, {"signature": "00" * 64}, {"number": "x"}, {"number": 2**70}])
def test_a_changed_line_of_the_checkpoint_file_is_named(attacked: Trail, change: dict[str, object]) -> None:
    lines = attacked.file.path.read_bytes().splitlines(keepends=True)
    changed = b'{"number":' + str(2**70).encode() + b"}" if change == {"number": 2**70} else None
    lines[2] = (changed or orjson.dumps(orjson.loads(lines[2]) | change)) + b"\n"
    attacked.file.path.write_bytes(b"".join(lines))
    bad = attacked.verify().first_bad
    assert bad is not None
    assert bad.problem == "checkpoint_file"


def test_a_long_checkpoint_file_is_shortened_and_still_proves(attacked: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clew.domains.audit.checkpoints.SHORTENED_BEYOND", 100)
    for number in range(4):
        attacked.act(attacked.ours, f"more-{number}")
        attacked.seal()
    lines = attacked.file.path.read_bytes().splitlines(keepends=True)
    assert b'"kept":2' in lines[0]
    assert len(lines) <= 5
    assert attacked.verify().ok
    attacked.file.path.write_bytes(b"".join(lines[1:]))
    assert found(attacked)[0] == "checkpoint_file"
    attacked.file.path.write_bytes(lines[0].replace(b'"kept":2', b'"kept":1') + b"".join(lines[1:]))
    assert found(attacked)[0] == "checkpoint_file"


def test_entries_know_their_month_and_table() -> None:
    entry = Entry(1, 310, 7, 8, BEGINNING)
    header = Header(uuid4(), 1, NOON, 1, 0, 8)
    assert entry.table == "audit.events"
    assert len(encode([entry])) == 52
    assert len(header.encode()) == 52


def test_nobody_may_change_or_remove_a_row_with_the_triggers_in_place(sealed: Trail) -> None:
    statements = (
        "UPDATE audit.events SET user_name = 'nobody'",
        "DELETE FROM audit.events",
        "TRUNCATE audit.events",
        "UPDATE audit.seals SET rows = rows",
        "DELETE FROM audit.seals",
        "TRUNCATE audit.seals",
        "DELETE FROM audit.row_history",
    )
    for role in (APPLICATION, AUDITOR, SEALER, RETENTION, MIGRATOR):
        for statement in statements:
            context = sealed.ours.context
            with (
                pytest.raises(sa.exc.ProgrammingError, match=r"refused|denied"),
                sealed.database.transaction(context, role) as connection,
            ):
                connection.execute(sa.text(statement))
    month = sealed.owner("SELECT 'audit.events_' || to_char(now(), 'YYYY_MM')")[0][0]
    with (
        pytest.raises(sa.exc.ProgrammingError, match="refused"),
        sealed.database.transaction(None, MIGRATOR) as connection,
    ):
        connection.execute(sa.text(f"TRUNCATE {month}"))


def test_two_sealers_cannot_be(sealed: Trail) -> None:
    with Sealer(sealed.database), pytest.raises(SealerBusyError), Sealer(sealed.database):
        pass
    assert seal_now(sealed.database) == 0
    assert CheckpointFile.of(sealed.database.settings).path.stat().st_mode & 0o077 == 0


def test_who_seals_next_need_not_wait_until_the_server_sees_that_the_last_one_left(
    sealed: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sealer(sealed.database) as first:
        left = first._connection
        monkeypatch.setattr(left, "close", lambda: None)
    with Sealer(sealed.database):
        assert not left.closed
    monkeypatch.undo()
    left.close()
