"""The kinds of job that there are, each with what does it."""

from typing import Final

from clew.worker.analyze_job import ANALYZE
from clew.worker.callback_job import CALLBACK
from clew.worker.ingest_job import INGEST
from clew.worker.sync_job import SYNC
from clew.worker.verify_job import VERIFY
from clew.worker.work import Handler

HANDLERS: Final[tuple[Handler, ...]] = (INGEST, VERIFY, ANALYZE, CALLBACK, SYNC)
PLACE: Final = f"{__name__}:HANDLERS"
