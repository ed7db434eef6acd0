"""S3-compatible storage for tests: S3Proxy, which checks signatures and keeps objects in a directory.

CLEW_TEST_S3_URL names a bucket of real storage, as https://ACCESS:SECRET@host:9000/bucket, which then joins the tests;
each uses a prefix of its own there.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import pytest
from pydantic import SecretStr

from tests.engines.artefacts import Recipe, class_path
from tests.support.leftovers import ENDINGS
from tests.support.ports import free_port

URL_VARIABLE: Final = "CLEW_TEST_S3_URL"
_VERSION: Final = "2.9.0"
_START_SECONDS: Final = 60.0
_BUCKET: Final = "evidence"
S3PROXY: Final = Recipe(
    name="s3proxy",
    version=_VERSION,
    package="org.gaul.s3proxy",
    artefacts=(("org.gaul", "s3proxy", _VERSION),),
    plugins=(),
    options=("-DLOG_LEVEL=warn",),
    source=None,
    main="org.gaul.s3proxy.Main",
)
ON_S3: Final = [
    pytest.param(name, marks=[pytest.mark.engines, pytest.mark.xdist_group("s3")])
    for name in ("s3proxy", *(["s3"] if os.environ.get(URL_VARIABLE) else []))
]


class S3Server:
    """A server of one's own with one bucket, not started yet. What it keeps outlives `kill`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.access_key, self.secret_key = "tester", secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError with the end of its log."""
        (self.directory / "objects" / _BUCKET).mkdir(parents=True, exist_ok=True)
        properties = self.directory / "s3proxy.conf"
        properties.write_text(
            f"s3proxy.endpoint=http://127.0.0.1:{self.port}\ns3proxy.authorization=aws-v4\n"
            "s3proxy.ignore-unknown-headers=true\n"  # a checksum that it does not compute
            f"s3proxy.identity={self.access_key}\ns3proxy.credential={self.secret_key}\n"
            f"jclouds.provider=filesystem-nio2\njclouds.filesystem.basedir={self.directory / 'objects'}\n"
        )
        properties.chmod(0o600)
        log = self.directory / "output.log"
        options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", *S3PROXY.options]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["java", *options, "-cp", class_path(S3PROXY), S3PROXY.main, "--properties", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def settings(self) -> dict[str, Any]:
        """What a program is told of it, with a prefix of its own."""
        return {
            "files_url": f"s3://{_BUCKET}/{secrets.token_hex(6)}",
            "files_endpoint": f"http://127.0.0.1:{self.port}",
            "files_access_key": self.access_key,
            "files_secret_key": SecretStr(self.secret_key),
        }

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as answer:
                return bool(answer.status)
        except OSError as error:
            return getattr(error, "code", 0) in {403, 401, 400}


@cache
def running_s3() -> S3Server:
    """The server of this run: started by the first who asks, stopped when the tests are over."""
    directory = Path(tempfile.mkdtemp(prefix="clew-s3-"))
    ENDINGS.callback(shutil.rmtree, directory, ignore_errors=True)
    server = S3Server(directory)
    ENDINGS.callback(server.kill)
    server.start()
    return server


def s3_settings(kind: str) -> dict[str, Any]:
    """What a program is told of storage of that kind, with a prefix of its own."""
    if kind == "s3proxy":
        return running_s3().settings()
    url = urlsplit(os.environ[URL_VARIABLE])
    return {
        "files_url": f"s3://{url.path.strip('/')}/{secrets.token_hex(6)}",
        "files_endpoint": f"{url.scheme}://{url.netloc.rpartition('@')[2]}",
        "files_access_key": unquote(url.username or ""),
        "files_secret_key": SecretStr(unquote(url.password or "")),
    }
