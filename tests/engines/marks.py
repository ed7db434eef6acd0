"""Parameters for tests that run on each search engine."""

from typing import Final

import pytest

# All tests of a kind in one process of the run: it starts the one server of the kind.
ON_SEARCH_ENGINES: Final = [
    pytest.param(name, marks=[pytest.mark.engines, pytest.mark.xdist_group(name)])
    for name in ("opensearch", "elasticsearch")
]

# … and on each graph engine.
ON_GRAPH_ENGINES: Final = [pytest.param("neo4j", marks=[pytest.mark.engines, pytest.mark.xdist_group("neo4j")])]
ON_INFLUXDB: Final = [pytest.param("influxdb", marks=[pytest.mark.engines, pytest.mark.xdist_group("influxdb")])]
