"""Exchange with a MISP server: what they changed comes here, what was changed here goes there, each thing once.

For each event there are three documents: what they were last seen with (the base), ours, and theirs. Nothing is assumed
of what an interrupted exchange did: the next one reads what is there, and a change that both sides have is none.
So notes are made after the deed, and it does not matter whether they were.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import Connection

from clew.domains.exchange import keeping
from clew.domains.exchange.attribution import attribute_campaigns
from clew.domains.exchange.campaign_events import refresh_events
from clew.domains.exchange.importing import event_object
from clew.domains.exchange.keeping import Kept, State
from clew.domains.exchange.loading import load_facts
from clew.domains.exchange.misp_client import MispRefusedError, MispServer
from clew.domains.exchange.misp_feed import MispFeed
from clew.domains.exchange.misp_sending import perform, steps, whole
from clew.domains.exchange.misp_shape import MISP, event_for
from clew.domains.exchange.peers import Peer
from clew.domains.exchange.report import SyncReport
from clew.domains.exchange.three_way import KEPT, Contradiction, Fields, merge, parts_of, restricted, same, written
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext

_FORM: Final = "misp"
_BATCH: Final = 50
REFUSED: Final = "not_taken_there"
"""Rule of a conflict: the other side does not take it, and it stays here."""


@dataclass(slots=True)
class MispSync:
    """One exchange with one server, or a reading of one feed. Transactions are short: one for each changed event.

    versions: when each event was changed last that they were seen with, as they say it (`keeping.versions_of`); read
    from the record where it is not given.
    """

    database: Database
    context: TenantContext
    peer: Peer
    server: MispServer | MispFeed
    dry_run: bool = False
    clock: Clock = system_clock
    observe: Callable[[str, int], None] = lambda _step, _done: None
    stopped: Callable[[], bool] = lambda: False
    versions: Mapping[str, str] | None = None

    def run(self) -> SyncReport:
        """Take, then send. Raises OutboundFailedError if the server cannot be reached any more; what is done stays."""
        report = SyncReport(self.peer.name, self.dry_run)
        settings = self.peer.settings
        seen: dict[str, Fields | None] = {}
        if isinstance(self.server, MispFeed):
            self.server.unreadable = lambda uuid, reason: report.tell("unreadable", "skipped", uuid, reason)
        if settings.pull:
            self._pull(report, seen)
        if settings.push and not self.stopped():
            self._push(report, seen)
        if not self.dry_run:
            with self.database.transaction(self.context) as connection:
                report.attributed = attribute_campaigns(connection, self._organization)
                keeping.sweep(connection, self._organization)
        return report

    @property
    def _organization(self) -> UUID:
        return self.context.organization_id

    @property
    def _server(self) -> MispServer:
        """The server, to change something there."""
        if isinstance(self.server, MispFeed):
            raise TypeError("a feed is only read, as its peer's settings see to")
        return self.server

    def _versions(self) -> Mapping[str, str]:
        if self.versions is not None:
            return self.versions
        with self.database.transaction(self.context) as connection:
            return keeping.versions_of(connection, self._organization, self.peer.id, _FORM)

    def _states(self, uuids: Sequence[str]) -> dict[str, State]:
        with self.database.transaction(self.context) as connection:
            return keeping.state_of(connection, self._organization, self.peer.id, _FORM, uuids)

    # -------------------------------------------------------------------------------------------------------- taking

    def _pull(self, report: SyncReport, seen: dict[str, Fields | None]) -> None:
        settings = self.peer.settings
        for events in _batches(self.server.events(tags=settings.tags, days=settings.days)):
            self._take(events, report, seen)
            self.observe("taking", len(seen))
            if self.stopped():
                return
        versions = self._versions()
        known = sorted(versions.keys() - seen.keys())
        there = self.server.timestamps(known)
        changed: list[Fields] = []
        for uuid in known:
            if uuid in there and there[uuid] == versions[uuid]:
                report.unchanged += 1
                continue
            event = self.server.event(uuid)
            if event is not None:
                changed.append(event)
            elif not isinstance(self.server, MispFeed):  # a feed that lacks it says nothing by that
                self._deleted_there(uuid, report)
                seen[uuid] = None
        for events in _batches(changed):
            self._take(events, report, seen)

    def _take(self, events: list[Fields], report: SyncReport, seen: dict[str, Fields | None]) -> None:
        by_uuid = {str(each["uuid"]).lower(): each for each in events}
        seen.update(by_uuid)
        bases = self._states(list(by_uuid))
        with self.database.transaction(self.context) as connection:
            ours = keeping.find_all(connection, self._organization, _FORM, list(by_uuid))
        news: list[tuple[str, Fields, Fields, list[Contradiction]]] = []
        for uuid, theirs in by_uuid.items():
            taken = self._decide(uuid, theirs, bases.get(uuid), ours.get(uuid), report)
            if taken is not None:
                news.append((uuid, theirs, *taken))
        if self.dry_run or not news:
            return
        loaded = load_facts(self.database, self.context, self.peer, [each for _, each, _, _ in news], self.clock())
        report.tell_loaded(loaded)
        now = self.clock()
        with self.database.transaction(self.context) as connection:
            for uuid, theirs, document, found in news:
                self._keep(connection, uuid, document, now)
                content = orjson.dumps(theirs)
                keeping.save_state(connection, self._organization, self.peer.id, _FORM, uuid, content, seen_at=now)
                keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, uuid, found)

    def _decide(
        self, uuid: str, theirs: Fields, state: State | None, mine: Kept | None, report: SyncReport
    ) -> tuple[Fields, list[Contradiction]] | None:
        """What becomes of our copy, and what contradicts; None if nothing is to be done."""
        base = orjson.loads(state.base) if state is not None and state.base is not None else None
        if base is not None and same(base, theirs, MISP):
            report.unchanged += 1
            return None
        if mine is None:
            report.tell("pull", "new", uuid, str(theirs.get("info", "")))
            return theirs, []
        if mine.content is None:
            if base is None:
                report.unchanged += 1
                return None
            report.conflicts += 1
            report.tell("conflict", KEPT, uuid, "deleted here, changed there")
            if not self.dry_run:
                self._contradict(uuid, [Contradiction("/", KEPT, base, None, theirs)])
            return None
        merged = merge(base if base is not None else _common(mine.document, theirs), mine.document, theirs, MISP)
        report.conflicts += len(merged.contradictions)
        for each in merged.contradictions:
            report.tell("conflict", each.rule, uuid, each.place)
        if same(merged.document, mine.document, MISP) and base is not None and not merged.contradictions:
            report.unchanged += 1  # we had it, too; what they have is noted all the same
        else:
            report.tell("pull", "changed", uuid, str(theirs.get("info", "")))
        return merged.document, merged.contradictions

    def _deleted_there(self, uuid: str, report: SyncReport) -> None:
        now = self.clock()
        with self.database.transaction(self.context) as connection:
            mine = keeping.find(connection, self._organization, _FORM, uuid)
            state = keeping.state_of(connection, self._organization, self.peer.id, _FORM, [uuid])[uuid]
        base = orjson.loads(state.base or b"{}")
        if mine is not None and mine.content is not None and not self._unchanged(mine.document, base):
            report.conflicts += 1
            report.tell("conflict", KEPT, uuid, "changed here, deleted there")
            found = [Contradiction("/", KEPT, base, mine.document, None)]
        else:
            report.tell("pull", "deleted", uuid, str(base.get("info", "")))
            found = []
        if self.dry_run:
            return
        with self.database.transaction(self.context) as connection:
            if not found:
                keeping.forget(connection, self._organization, _FORM, uuid, now)
            keeping.save_state(
                connection, self._organization, self.peer.id, _FORM, uuid, None, seen_at=now, is_deleted=True
            )
            keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, uuid, found)

    def _unchanged(self, mine: Fields, base: Fields) -> bool:
        """Whether nothing was changed here that they do not have."""
        view = event_for(mine, self.peer.audience, base)
        return same(mine, base, MISP) or same(view, base, MISP)

    # -------------------------------------------------------------------------------------------------------- sending

    def _push(self, report: SyncReport, seen: dict[str, Fields | None]) -> None:
        with self.database.transaction(self.context) as connection:
            if self.peer.settings.campaigns:
                refresh_events(connection, self._organization, self.clock(), self.database.settings)
            chosen = keeping.chosen_events(
                connection,
                self._organization,
                self.peer.id,
                campaigns=self.peer.settings.campaigns,
                tags=self.peer.settings.push_tags,
            )
            if self.dry_run:
                connection.rollback()
        for number, uuid in enumerate(chosen):
            if self.stopped():
                return
            self._offer(uuid, report, seen)
            self.observe("sending", number + 1)

    def _offer(self, uuid: str, report: SyncReport, seen: dict[str, Fields | None]) -> None:
        with self.database.transaction(self.context) as connection:
            mine = keeping.find(connection, self._organization, _FORM, uuid)
            state = keeping.state_of(connection, self._organization, self.peer.id, _FORM, [uuid]).get(uuid)
            if mine is None and self.dry_run:
                report.tell("push", "new", uuid, "made of a campaign")
                return
        if mine is None or (state is not None and state.is_deleted):
            return  # deleted there: it is not brought back
        base = orjson.loads(state.base) if state is not None and state.base is not None else None
        if mine.content is None:
            if base is not None:
                self._delete(uuid, base, report)
            return
        view = event_for(mine.document, self.peer.audience, base)
        if view is None:
            report.withheld += 1
            report.tell("withheld", "marking", uuid, mine.title or "")
            return
        sent = keeping.digest(orjson.dumps(view))
        if base is not None and (same(view, base, MISP) or (state is not None and state.sent_hash == sent)):
            return
        theirs = self._server.event(uuid) if base is None or uuid not in seen else seen[uuid]
        self._bring(uuid, mine.document, view, theirs, base, report)

    def _bring(
        self, uuid: str, mine: Fields, view: Fields, theirs: Fields | None, base: Fields | None, report: SyncReport
    ) -> None:
        if base is not None and theirs is None:
            return  # it vanished between taking and sending: the next exchange sees that
        if theirs is not None and base is None:
            view = merge(_common(view, theirs), view, theirs, MISP).document
        if theirs is not None and same(view, theirs, MISP):
            if not self.dry_run:
                self._note(uuid, mine, theirs, [])
            return
        report.tell("push", "new" if theirs is None else "changed", uuid, str(view.get("info", "")))
        if self.dry_run:
            return
        problems = self._send(uuid, view, theirs)
        after = self._server.event(uuid)
        if after is None:
            problems.append(Contradiction("/", REFUSED, None, None, None))
            report.conflicts += len(problems)
            self._contradict(uuid, problems)
            return
        told = {each.place for each in problems}
        lost = (written(path) for path in sorted(parts_of(view, MISP).keys() - parts_of(after, MISP).keys()))
        problems += [Contradiction(place, REFUSED, None, None, None) for place in lost if place not in told]
        report.conflicts += len(problems)
        for each in problems:
            report.tell("conflict", each.rule, uuid, each.place)
        # What they did not take, or keep nothing of, stays here: that they lack it is no change of theirs.
        before = restricted(view, after, MISP) if theirs is None else theirs
        taken = merge(before, mine, after, MISP).document
        self._note(uuid, taken, after, problems)

    def _send(self, uuid: str, view: Fields, theirs: Fields | None) -> list[Contradiction]:
        """Do what is to be done; what the server refuses is told, and the rest goes on."""
        if theirs is None:
            try:
                self._server.add(whole(view))
            except MispRefusedError as error:
                return [Contradiction("/", REFUSED, None, None, str(error))]
            theirs = self._server.event(uuid) or {}
        refused = []
        for step in steps(theirs, view):
            try:
                perform(self._server, uuid, step)
            except MispRefusedError as error:
                refused.append(Contradiction(written(step.path), REFUSED, None, None, str(error)))
        return refused

    def _delete(self, uuid: str, base: Fields, report: SyncReport) -> None:
        theirs = self._server.event(uuid)
        if theirs is not None and not same(theirs, base, MISP):
            report.conflicts += 1
            report.tell("conflict", KEPT, uuid, "deleted here, changed there")
            if not self.dry_run:
                self._contradict(uuid, [Contradiction("/", KEPT, base, None, theirs)])
            return
        report.tell("push", "deleted", uuid, str(base.get("info", "")))
        if self.dry_run:
            return
        if theirs is not None:
            try:
                self._server.delete(uuid)
            except MispRefusedError as error:
                report.conflicts += 1
                self._contradict(uuid, [Contradiction("/", REFUSED, base, None, str(error))])
                return
        now = self.clock()
        with self.database.transaction(self.context) as connection:
            keeping.save_state(
                connection, self._organization, self.peer.id, _FORM, uuid, None, sent_at=now, is_deleted=True
            )

    def _note(self, uuid: str, document: Fields, after: Fields, found: Iterable[Contradiction]) -> None:
        now = self.clock()
        with self.database.transaction(self.context) as connection:
            self._keep(connection, uuid, document, now)
            base = orjson.dumps(after)
            sent = event_for(document, self.peer.audience, after)
            keeping.save_state(
                connection, self._organization, self.peer.id, _FORM, uuid, base, sent_at=now, sent=orjson.dumps(sent)
            )
            keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, uuid, found)

    def _keep(self, connection: Connection, uuid: str, document: Fields, now: datetime) -> None:
        made = event_object(orjson.dumps(document))
        if made is not None:
            keeping.keep(connection, self._organization, [made], now)

    def _contradict(self, uuid: str, found: Iterable[Contradiction]) -> None:
        with self.database.transaction(self.context) as connection:
            keeping.save_contradictions(connection, self._organization, self.peer.id, _FORM, uuid, found)


def _common(ours: Fields, theirs: Fields) -> Fields:
    """What two sides that never met have in common: so that what only one has is an addition, never a deletion."""
    here, there = parts_of(ours, MISP), parts_of(theirs, MISP)
    shared: Fields = {}
    with contextlib.suppress(KeyError):
        shared = {name: value for name, value in here[()].items() if there[()].get(name) == value}
    return shared


def _batches(events: Iterable[Fields]) -> Iterable[list[Fields]]:
    some: list[Fields] = []
    for event in events:
        some.append(event)
        if len(some) >= _BATCH:
            yield some
            some = []
    if some:
        yield some
