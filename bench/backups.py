"""What backups cost: archiving the log while events load, a copy beside `cp`, and a restore that is proved."""

import subprocess
import time
from pathlib import Path

from bench.generate import Plan, write
from bench.places import record_at, run_module, settings_at
from bench.results import MEBIBYTE, Measure, Result
from clew.domains.backups.service import rehearse, restore, take


def backups(place: Path, events: int) -> Result:
    """One load without and one with the log archived; then the second record is copied, backed up and restored."""
    log = place / "cowrie.json"
    write(Plan(events), log)
    plain, archived, directory = place / "plain", place / "archived", place / "backups"
    for each in (plain, archived):
        each.mkdir()
    (without,) = run_module("bench.product", [str(plain), str(log)])
    (with_log,) = run_module("bench.product", [str(archived), str(log)], {"CLEW_BACKUP_DIR": str(directory)})
    settings = settings_at(archived).model_copy(update={"backup_dir": directory, "search": "tantivy"})
    with record_at(archived) as database:
        if database.embedded is None:
            raise LookupError("the benchmark's record is kept by the embedded server")
        cluster = database.embedded.status().data_directory
        began = time.perf_counter()
        subprocess.run(["cp", "--recursive", cluster, place / "copy"], check=True)  # noqa: S607  whichever is here
        subprocess.run(["sync", "--file-system", place / "copy"], check=True)  # noqa: S607  likewise
        copied = time.perf_counter()
        taken = take(database, directory)
        backed_up = time.perf_counter()
    tried = rehearse(settings, directory, upgrade=lambda _: None)
    made = restore(
        settings.model_copy(update={"data_dir": place / "restored", "backup_dir": None}),
        directory,
        upgrade=lambda _: None,
    )
    if not (tried.ok and made.renewed.views):
        raise RuntimeError(f"the restored record is not whole: {tried.as_dict()}")
    rate, archiving = without["read"] / without["seconds"], with_log["read"] / with_log["seconds"]
    return Result(
        "backups",
        f"a record of {events:,} events",
        (
            Measure("load, log not archived", rate, "events/s"),
            Measure("load, log archived", archiving, "events/s"),
            Measure("archived / not", archiving / rate),
            Measure("database", taken.backup.base.size_bytes / MEBIBYTE, "MiB"),
            Measure("`cp` and sync of the cluster (baseline)", copied - began, "s"),
            Measure("backup", backed_up - copied, "s"),
            Measure("backup / `cp`", (backed_up - copied) / (copied - began)),
            Measure("restore, views made anew", made.seconds, "s"),
            Measure("rehearsal, trail and views proved", tried.seconds, "s"),
        ),
    )
