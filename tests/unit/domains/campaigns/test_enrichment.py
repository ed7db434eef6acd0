"""What local tables say of addresses; the MaxMind DB file is written here, as its specification describes it."""

from pathlib import Path

import polars as pl
import pytest

from clew.domains.campaigns.enrichment import Enrichment
from clew.kernel.errors import ConfigurationError


def text(value: str) -> bytes:
    return bytes([0x40 | len(value)]) + value.encode()


def number(value: int, kind: int = 0xC0) -> bytes:
    content = value.to_bytes(4, "big").lstrip(b"\0")
    return bytes([kind | len(content)]) + content


def table(path: Path) -> Path:
    """All of IPv4: 0.0.0.0/1 is AS64500 in DE, the other half is nothing (MaxMind DB file format 2.0)."""
    data = b"".join(
        (
            b"\xe3",
            text("autonomous_system_number"),
            number(64_500),
            b"\x5d\x01autonomous_system_organization",
            text("Example"),
            text("country"),
            b"\xe1",
            text("iso_code"),
            text("DE"),
        )
    )
    tree = (1 + 16).to_bytes(3, "big") + (1).to_bytes(3, "big")
    metadata = b"".join(
        (
            b"\xe9",
            text("node_count"), number(1),
            text("record_size"), b"\xa1\x18",
            text("ip_version"), b"\xa1\x04",
            text("database_type"), text("Test"),
            text("languages"), b"\x00\x04",
            text("binary_format_major_version"), b"\xa1\x02",
            text("binary_format_minor_version"), b"\xa0",
            text("build_epoch"), b"\x01\x02\x01",
            text("description"), b"\xe0",
        )
    )  # fmt: skip
    path.write_bytes(tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + metadata)
    return path


def enriched(enrichment: Enrichment, *addresses: str) -> list[tuple[object, ...]]:
    return (
        enrichment.add(pl.DataFrame({"source_ip": list(addresses)})).select("asn", "as_name", "country", "feeds").rows()
    )


def test_networks_and_countries_come_from_a_maxmind_file(tmp_path: Path) -> None:
    enrichment = Enrichment((table(tmp_path / "asn.mmdb"),))
    assert enriched(enrichment, "20.0.0.1", "200.0.0.1", "2001:db8::1") == [
        (64_500, "Example", "DE", []),
        (None, None, None, []),
        (None, None, None, []),
    ]
    (tmp_path / "none.mmdb").write_text("no table")
    with pytest.raises(ConfigurationError):
        enriched(Enrichment((tmp_path / "none.mmdb",)), "20.0.0.1")


def test_feeds_list_addresses_and_networks(tmp_path: Path) -> None:
    (tmp_path / "blocked.txt").write_text(
        "# feed\n198.51.100.0/25\n198.51.100.64/26, overlapping\n2001:db8::/32\nrubbish\n"
    )
    (tmp_path / "single.netset").write_text("198.51.100.7;7\n")
    enrichment = Enrichment(feeds=tmp_path)
    found = enriched(enrichment, "198.51.100.7", "198.51.100.127", "198.51.100.128", "2001:db8::9")
    assert [row[3] for row in found] == [["blocked", "single"], ["blocked"], [], ["blocked"]]
    assert enriched(Enrichment(), "198.51.100.7") == [(None, None, None, [])]
    with pytest.raises(ConfigurationError):
        enriched(Enrichment(feeds=tmp_path / "missing"), "198.51.100.7")
