"""Exchange with a collection of a TAXII 2.1 server: objects are whole, and their newest version counts.

An object that both sides changed since the last exchange is the one whose `modified` is newer; the other is kept as a
named conflict. As with MISP, nothing is assumed of what an interrupted exchange did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from clew.domains.campaigns.reading import campaign_details, list_campaigns
from clew.domains.exchange import keeping
from clew.domains.exchange.campaign_bundles import definition, objects_of_campaign
from clew.domains.exchange.importing import stix_object
from clew.domains.exchange.keeping import Kept, State
from clew.domains.exchange.loading import load_facts
from clew.domains.exchange.marking import may_have, stix_level
from clew.domains.exchange.misp_sync import REFUSED
from clew.domains.exchange.peers import Peer
from clew.domains.exchange.report import SyncReport
from clew.domains.exchange.taxii_client import TaxiiCollection
from clew.domains.exchange.three_way import KEPT, NEWER, Contradiction, Fields
from clew.domains.exchange.times import instant, modified_of
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext

_FORM: Final = "stix"
_BATCH: Final = 500


@dataclass(slots=True)
class TaxiiSync:
    """One exchange with one collection."""

    database: Database
    context: TenantContext
    peer: Peer
    collection: TaxiiCollection
    dry_run: bool = False
    clock: Clock = system_clock
    observe: Callable[[str, int], None] = lambda _step, _done: None
    stopped: Callable[[], bool] = lambda: False

    def run(self) -> SyncReport:
        """Take, then send. Raises OutboundFailedError if the server cannot be reached any more; what is done stays."""
        report = SyncReport(self.peer.name, self.dry_run)
        there = self.collection.manifest()
        if self.peer.settings.pull:
            self._pull(there, report)
        if self.peer.settings.push and not self.stopped():
            self._push(there, report)
        if not self.dry_run:
            with self.database.transaction(self.context) as connection:
                keeping.sweep(connection, self._organization)
        return report

    @property
    def _organization(self) -> UUID:
        return self.context.organization_id

    def _states(self) -> dict[str, State]:
        with self.database.transaction(self.context) as connection:
            return keeping.state_of(connection, self._organization, self.peer.id, _FORM, None)

    def _pull(self, there: dict[str, str], report: SyncReport) -> None:
        states = self._states()
        known = {identifier: state.base for identifier, state in states.items() if state.base is not None}
        fresh = sorted(
            identifier for identifier, version in there.items() if not _is_version(known.get(identifier), version)
        )
        report.unchanged += len(there) - len(fresh)
        everything = len(fresh) > len(there) // 2
        asked = None if everything else fresh
        some: list[Fields] = []
        wanted = set(fresh)
        for each in self.collection.objects(asked) if fresh else ():
            if each["id"] in wanted:
                some.append(each)
            if len(some) >= _BATCH:
                self._take(some, states, report)
                some = []
                if self.stopped():
                    return
        self._take(some, states, report)
        for identifier in sorted(known.keys() - there.keys()):
            self._deleted_there(identifier, known[identifier] or b"", report)

    def _take(self, some: Sequence[Fields], states: dict[str, State], report: SyncReport) -> None:
        given = {str(each["id"]): orjson.dumps(each) for each in some}
        with self.database.transaction(self.context) as connection:
            ours = keeping.find_all(connection, self._organization, _FORM, list(given))
        taken: list[tuple[str, bytes]] = []
        found: list[tuple[str, Contradiction]] = []
        for identifier, content in given.items():
            state, mine = states.get(identifier), ours.get(identifier)
            base = state.base if state is not None else None
            if base == content:
                report.unchanged += 1
                continue
            if self._is_taken(identifier, content, base, mine, report, found):
                taken.append((identifier, content))
        report.conflicts += len(found)
        if self.dry_run or not given:
            return
        now = self.clock()
        if taken:
            documents = [orjson.loads(each) for _, each in taken]
            report.tell_loaded(load_facts(self.database, self.context, self.peer, documents, now))
        with self.database.transaction(self.context) as connection:
            made = [new for _, content in taken if (new := stix_object(content)) is not None]
            keeping.keep(connection, self._organization, made, now)
            for identifier, content in given.items():
                keeping.save_state(
                    connection, self._organization, self.peer.id, _FORM, identifier, content, seen_at=now
                )
            for identifier, each in found:
                keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, identifier, [each])
        self.observe("taking", len(given))

    def _is_taken(
        self,
        identifier: str,
        content: bytes,
        base: bytes | None,
        mine: Kept | None,
        report: SyncReport,
        found: list[tuple[str, Contradiction]],
    ) -> bool:
        if mine is None:
            report.tell("pull", "new", identifier)
            return True
        theirs = orjson.loads(content)
        if mine.content is None:
            if base is not None:
                found.append((identifier, Contradiction("/", KEPT, orjson.loads(base), None, theirs)))
            return False
        if mine.document == theirs:
            report.unchanged += 1
            return False
        newer = modified_of(content) > modified_of(mine.content)
        if base is not None and mine.document != orjson.loads(base):
            found.append((identifier, Contradiction("/", NEWER, orjson.loads(base), mine.document, theirs)))
        elif base is not None:
            newer = True  # nothing was changed here
        if newer:
            report.tell("pull", "changed", identifier)
        return newer

    def _deleted_there(self, identifier: str, base: bytes, report: SyncReport) -> None:
        with self.database.transaction(self.context) as connection:
            mine = keeping.find(connection, self._organization, _FORM, identifier)
        changed = mine is not None and mine.content is not None and mine.document != orjson.loads(base)
        if changed:
            report.conflicts += 1
            report.tell("conflict", KEPT, identifier, "changed here, deleted there")
        else:
            report.tell("pull", "deleted", identifier)
        if self.dry_run:
            return
        now = self.clock()
        with self.database.transaction(self.context) as connection:
            if changed and mine is not None:
                found = [Contradiction("/", KEPT, orjson.loads(base), mine.document, None)]
                keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, identifier, found)
            else:
                keeping.forget(connection, self._organization, _FORM, identifier, now)
            keeping.save_state(
                connection, self._organization, self.peer.id, _FORM, identifier, None, seen_at=now, is_deleted=True
            )

    def _push(self, there: dict[str, str], report: SyncReport) -> None:
        states = self._states()
        wanted = self._chosen(states)
        definitions = {each["id"]: each for each in wanted.values() if each.get("type") == "marking-definition"}
        sending: dict[str, bytes] = {}
        for identifier, document in wanted.items():
            state = states.get(identifier)
            if state is not None and (state.is_deleted or state.base == orjson.dumps(document)):
                continue
            if state is not None and state.base is not None and orjson.loads(state.base) == document:
                continue
            if not may_have(stix_level(document, definitions), self.peer.audience):
                report.withheld += 1
                report.tell("withheld", "marking", identifier)
                continue
            report.tell("push", "changed" if identifier in there else "new", identifier)
            sending[identifier] = orjson.dumps(document)
        gone = self._deleted_here(states, there)
        for identifier in gone:
            report.tell("push", "deleted", identifier)
        if self.dry_run or not (sending or gone):
            return
        refused = self.collection.add([orjson.loads(each) for each in sending.values()]) if sending else {}
        for identifier in gone:
            self.collection.delete(identifier)
        now = self.clock()
        report.conflicts += len(refused)
        with self.database.transaction(self.context) as connection:
            for identifier, content in sending.items():
                if identifier in refused:
                    found = [Contradiction("/", REFUSED, None, None, refused[identifier])]
                    keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, identifier, found)
                else:
                    keeping.save_state(
                        connection, self._organization, self.peer.id, _FORM, identifier, content, sent_at=now
                    )
            for identifier in gone:
                keeping.save_state(
                    connection, self._organization, self.peer.id, _FORM, identifier, None, sent_at=now, is_deleted=True
                )

    def _chosen(self, states: dict[str, State]) -> dict[str, Fields]:
        """What they are to have: what they have of ours, and campaigns if that was chosen."""
        with self.database.transaction(self.context) as connection:
            had = [identifier for identifier, state in states.items() if state.base is not None]
            kept = keeping.find_all(connection, self._organization, _FORM, had)
            wanted: dict[str, Fields] = {
                identifier: each.document for identifier, each in kept.items() if each.content is not None
            }
            if self.peer.settings.campaigns:
                tlp, now = self.database.settings.misp_tlp, self.clock()
                marking = definition(tlp)
                found: list[dict[str, Any]] = [marking]
                for campaign in list_campaigns(connection, self._organization):
                    details = campaign_details(connection, self._organization, campaign)
                    found += objects_of_campaign(details, now, tlp=tlp)
                wanted |= {each["id"]: each for each in found} if len(found) > 1 else {}
        return wanted

    def _deleted_here(self, states: dict[str, State], there: dict[str, str]) -> list[str]:
        with self.database.transaction(self.context) as connection:
            had = {identifier: state.base for identifier, state in states.items() if state.base is not None}
            kept = keeping.find_all(connection, self._organization, _FORM, list(had))
        return sorted(
            identifier
            for identifier, base in had.items()
            if identifier in there
            and identifier in kept
            and kept[identifier].content is None
            and _is_version(base, there[identifier])
        )


def _is_version(content: bytes | None, version: str) -> bool:
    """Whether a content is the version that a manifest names; one without times is as old as it was added."""
    if content is None:
        return False
    told = orjson.loads(content)
    if not told.get("modified") and not told.get("created"):
        return True
    return modified_of(content) == instant(version)
