"""Which engines Clew works with, and what is known of their versions."""

import re
from dataclasses import dataclass
from typing import Any, Final

from clew.kernel.errors import ConfigurationError

ELASTICSEARCH: Final = "Elasticsearch"
OPENSEARCH: Final = "OpenSearch"
# Product: the first version that is taken, and the first that is not.
SUPPORTED: Final = {ELASTICSEARCH: ((7, 10), (10, 0)), OPENSEARCH: ((1, 0), (4, 0))}
TESTED: Final = {ELASTICSEARCH: (7, 10), OPENSEARCH: (2, 19)}
_NUMBER: Final = re.compile(r"(\d{1,4})\.(\d{1,4})")


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """An engine and its version, as it tells them."""

    product: str
    version: str

    @property
    def note(self) -> str:
        """What is worth knowing of this version."""
        if _parts(self.version) == TESTED[self.product]:
            return "the contract of the search port is tested on this version"
        tested = ".".join(map(str, TESTED[self.product]))
        return f"used by the calls that all supported versions share; the contract is tested on {tested}"

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


def identity_of(told: Any, place: str) -> EngineIdentity:
    """Which engine says this of itself. Raises ConfigurationError for one that Clew does not work with."""
    version = told.get("version") if isinstance(told, dict) else None
    number = version.get("number") if isinstance(version, dict) else None
    if not isinstance(version, dict) or not isinstance(number, str) or _NUMBER.match(number) is None:
        raise ConfigurationError(
            "what answers is neither Elasticsearch nor OpenSearch", where=place, remedy="correct CLEW_SEARCH_URL"
        )
    product = OPENSEARCH if version.get("distribution") == "opensearch" else ELASTICSEARCH
    first, beyond = SUPPORTED[product]
    if not first <= _parts(number) < beyond:
        raise ConfigurationError(
            f"{product} {number} is not supported",
            where=place,
            remedy="Clew works with Elasticsearch 7.10 to 9 and OpenSearch 1 to 3",
        )
    return EngineIdentity(product, number)


def _parts(number: str) -> tuple[int, int]:
    match = _NUMBER.match(number)
    return (int(match[1]), int(match[2])) if match is not None else (0, 0)
