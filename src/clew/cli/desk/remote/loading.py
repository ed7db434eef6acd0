"""Loads files into the record of a server: sends them, waits for the jobs that load them, and adds their reports up."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final
from uuid import UUID

from clew.cli.desk.ports import Loading
from clew.cli.desk.remote.connection import connected
from clew.cli.options import Invocation
from clew.cli.progress import observed_progress
from clew.client import Client, models
from clew.client.jobs import finished
from clew.client.uploads import Sending, StoppedError, send_file
from clew.ingest.service import FileReport, LoadReport, Progress
from clew.records.batch import Counts

_COUNTS: Final = tuple(Counts.__slots__)

Observe = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class RemoteLoader:
    """See `ports.Loader`."""

    call: Invocation

    def load(self, loading: Loading, stop: Event) -> LoadReport:
        """Send those that are there one after the other, each loaded before the next is sent.

        When `stop` is set, what is being sent stays with the server for a while, so that the same call goes on there,
        and a job that runs is cancelled at its next sound place.
        """
        report = LoadReport()
        with connected(self.call) as client, observed_progress() as observe:
            for path, file, name in _files(loading.paths, report):
                if not _load(client, report, _Wanted(path, file, name, _options(loading)), observe, stop):
                    report.interrupted = True
                    break
        return report


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file to be loaded: the path that the caller named, the file itself, and what it is to be called."""

    path: Path
    file: Path
    name: str
    options: models.UploadOptions


def _options(loading: Loading) -> models.UploadOptions:
    return models.UploadOptions(
        source=loading.source,
        time_zone=loading.zone,
        region=loading.region,
        mapping=loading.mapping,
        case=loading.case,
    )


def _files(paths: tuple[Path, ...], report: LoadReport) -> Iterator[tuple[Path, Path, str]]:
    """Every regular file below the paths, by name; what is none is in the report."""
    for path in paths:
        if os.path.lexists(path):
            for file in _below(path, set()):
                label = os.fspath(file).removeprefix(f"{path.parent}/")
                if file.is_file() and os.access(file, os.R_OK):
                    yield path, file, label
                else:
                    report.warnings.append(f"{label}: it is no file that can be read")
                    report.files.append(FileReport(path, label, None, None, Counts(), "skipped"))


def _below(path: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    status = path.stat()
    if (status.st_dev, status.st_ino) in seen:
        return  # a link that leads back
    seen.add((status.st_dev, status.st_ino))
    for each in sorted(path.iterdir(), key=lambda each: each.name):
        yield from _below(each, seen)


def _load(client: Client, report: LoadReport, wanted: _Wanted, observe: Observe, stop: Event) -> bool:
    """Send and load one file; whether it was not interrupted."""

    def sent(done: int, size: int) -> None:
        observe(Progress(wanted.name, "sending", done, size, 0))

    def worked(job: models.Job) -> None:
        observe(Progress(wanted.name, job.step or "waiting", job.bytes_done, job.bytes_total, job.records_done))

    try:
        upload = send_file(client, wanted.file, wanted.name, wanted.options, Sending(sent, stop.is_set))
    except StoppedError:
        return False
    if upload.job_id is None:
        raise TypeError("a completed upload without a job")
    job = finished(client, upload.job_id, observe=worked, stopped=stop.is_set)
    if stop.is_set() and job.status not in ("completed", "failed"):
        job = _cancelled(client, upload.job_id)
    _add(report, wanted, job)
    return job.status != "cancelled" and not report.interrupted


def _cancelled(client: Client, job_id: UUID) -> models.Job:
    client.cancel_job(job_id)
    return finished(client, job_id)


def _add(report: LoadReport, wanted: _Wanted, job: models.Job) -> None:
    result = job.result
    if result is None:
        said = job.error.message if job.error else f"its job was {job.status}"
        report.warnings.append(said if wanted.name in said else f"{wanted.name}: {said}")
        report.files.append(FileReport(wanted.path, wanted.name, None, None, Counts(), "failed", said))
        return
    report.counts += _counts(result)
    report.by_source += Counter(result["by_source"])
    report.by_reason += Counter(result["by_reason"])
    report.warnings += [_renamed(each, wanted) for each in result["warnings"]]
    report.resumed += result["resumed"]
    report.seconds += result["seconds"]
    report.interrupted = report.interrupted or result["interrupted"]
    report.files += [_file(each, wanted) for each in result["files"]]


def _file(found: Mapping[str, Any], wanted: _Wanted) -> FileReport:
    return FileReport(
        path=wanted.path,
        file=_renamed(found["file"], wanted),
        source=found["source"],
        item_id=UUID(found["item_id"]) if found["item_id"] else None,
        counts=_counts(found),
        status=found["status"],
        detail=found["detail"],
    )


def _counts(found: Mapping[str, Any]) -> Counts:
    return Counts(**{name: found[name] for name in _COUNTS})


def _renamed(text: str, wanted: _Wanted) -> str:
    """What the server calls by the file's last name alone, as the caller knows it."""
    sent = wanted.file.name
    return wanted.name + text.removeprefix(sent) if text.startswith(sent) else text
