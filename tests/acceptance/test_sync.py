"""`clew sync` as someone types it: exchanges that are killed and begun again, and conflicts that somebody settles."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.settings import Settings
from tests.support.embedded import wait_until
from tests.support.exchanged import BUNDLE
from tests.support.misp_server import KEY, MispStore, misp_server
from tests.support.program import PATIENCE_SECONDS, Program
from tests.support.taxii_server import TaxiiStore, taxii_server

pytestmark = [pytest.mark.same_everywhere, pytest.mark.slow]  # each command is a process, and each test has a server

Document = dict[str, Any]
UUID = "33333333-3333-4333-8333-{:012}"
EVENTS = 60  # more than what is taken at once
MOMENT = "2025-03-09T12:0{}:00.000Z"


@pytest.fixture
def clew(prepared: Program) -> Program:
    """The program, whose administrator allows peers on this machine."""
    (prepared.base / "key").write_text(KEY)
    return replace(prepared, environment=prepared.environment | {"CLEW_OUTBOUND_ALLOWED_HOSTS": "127.0.0.1"})


@pytest.fixture
def misp(clew: Program) -> Iterator[MispStore]:
    """A MISP server that is a peer which takes and sends."""
    with misp_server() as store:
        clew.json(
            "sync", "add", "misp", store.address, "--peer-key", "key", "--set", "push=true", "--set", "days=36500",
            "--set", 'push_tags=["honeypot"]',
        )  # fmt: skip
        yield store


@pytest.fixture
def taxii(clew: Program) -> Iterator[TaxiiStore]:
    """A TAXII server that is a peer which takes and sends."""
    with taxii_server() as store:
        store.objects = orjson.loads(orjson.dumps(BUNDLE["objects"]))
        (clew.base / "login").write_text(store.key)
        add = ("sync", "add", "taxii", store.address, "--kind", "taxii", "--peer-key", "login")
        clew.json(*add, "--set", "push=true")
        yield store


def event(number: int, **more: Any) -> Document:
    return {
        "uuid": UUID.format(number),
        "info": f"Event {number}",
        "date": "2023-11-14",
        "threat_level_id": "2",
        "analysis": "2",
        "distribution": "3",
        "timestamp": "1699999000",
        "Tag": [{"name": "honeypot"}, {"name": "tlp:green"}],
        "Attribute": [
            {
                "uuid": UUID.format(number + 1000 * place),
                "type": "ip-src",
                "category": "Network activity",
                "value": f"198.51.{100 + place}.{number}",
                "to_ids": True,
                "distribution": "5",
                "timestamp": "1699999000",
                "comment": "",
            }
            for place in (1, 2)
        ],
        **more,
    }


_COUNTS = ("entities", "relationships", "entity_sources", "exchange_objects", "exchange_contents", "exchange_states",
           "exchange_conflicts")  # fmt: skip


@dataclass(frozen=True)
class Record:
    """What is in the record: how many rows of what, the documents that are exchanged, the names of what is known."""

    counts: dict[str, int]
    documents: dict[str, Document]
    names: list[str]


def record_of(program: Program) -> Record:
    given: dict[str, Any] = {
        "data_dir": program.data_dir,
        "embedded_fallback_dir": program.base / "fallback",
        "embedded_shared_buffers_mb": 16,
    }
    if not program.is_embedded:
        given["database_url"] = program.environment["CLEW_DATABASE_URL"]
    settings = Settings(**given)
    with Database(settings) as database, database.admin_engine().connect() as connection:
        counts = {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) or 0 for name in _COUNTS}
        documents = connection.execute(
            sa.text(
                "SELECT o.external_id, c.content FROM exchange_objects o JOIN exchange_contents c"
                " ON c.organization_id = o.organization_id AND c.hash = o.content_hash"
            )
        )
        found = {name: orjson.loads(bytes(content)) for name, content in documents}
        names = connection.scalars(sa.text("SELECT entity_type || ' ' || name FROM entities ORDER BY 1")).all()
        return Record(counts, found, list(names))


def nothing(report: Document) -> bool:
    return not any(report["pulled"].values()) and not any(report["pushed"].values()) and report["conflicts"] == 0


def killed(program: Program, kind: str, arm: Callable[[Callable[[], None]], None]) -> None:
    """Run an exchange that is killed (SIGKILL) when what `arm` prepares calls, its request done by the server."""
    hit: list[int] = []
    running = program.start("sync", kind, kind, "--json")

    def kill() -> None:
        if not hit:
            hit.append(running.pid)
            os.killpg(running.pid, signal.SIGKILL)

    arm(kill)
    running.communicate(timeout=PATIENCE_SECONDS)
    assert hit, "the exchange ended before it could be killed"
    assert running.returncode == -signal.SIGKILL


def again(program: Program, kind: str) -> Document:
    """Exchange; what died may hold its lock until the database has noticed."""
    ended: list[Document] = []

    def is_done() -> bool:
        result = program.run("sync", kind, kind, "--json", expect=None)
        assert result.code == 0 or "is at work" in result.errors, result
        ended.extend([result.document] if result.code == 0 else [])
        return bool(ended)

    wait_until(is_done, "the lock of what was killed")
    return ended[0]


def ingested(program: Program, name: str, document: Document) -> None:
    (program.base / name).write_bytes(orjson.dumps(document))
    program.json("ingest", name, "--case", "Ours")


def on_call(store: MispStore, path: str, number: int) -> Callable[[Callable[[], None]], None]:
    """At the answer to the `number`th call of that path from now on."""

    def arm(kill: Callable[[], None]) -> None:
        seen: list[str] = []

        def before(asked: str) -> None:
            if asked.startswith(path):
                seen.append(asked)
                if len(seen) == number:
                    kill()

        store.before_answer = before

    return arm


@pytest.mark.parametrize(("path", "number"), [("events/restSearch", 2), ("events/add", 2)])
def test_a_misp_exchange_that_is_killed_doubles_and_loses_nothing(
    clew: Program, misp: MispStore, path: str, number: int
) -> None:
    theirs = [event(each) for each in range(1, EVENTS + 1)]
    for each in theirs:
        misp.put(each)
    ours = [event(200 + each) for each in range(1, 4)]
    ingested(clew, "ours.json", {"response": [{"Event": each} for each in ours]})

    killed(clew, "misp", on_call(misp, path, number))
    misp.before_answer = lambda _path: None
    again(clew, "misp")

    all_ids = {each["uuid"] for each in theirs + ours}
    assert misp.events.keys() == all_ids
    assert sum(1 for call, _ in misp.written if call.startswith("events/add")) == len(ours)
    after = record_of(clew)
    assert after.documents.keys() == all_ids
    for each in theirs + ours:
        values = [one["value"] for one in each["Attribute"]]
        assert [one["value"] for one in after.documents[each["uuid"]]["Attribute"]] == values
    addresses = {f"ip_address {one['value']}" for each in theirs + ours for one in each["Attribute"]}
    assert [name for name in after.names if name.startswith("ip_address ")] == sorted(addresses)
    assert after.counts["exchange_states"] == len(all_ids)
    assert after.counts["exchange_conflicts"] == 0

    assert nothing(clew.json("sync", "misp", "misp"))
    assert record_of(clew) == after
    assert sum(1 for call, _ in misp.written if call.startswith("events/add")) == len(ours)


@pytest.mark.parametrize("moment", ["taking", "sending"])
def test_a_taxii_exchange_that_is_killed_doubles_and_loses_nothing(
    clew: Program, taxii: TaxiiStore, moment: str
) -> None:
    changed = BUNDLE["objects"][0] | {"name": "Lantern Bear of ours", "modified": MOMENT.format(9)}
    if moment == "sending":
        clew.json("sync", "taxii", "taxii")
        ingested(clew, "ours.json", {"type": "bundle", "id": BUNDLE["id"], "objects": [changed]})
    pages: list[str] = []

    def arm(kill: Callable[[], None]) -> None:
        def before(method: str, path: str) -> None:
            if moment == "taking" and path.endswith("/objects/"):
                pages.append(path)
                if len(pages) == 2:  # a page was given, and is perhaps not yet kept
                    kill()
            elif moment == "sending" and method == "POST":
                kill()

        taxii.before_answer = before

    killed(clew, "taxii", arm)
    taxii.before_answer = lambda _method, _path: None
    again(clew, "taxii")

    wanted = {each["id"]: each for each in BUNDLE["objects"]}
    if moment == "sending":
        wanted[changed["id"]] = changed
        assert taxii.written == [changed["id"]]
    assert taxii.newest() == wanted
    after = record_of(clew)
    kept = {name: held for name, held in after.documents.items() if not name.startswith("bundle--")}
    assert kept == wanted
    assert after.counts["exchange_states"] == len(wanted)
    assert after.counts["exchange_conflicts"] == 0
    assert nothing(clew.json("sync", "taxii", "taxii"))
    assert record_of(clew) == after
    assert taxii.newest() == wanted


@pytest.mark.parametrize(("side", "holds"), [("ours", "ours"), ("theirs", "theirs")])
@pytest.mark.parametrize("newer", ["ours", "theirs"])
def test_what_is_settled_of_an_attribute_holds_on_both_sides(
    clew: Program, misp: MispStore, newer: str, side: str, holds: str
) -> None:
    misp.put(event(1))
    clew.json("sync", "misp", "misp")
    times = {"ours": str(misp.now + (500 if newer == "ours" else 100)), "theirs": str(misp.now + 300)}
    theirs = misp.events[UUID.format(1)]
    theirs["Attribute"][0] |= {"comment": "theirs", "timestamp": times["theirs"]}
    theirs["timestamp"] = times["theirs"]
    mine = event(1, timestamp=times["ours"])
    mine["Attribute"][0] |= {"comment": "ours", "timestamp": times["ours"]}
    ingested(clew, "ours.json", {"Event": mine})

    assert clew.json("sync", "misp", "misp")["conflicts"] == 1
    (conflict,) = listed(clew)
    assert (conflict["rule"], conflict["ours"], conflict["theirs"]) == ("newer_wins", "ours", "theirs")
    assert clew.json("sync", "settle", conflict["id"], side)["resolution"] == side
    assert listed(clew) == []
    assert [each["resolution"] for each in listed(clew, "--all")] == [side]

    again(clew, "misp")
    assert theirs["Attribute"][0]["comment"] == holds
    assert record_of(clew).documents[UUID.format(1)]["Attribute"][0]["comment"] == holds
    assert nothing(clew.json("sync", "misp", "misp"))
    assert "settled" in clew.error("sync", "settle", conflict["id"], side, expect=6)["message"]


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_what_is_settled_of_an_event_that_they_deleted_holds_on_both_sides(
    clew: Program, misp: MispStore, side: str
) -> None:
    misp.put(event(1))
    clew.json("sync", "misp", "misp")
    misp.delete_event(UUID.format(1))
    ingested(clew, "ours.json", {"Event": event(1, info="Worked on here", timestamp=str(misp.now))})
    assert clew.json("sync", "misp", "misp")["conflicts"] == 1
    (conflict,) = listed(clew)
    assert (conflict["place"], conflict["rule"]) == ("/", "change_over_deletion")
    clew.json("sync", "settle", conflict["id"], side)

    again(clew, "misp")
    kept = record_of(clew).documents
    if side == "ours":
        assert kept[UUID.format(1)]["info"] == misp.events[UUID.format(1)]["info"] == "Worked on here"
    else:
        assert (kept, misp.events) == ({}, {})
    assert nothing(clew.json("sync", "misp", "misp"))
    assert record_of(clew).documents == kept


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("newer", ["ours", "theirs"])
def test_what_is_settled_of_an_object_holds_on_both_sides(
    clew: Program, taxii: TaxiiStore, newer: str, side: str
) -> None:
    first: Document = BUNDLE["objects"][0]
    clew.json("sync", "taxii", "taxii")
    versions = {
        name: first | {"name": name, "modified": MOMENT.format(9 if name == newer else 5)}
        for name in ("ours", "theirs")
    }
    taxii.objects.append(versions["theirs"])
    ingested(clew, "ours.json", {"type": "bundle", "id": BUNDLE["id"], "objects": [versions["ours"]]})
    assert clew.json("sync", "taxii", "taxii")["conflicts"] == 1
    (conflict,) = listed(clew)
    assert (conflict["rule"], conflict["ours"]["name"], conflict["theirs"]["name"]) == ("newer_wins", "ours", "theirs")
    clew.json("sync", "settle", conflict["id"], side)

    again(clew, "taxii")
    assert taxii.newest()[first["id"]]["name"] == side
    assert record_of(clew).documents[first["id"]]["name"] == side
    assert nothing(clew.json("sync", "taxii", "taxii"))
    assert taxii.newest()[first["id"]]["name"] == side


def test_a_side_that_there_is_not_and_a_conflict_that_there_is_not_are_refused(clew: Program) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    assert "choose ours or theirs" in clew.run("sync", "settle", missing, "both", expect=None).errors
    assert "no conflict" in clew.run("sync", "settle", missing, "ours", expect=None).errors


def listed(program: Program, *more: str) -> list[Document]:
    found: list[Document] = orjson.loads(program.run("sync", "conflicts", *more, "--json").output)
    return found
