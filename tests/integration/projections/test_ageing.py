"""Indices of a real engine grow old: rolled over, shrunk, merged, closed to writes, archived, deleted."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.ageing import Ageing
from clew.projections.search.elastic.connection import EngineConnection, connection_to
from clew.projections.search.elastic.lifecycle import Step
from clew.projections.search.elastic.names import Names
from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.running import running_node

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]
DOCUMENTS = 40


class Engine:
    """An engine with templates, and the clock of its scheduler."""

    def __init__(self, connection: EngineConnection, prefix: str, repository: str) -> None:
        self.connection = connection
        self.prefix = prefix
        self.ageing = Ageing(connection, Names(prefix), repository=repository)
        self.now = datetime.now(UTC)

    def ask(self, method: str, target: str, body: dict[str, Any] | None = None) -> Any:
        return self.connection.succeed(method, target, body)

    def fill(self, alias: str) -> None:
        """Several segments in every shard."""
        for number in range(DOCUMENTS):
            self.ask("POST", f"/{alias}/_doc", {"timestamp": self.now.isoformat(), "number": number})
            if number % 10 == 9:
                self.ask("POST", f"/{alias}/_refresh")

    def after(self, days: float) -> list[tuple[str, Step]]:
        """Everything that is done once so many days have passed."""
        self.now += timedelta(days=days)
        done: list[tuple[str, Step]] = []
        while found := [each for each in self.ageing.run(self.now) if each.left is None]:
            done += [(each.index.removeprefix(f"{self.prefix}-"), each.step) for each in found]
        return done

    def indices(self) -> set[str]:
        found = self.ask("GET", f"/{self.prefix}-*/_settings")
        return {name.removeprefix(f"{self.prefix}-") for name in found}

    def count(self, target: str) -> int:
        return int(self.ask("GET", f"/{self.prefix}-{target}/_count")["count"])


@pytest.fixture(params=ON_SEARCH_ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    node = running_node(request.param)
    connection = connection_to(EngineAddress("http", "127.0.0.1", node.port, "", timeout_seconds=60.0))
    prefix = f"a{secrets.token_hex(6)}"
    place = node.directory / "snapshots" / prefix
    connection.succeed("PUT", f"/_snapshot/{prefix}", {"type": "fs", "settings": {"location": str(place)}})
    made = Engine(connection, prefix, prefix)
    assert made.ageing.install({"coordination_enrichment": 2, "logs": 2}) == {}
    yield made
    for name in made.indices():
        made.ask("DELETE", f"/{prefix}-{name}")
    for name in made.ask("GET", "/_index_template")["index_templates"]:
        if name["name"].startswith(prefix):
            made.ask("DELETE", f"/_index_template/{name['name']}")
    made.ask("DELETE", f"/_snapshot/{prefix}")


def test_a_series_is_rolled_over_and_its_indices_age_to_their_end(engine: Engine) -> None:
    alias = f"{engine.prefix}-coordination_enrichment"
    engine.ask("PUT", f"/{alias}-000001", {"aliases": {alias: {"is_write_index": True}}})
    engine.fill(alias)
    assert engine.after(6.9) == []
    first = "coordination_enrichment-000001"
    shrunk = f"{first}-shrunk"
    # The engine's clock is behind the scheduler's: the second index was made today, and the first one closed then.
    assert engine.after(0.2) == [(first, Step.ROLLOVER), (first, Step.SHRINK), (shrunk, Step.MERGE)]
    engine.fill(alias)
    assert engine.count("coordination_enrichment") == 2 * DOCUMENTS
    assert first not in engine.indices()
    settings = engine.ask("GET", f"/{engine.prefix}-{shrunk}/_settings")[f"{engine.prefix}-{shrunk}"]["settings"]
    assert settings["index"]["number_of_shards"] == "1"
    segments = engine.ask("GET", f"/{engine.prefix}-{shrunk}/_stats/segments")["indices"]
    assert segments[f"{engine.prefix}-{shrunk}"]["primaries"]["segments"]["count"] == 1
    engine.ask("POST", f"/{alias}/_doc", {"number": 1})  # the newest is still written to

    assert (shrunk, Step.READ_ONLY) in engine.after(23)
    refused = engine.connection.request("POST", f"/{engine.prefix}-{shrunk}/_doc", {"number": 1})
    assert "block" in refused.reason
    assert (shrunk, Step.DELETE) in engine.after(60)
    assert shrunk not in engine.indices()


def test_days_are_archived_whole_before_they_go(engine: Engine) -> None:
    day = f"{engine.prefix}-logs-cowrie-2025.03.01"
    engine.fill(day)
    done = engine.after(366)
    assert [step for _, step in done] == [Step.ARCHIVE]
    assert engine.indices() == set()
    snapshot = engine.ask("GET", f"/_snapshot/{engine.prefix}/{day}")["snapshots"][0]
    assert (snapshot["state"], snapshot["indices"]) == ("SUCCESS", [day])
    engine.ask("POST", f"/_snapshot/{engine.prefix}/{day}/_restore?wait_for_completion=true", {"indices": day})
    assert engine.count("logs-cowrie-2025.03.01") == DOCUMENTS
    without = Ageing(engine.connection, Names(engine.prefix))
    (left,) = without.run(engine.now)
    assert left.left is not None  # nothing is deleted that could not be archived
    assert engine.count("logs-cowrie-2025.03.01") == DOCUMENTS


def test_a_shrinking_that_was_cut_off_is_done_again(engine: Engine) -> None:
    day = f"{engine.prefix}-logs-cowrie-2025.03.02"
    engine.fill(day)
    engine.ask("PUT", f"/{day}/_settings", {"index.blocks.write": True})
    engine.ask("PUT", f"/{day}-shrunk", {"settings": {"number_of_shards": 1}})  # not whole
    done = engine.after(8)
    assert (day.removeprefix(f"{engine.prefix}-"), Step.SHRINK) in done
    assert engine.count("logs-cowrie-2025.03.02-shrunk") == DOCUMENTS


def test_indices_of_others_are_left_alone(engine: Engine) -> None:
    other = f"{engine.prefix}-logs-of-somebody"
    engine.ask("PUT", f"/{other}", {"mappings": {"_meta": {"made_by_clew": None}}})
    engine.ask("DELETE", f"/{other}")
    engine.ask("DELETE", f"/_index_template/{engine.prefix}-logs")
    engine.ask("PUT", f"/{other}", {})
    assert engine.after(4_000) == []
    assert engine.indices() == {"logs-of-somebody"}
