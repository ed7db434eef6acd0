"""What a stretch of work takes: time, processor and memory, of the program and of its database server apart."""

import contextlib
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import psutil

_SAMPLE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of the clock and of the processor; peaks in bytes."""

    seconds: float
    program_cpu_seconds: float
    server_cpu_seconds: float
    program_peak_bytes: int
    server_peak_bytes: int  # sum over its processes of what each takes alone and its share of what they share

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Meter:
    """Measures what is done within its `with` block; `usage` holds the result afterwards."""

    usage: Usage

    def __init__(self, server_pid: int) -> None:
        self._server = psutil.Process(server_pid)
        self._ended = threading.Event()
        self._server_peak = 0
        self._sampler = threading.Thread(target=self._sample, name="bench-memory", daemon=True)

    def __enter__(self) -> Self:
        _reset_peak()
        self._server_cpu = _cpu_of_tree(self._server)
        self._sampler.start()
        self._cpu = time.process_time()
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.perf_counter() - self._started
        cpu = time.process_time() - self._cpu
        self._ended.set()
        self._sampler.join()
        server_cpu = _cpu_of_tree(self._server) - self._server_cpu
        self.usage = Usage(seconds, cpu, server_cpu, _peak(), self._server_peak)

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self._server_peak = max(self._server_peak, _memory_of_tree(self._server))


def _cpu_of_tree(process: psutil.Process) -> float:
    """Processor seconds of a server and of all its processes, those that ended included."""
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        with contextlib.suppress(psutil.Error):
            spent = child.cpu_times()
            total += spent.user + spent.system
    return float(total)


def _memory_of_tree(process: psutil.Process) -> int:
    total = 0
    for each in [process, *process.children()]:
        with contextlib.suppress(psutil.Error):
            total += each.memory_full_info().pss
    return total


def _reset_peak() -> None:
    """Start the peak of this process's memory anew (proc(5), clear_refs)."""
    with contextlib.suppress(PermissionError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """The most memory that was resident in this process since the last reset, in bytes."""
    for line in Path(f"/proc/{os.getpid()}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("Linux states the peak of a process's memory")
