"""Ingest: paths in, one exact load report out."""

import contextlib
import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import psycopg

from clew.ingest.archives import ArchiveLimits, InputFile, SkippedInput, open_inputs
from clew.ingest.enriching import ENRICHES, mime_type_of
from clew.ingest.facts import to_json
from clew.ingest.file_load import FileLoad
from clew.ingest.filestore import file_store
from clew.ingest.frames import FramingLimits
from clew.ingest.framing import sample, sample_of
from clew.ingest.recognition import named_source, recognise
from clew.ingest.sources.base import ItemKind, ReadContext, Recognition, Sample, Source
from clew.ingest.sources.mapped import MAPPING, recognise_mapped
from clew.ingest.sources.mapping_file import mapping_of
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError, InputError
from clew.kernel.settings import Settings
from clew.records import files, stage
from clew.records.batch import Counts
from clew.records.files import FileDescription, RegisteredFile
from clew.records.loader import FileProgress

_LOCK_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What to load, for whom, and what the files do not say themselves."""

    organization_id: UUID
    user_id: UUID
    paths: tuple[Path, ...]
    source: str | None = None  # None: recognised by content
    timezone: tzinfo | None = None  # of times without a zone; None: UTC, with a warning
    region: str | None = None  # of national phone numbers, ISO 3166 alpha-2
    mapping: str | None = None  # the text of a mapping file, which every file is read by
    file_name: str | None = None  # of the one path, where the file is not called so on this machine


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a load stands."""

    file_name: str
    stage: str  # storing, waiting, loading
    bytes_done: int
    bytes_total: int | None
    records: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file."""

    path: Path  # the one of the request's paths that it was found below
    file: str
    source: str | None
    item_id: UUID | None
    counts: Counts
    status: str  # loaded, known (nothing to do), interrupted, unrecognised, skipped, failed
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.file,
            "source": self.source,
            "item_id": str(self.item_id) if self.item_id else None,
            "status": self.status,
            "detail": self.detail,
            **self.counts.as_dict(),
        }


@dataclass(slots=True)
class LoadReport:
    """Every record that was read is in exactly one of new, merged, duplicate and rejected."""

    counts: Counts = field(default_factory=Counts)
    by_source: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    resumed: int = 0  # records that an earlier, interrupted load of the same files had brought in
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def item_ids(self) -> list[UUID]:
        """The items of the files that were read."""
        return [report.item_id for report in self.files if report.item_id is not None]

    def as_dict(self) -> dict[str, Any]:
        """The report as promised to programs."""
        return {
            **self.counts.as_dict(),
            "by_source": dict(sorted(self.by_source.items())),
            "by_reason": dict(sorted(self.by_reason.items())),
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
            "resumed": self.resumed,
            "interrupted": self.interrupted,
            "files": [report.as_dict() for report in self.files],
            "item_ids": [str(identifier) for identifier in self.item_ids],
        }


def ingest(
    database: Database,
    settings: Settings,
    request: IngestRequest,
    *,
    observe: Callable[[Progress], None] = lambda _: None,
    stop: threading.Event | None = None,
    clock: Clock = system_clock,
) -> LoadReport:
    """Load every file below the request's paths.

    A file that cannot be read, or that no source recognises, is in the report and does not stop the others. Setting
    `stop` ends the load after the batch in work; the same call later goes on from there. Raises InputError for a path
    or source that does not exist (before anything is loaded), DatabaseUnavailableError when the database goes away.
    """
    named = named_source(request.source, request.mapping)
    limits = ArchiveLimits(
        max_depth=settings.max_archive_depth,
        max_ratio=settings.max_archive_ratio,
        max_total_bytes=settings.max_archive_bytes,
        max_members=settings.max_archive_members,
    )
    walks = [(path, open_inputs(path, limits, request.file_name)) for path in request.paths]
    started = time.monotonic()
    with (
        database_errors(database.address),
        open_connections(database, request.organization_id, request.user_id) as (connection, facts_connection),
    ):
        make_partitions_ahead(connection, settings.partitions_ahead_months)
        run = _Run(connection, facts_connection, settings, request, named, observe, stop or threading.Event(), clock)
        for path, item in ((path, item) for path, walk in walks for item in walk):
            run.take(path, replace(item, label=_label(path, item.label)))
            if run.stop.is_set():
                run.report.interrupted = True
                break
    run.report.seconds = time.monotonic() - started
    return run.report


@contextlib.contextmanager
def open_connections(
    database: Database, organization_id: UUID, user_id: UUID
) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    """The loader's two connections, in the organization's name and with their stages."""
    with database.connect_raw() as connection, database.connect_raw() as facts_connection:
        for each in (connection, facts_connection):
            each.autocommit = True
            each.execute(
                "SELECT set_config('app.current_organization_id', %s, false),"
                " set_config('app.current_user_id', %s, false)",
                (str(organization_id), str(user_id)),
            )
            stage.create_stages(each)
        yield connection, facts_connection


def make_partitions_ahead(connection: psycopg.Connection[Any], months: int) -> None:
    """Make the coming months' partitions, unless another load holds the tables for so long that it has to wait.

    Nothing is lost then: what no month has room for waits in the future's own partition until the next start.
    """
    with contextlib.suppress(psycopg.errors.LockNotAvailable):
        connection.execute("SELECT create_monthly_partitions(%s)", (months,))


def framing_limits(settings: Settings) -> FramingLimits:
    """The limits of framing that the settings name."""
    return FramingLimits(
        batch_bytes=settings.batch_bytes,
        max_record_bytes=settings.max_record_bytes,
        max_document_bytes=settings.max_document_bytes,
    )


def _label(path: Path, label: str) -> str:
    """What the record calls a file: from the named path's last part on, not where on this machine that lies."""
    return label.removeprefix(f"{path.parent}/")


class _Run:
    """One call of `ingest` at work."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        facts_connection: psycopg.Connection[Any],
        settings: Settings,
        request: IngestRequest,
        named: Source | None,
        observe: Callable[[Progress], None],
        stop: threading.Event,
        clock: Clock,
    ) -> None:
        self.report = LoadReport()
        self.stop = stop
        self._path = Path()
        self._connection = connection
        self._facts_connection = facts_connection
        self._settings = settings
        self._request = request
        self._named = named
        self._observe = observe
        self._clock = clock
        self._store = file_store(settings)
        self._store.sweep()
        self._mapping: str | None = None  # the digest of the mapping file, kept so that rejected rows can be read again
        if request.mapping is not None:
            self._mapping = self._store.put(io.BytesIO(request.mapping.encode())).digest

    def take(self, path: Path, item: InputFile | SkippedInput) -> None:
        """Load one input found below a path of the request, or note why not."""
        self._path = path
        if isinstance(item, SkippedInput):
            self._note(item.label, "failed" if item.error else "skipped", item.error or f"{item.reason}: {item.detail}")
            return
        try:
            self._load(item)
        except InputError as error:
            self._note(item.label, "failed", error)

    def _load(self, item: InputFile) -> None:
        stream = item.open()
        head = sample(stream)
        if not head:
            self._note(item.label, "skipped", "the file is empty")
            return
        recognised = self._recognise(item, sample_of(item.name, head))
        if recognised is None:
            self._note(item.label, "unrecognised", "no source recognises its content; name one with --source")
            return
        self._observe(Progress(item.label, "storing", 0, item.size, 0))
        stored = self._store.put(cast("BinaryIO", _Rejoined(head, stream)))
        source, recognition = recognised
        description = FileDescription(
            file_name=item.label,
            digest=stored.digest,
            size=stored.size,
            source=source.name,
            has_rows=source.kind is ItemKind.RESULTS,
            variant=recognition.variant,
            framing=recognition.framing.value,
            reader_version=source.version,
            settings=self._reading_settings(item.name, source),
            mime_type=mime_type_of(item.name, recognition.framing),
            enrichment=ENRICHES.get(source.name),
        )
        if item.fault is not None:
            self._warn(item.label, str(item.fault))
        self._load_stored(item, description, source, recognition)

    def _recognise(self, item: InputFile, start: Sample) -> tuple[Source, Recognition] | None:
        if self._request.mapping is None or self._named is None:
            return recognise(start, self._named)
        claim, warnings = recognise_mapped(mapping_of(self._request.mapping), start)
        for warning in warnings:
            self._warn(item.label, warning)
        return self._named, claim

    def _load_stored(
        self, item: InputFile, description: FileDescription, source: Source, recognition: Recognition
    ) -> None:
        organization = self._request.organization_id
        identifier = files.item_id(organization, description.digest)
        while True:
            with files.file_lock(self._connection, identifier) as held:
                if held:
                    now = self._clock()
                    registered = files.register(self._connection, organization, self._request.user_id, description, now)
                    if registered.progress.completed:
                        self._count_known(item.label, source, registered)
                    else:
                        self._read(item, description, source, recognition, registered)
                    return
            self._observe(Progress(item.label, "waiting", 0, item.size, 0))
            if self.stop.wait(_LOCK_POLL_SECONDS):
                return

    def _read(
        self,
        item: InputFile,
        description: FileDescription,
        source: Source,
        recognition: Recognition,
        registered: RegisteredFile,
    ) -> None:
        before = registered.progress
        self.report.resumed += before.counts.read
        load = FileLoad(
            connection=self._connection,
            facts_connection=self._facts_connection,
            organization_id=self._request.organization_id,
            file=registered,
            source=source,
            framing=recognition.framing,
            context=ReadContext(
                item.name,
                recognition.variant,
                self._request.timezone,
                self._request.region,
                options={} if self._request.mapping is None else {MAPPING: self._request.mapping},
            ),
            limits=framing_limits(self._settings),
            loaded_at=self._clock(),
            stop=self.stop,
            observe=lambda progress: self._observe(
                Progress(item.label, "loading", progress.position.offset, description.size, progress.counts.read)
            ),
            open_at=lambda offset: self._store.open(description.digest, offset),
        )
        progress = load.run()
        self._count(item.label, source, registered, progress, "loaded" if progress.completed else "interrupted")

    def _count(
        self, label: str, source: Source, registered: RegisteredFile, progress: FileProgress, status: str
    ) -> None:
        counts = progress.counts
        self.report.counts += counts
        self.report.by_source[source.name] += counts.read
        self.report.by_reason.update(progress.by_reason)
        for warning in progress.warnings:
            self._warn(label, warning)
        item = registered.item.id
        for reason, places, line in files.damage(self._connection, self._request.organization_id, item):
            self._warn(label, f"{places} broken places between records ({reason}), the first at line {line}")
        self.report.files.append(FileReport(self._path, label, source.name, item, counts, status))

    def _count_known(self, label: str, source: Source, registered: RegisteredFile) -> None:
        """A file that was loaded before: all that is sound in it is there already."""
        progress = registered.progress
        counts = progress.counts
        known = Counts(read=counts.read, duplicate=counts.read - counts.rejected, rejected=counts.rejected)
        again = FileProgress(
            progress.id, progress.position, known, progress.by_reason, progress.warnings, completed=True
        )
        self._count(label, source, registered, again, "known")

    def _reading_settings(self, name: str, source: Source) -> str:
        """What besides the content decides the facts; an unchanged value means that nothing new can come of it."""
        chosen = {
            "timezone": str(self._request.timezone) if self._request.timezone else None,
            "region": self._request.region,
            "mapping": self._mapping,
            "name": name if source.kind is ItemKind.RESULTS else None,  # some reports name their subject only there
        }
        return to_json(chosen) or "{}"

    def _note(self, label: str, status: str, detail: str | ClewError) -> None:
        text = detail if isinstance(detail, str) else str(detail)
        self._warn(label, text)
        self.report.files.append(FileReport(self._path, label, None, None, Counts(), status, text))

    def _warn(self, label: str, text: str) -> None:
        warning = text if label in text else f"{label}: {text}"
        if warning not in self.report.warnings:
            self.report.warnings.append(warning)


class _Rejoined(io.RawIOBase):
    """A stream whose beginning was read already, whole again."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if self._head:
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        data = self._rest.read(len(view))
        view[: len(data)] = data
        return len(data)
