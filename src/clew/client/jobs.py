"""Waits for jobs."""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from clew.client.client import Client
from clew.client.generated import models

OVER: Final = frozenset({"completed", "failed", "cancelled"})
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_GROWTH: Final = 1.5


def finished(
    client: Client,
    job_id: UUID,
    *,
    observe: Callable[[models.Job], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> models.Job:
    """The job when it is over, or as it stands once `stopped` says so. Asked for ever less often, 5 s apart at last."""
    pause = _FIRST_PAUSE
    while True:
        job = client.get_job(job_id)
        observe(job)
        if job.status in OVER or stopped():
            return job
        sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
