"""One server for a run of tests: on loopback, with a little memory and a directory of its own."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.engines.artefacts import Recipe, class_path
from tests.support.ports import free_port

_OPTIONS: Final = (
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Dlog4j2.disable.jmx=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
)
_QUICK: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
# As Elasticsearch and OpenSearch ship them: an engine refuses requests by how full its heap is, garbage included.
_IN_EARNEST: Final = ("-XX:+UseG1GC", "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30")
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 60.0


class Node:
    """A node of a search engine, not started yet. Its data outlives `stop` and `kill`.

    quick: without compiling well, which a server of minutes does not earn back.
    """

    def __init__(self, recipe: Recipe, directory: Path, *, heap: str = "512m", quick: bool = True) -> None:
        self._java = ["java", f"-Xms{heap}", f"-Xmx{heap}", *(_QUICK if quick else _IN_EARNEST)]
        self.recipe = recipe
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError with the end of its log."""
        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / "output.log"
        command = [*self._java, *_OPTIONS, *self.recipe.options, "-cp", class_path(self.recipe), "EngineNode"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, str(self.port), str(self.directory), *self.recipe.plugins],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"{self.recipe.name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: connections stay, and nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Kill -9, and take all away that it kept."""
        self.kill()
        shutil.rmtree(self.directory)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
