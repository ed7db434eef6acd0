"""What local tables say of an address: its autonomous system, its country, and the threat feeds that list it.

Tables are MaxMind DB files and text files that the settings name. Nothing is asked of any network.
"""

import bisect
import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from clew.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from clew.kernel.settings import Settings

_SOURCES: Final = pl.Schema(
    {
        "source_ip": pl.String(),
        "asn": pl.Int64(),
        "as_name": pl.String(),
        "country": pl.String(),
        "feeds": pl.List(pl.String()),
    }
)


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Tables by which addresses are enriched; without any, nothing is known of them."""

    tables: Sequence[Path] = ()
    feeds: Path | None = None

    @classmethod
    def of(cls, settings: "Settings") -> "Enrichment":
        """The tables that the settings name."""
        return cls(settings.network_tables, settings.threat_feeds)

    def add(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """The sessions with the columns asn, as_name, country and feeds. Each distinct address is looked up once.

        Raises ConfigurationError for what is no table.
        """
        addresses = sessions["source_ip"].unique().drop_nulls().sort()
        found = pl.DataFrame({"source_ip": addresses}).join(self._looked_up(addresses), on="source_ip", how="left")
        empty = pl.lit([], dtype=pl.List(pl.String))
        return sessions.join(found, on="source_ip", how="left", maintain_order="left").with_columns(
            pl.col("feeds").fill_null(empty)
        )

    def _looked_up(self, addresses: pl.Series) -> pl.DataFrame:
        rows = {text: [text, None, None, None, []] for text in addresses} if self.tables or self.feeds else {}
        for path in self.tables:
            _look_up(path, rows)
        if self.feeds is not None:
            for path in _feed_files(self.feeds):
                feed = Feed.read(path)
                for text, row in rows.items():
                    if feed.lists(text):
                        row[4].append(path.stem)
        return pl.DataFrame(list(rows.values()), schema=_SOURCES, orient="row")


def _look_up(path: Path, rows: dict[str, list[Any]]) -> None:
    import maxminddb  # noqa: PLC0415 - only where a table is named

    try:
        with maxminddb.open_database(path) as table:
            for text, row in rows.items():
                try:
                    found = table.get(text)
                except ValueError:  # IPv6 in a table of IPv4
                    continue
                if isinstance(found, dict):
                    _fill(row, found)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigurationError(
            f"this is no MaxMind DB file that can be read: {error}",
            where=f"CLEW_NETWORK_TABLES: {path}",
            remedy="name .mmdb files, such as GeoLite2-ASN.mmdb",
        ) from None


def _fill(row: list[Any], found: dict[str, Any]) -> None:
    number, name = found.get("autonomous_system_number"), found.get("autonomous_system_organization")
    country = found.get("country") or found.get("registered_country")
    code = country.get("iso_code") if isinstance(country, dict) else country
    row[1] = number if row[1] is None and isinstance(number, int) else row[1]
    row[2] = name if row[2] is None and isinstance(name, str) else row[2]
    row[3] = code if row[3] is None and isinstance(code, str) else row[3]


@dataclass(frozen=True, slots=True)
class Feed:
    """Addresses and networks of one feed: by version of the protocol, spans that do not overlap, in order."""

    starts: dict[int, list[int]]
    ends: dict[int, list[int]]

    @classmethod
    def read(cls, path: Path) -> "Feed":
        """A file of addresses and networks, one a line; what follows the first blank, comma or `#` is not looked at."""
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    network = _network(line)
                    if network is not None:
                        spans[network.version].append((int(network.network_address), int(network.broadcast_address)))
        except OSError as error:
            raise ConfigurationError(
                f"this threat feed cannot be read: {error.strerror}", where=f"CLEW_THREAT_FEEDS: {path}"
            ) from None
        joined = {version: list(_joined(sorted(some))) for version, some in spans.items()}
        return cls(
            {version: [start for start, _ in some] for version, some in joined.items()},
            {version: [end for _, end in some] for version, some in joined.items()},
        )

    def lists(self, text: str) -> bool:
        """Whether the address is in it."""
        address = ipaddress.ip_address(text)
        place = bisect.bisect_right(self.starts[address.version], int(address)) - 1
        return place >= 0 and int(address) <= self.ends[address.version][place]


def _network(line: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    words = line.split("#", 1)[0].replace(",", " ").replace(";", " ").split()
    try:
        return ipaddress.ip_network(words[0], strict=False) if words else None
    except ValueError:
        return None


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for start, end in spans:
        if held is None:
            held = (start, end)
        elif start <= held[1] + 1:
            held = (held[0], max(held[1], end))
        else:
            yield held
            held = (start, end)
    if held is not None:
        yield held


def _feed_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigurationError(
            "this is no directory",
            where=f"CLEW_THREAT_FEEDS: {folder}",
            remedy="name the directory that holds the feeds",
        )
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
