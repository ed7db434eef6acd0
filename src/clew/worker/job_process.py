"""The process that a worker does its jobs in: `python -m clew.worker.job_process`.

It is given pickled settings and the name of a registry on standard input, then one line of JSON for each job, and
answers with lines of JSON. Told to prepare, it loads what jobs need, and answers nothing. When its input ends, its
server is gone, however that ended: it ends too, in the middle of whatever it does, which handlers stand. So a job is
never done by a process that nobody answers for.
"""

import os
import pickle
import queue
import signal
import sys
import threading
from typing import IO, Any, Final
from uuid import UUID

import orjson
import structlog

from clew.domains.jobs.claims import Advance, Failure
from clew.kernel.collector import relax_collector
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.logs import configure_logs
from clew.kernel.settings import Settings
from clew.worker.work import Handler, Outcome, Work, handlers_at

log: Final = structlog.get_logger(__name__)


def main() -> None:
    """Do the jobs that come, until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to answer
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    settings, place = pickle.load(sys.stdin.buffer)  # noqa: S301  from the server that started this process
    configure_logs(settings)
    relax_collector()
    _Process(settings, handlers_at(place), answers).serve()


class _Process:
    def __init__(self, settings: Settings, handlers: Any, answers: IO[bytes]) -> None:
        self._settings = settings
        self._handlers: dict[str, Handler] = handlers
        self._answers = answers
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stop = threading.Event()

    def serve(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        with Database(self._settings) as database:
            while True:
                asked = self._jobs.get()
                if asked.get("prepare"):
                    self._prepare()
                    continue
                self._answer(**self._done(database, asked))

    def _prepare(self) -> None:
        for handler in self._handlers.values():
            if handler.prepare is not None:
                handler.prepare()

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            message = orjson.loads(line)
            if message.get("stop"):
                self._stop.set()
            else:
                self._stop.clear()
                self._jobs.put(message)
        os._exit(0)

    def _done(self, database: Database, asked: dict[str, Any]) -> dict[str, Any]:
        work = Work(
            database=database,
            organization_id=UUID(asked["organization_id"]),
            job_id=UUID(asked["job_id"]),
            user_id=UUID(asked["user_id"]) if asked["user_id"] else None,
            attempt=asked["attempt"],
            parameters=asked["parameters"],
            observe=self._observe,
            stop=self._stop,
        )
        try:
            outcome: Outcome = self._handlers[asked["kind"]].run(work)
        except ClewError as error:
            failure = Failure.of(error)
            return {"failed": failure.as_dict(), "transient": failure.transient}
        except Exception as error:  # the edge of the process: logged in full, and the job says so
            log.exception("a job failed for a reason that nobody expected", job=asked["job_id"], kind=asked["kind"])
            unexpected = Failure("unexpected", f"an unexpected {type(error).__name__}", remedy="see the server's log")
            return {"failed": unexpected.as_dict(), "transient": False}
        return {"done": outcome.result, "finished": outcome.finished}

    def _observe(self, now: Advance) -> None:
        self._answer(advance={name: getattr(now, name) for name in now.__slots__})

    def _answer(self, **message: Any) -> None:
        self._answers.write(orjson.dumps(message, default=str) + b"\n")
        self._answers.flush()


if __name__ == "__main__":
    main()
