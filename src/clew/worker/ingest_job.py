"""Jobs of the kind `ingest`: load an uploaded file as `clew ingest` would, and account for every record.

Its parameters are {upload_id, file_name, source, time_zone, region, mapping, case}; all but the first two may be null.
Loading goes on where an earlier attempt was interrupted, so the job can be done again however it ended.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from clew.domains.exchange.after_loading import keep_loaded
from clew.domains.identity.service import operator_of
from clew.domains.investigations.service import attach_items, ensure_investigation
from clew.domains.jobs.claims import Advance
from clew.domains.uploads.staging import Staging
from clew.kernel.errors import InputError
from clew.projections.search_place import noted, search_directory
from clew.worker.work import Handler, Outcome, Work

if TYPE_CHECKING:
    from clew.ingest.service import LoadReport, Progress

_READ: Final = frozenset({"loaded", "known", "interrupted"})


def run(work: Work) -> Outcome:
    """Load the upload. Raises InputError if nothing in it can be read, and what `ingest` raises."""
    from clew.ingest.service import IngestRequest, ingest  # noqa: PLC0415 - what a load needs is loaded here

    settings = work.database.settings
    asked = work.parameters
    upload = UUID(asked["upload_id"])
    user = work.user_id or _operator(work)
    request = IngestRequest(
        organization_id=work.organization_id,
        user_id=user,
        paths=(Staging.of(settings).path(work.organization_id, upload),),
        source=asked.get("source"),
        timezone=ZoneInfo(asked["time_zone"]) if asked.get("time_zone") else None,
        region=asked.get("region") or settings.default_region,
        mapping=asked.get("mapping"),
        file_name=asked["file_name"],
    )
    case = _case(work, user)
    with _note_for_views(work):
        report = ingest(work.database, settings, request, observe=lambda at: work.observe(_advance(at)), stop=work.stop)
    keep_loaded(work.database, settings, work.context, report.item_ids)
    if case is not None:
        with work.database.transaction(work.context) as connection:
            attach_items(connection, work.organization_id, case, report.item_ids)
    if not report.interrupted:
        _refuse_unread(report, asked["file_name"])
    result: dict[str, Any] = report.as_dict() | {"investigation_id": None if case is None else str(case)}
    return Outcome(result, finished=not report.interrupted)


INGEST: Final = Handler("ingest", run)


def _operator(work: Work) -> UUID:
    """For whom a job is done whose user was removed since."""
    with work.database.transaction(work.context) as connection:
        return operator_of(connection, work.organization_id)


def _case(work: Work, user: UUID) -> UUID | None:
    name = work.parameters.get("case")
    if name is None:
        return None
    with work.database.transaction(work.context) as connection:
        return ensure_investigation(connection, work.organization_id, name, owner_id=user).id


@contextlib.contextmanager
def _note_for_views(work: Work) -> Iterator[None]:
    """The server's projector follows by itself; should there be none, the next command sees that views are behind."""
    settings = work.database.settings
    if settings.search == "none" and not search_directory(settings).exists():
        yield
        return
    with noted(settings):
        yield


def _advance(at: "Progress") -> Advance:
    return Advance(at.stage, bytes_done=at.bytes_done, bytes_total=at.bytes_total, records_done=at.records)


def _refuse_unread(report: "LoadReport", file_name: str) -> None:
    if any(file.status in _READ for file in report.files):
        return
    raise InputError(
        "; ".join(report.warnings) or "nothing in it could be loaded",
        where=file_name,
        remedy="name the tool as its source if it is a format that clew reads",
    )
