"""ATT&CK as knowledge: techniques from its bundles, and from one version of it to the next."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from clew.domains.exchange.attack import find_technique
from clew.domains.exchange.importing import keep_document
from clew.kernel.database import Database
from tests.support.record import NOON, Tenant

OLD, NEW = (
    "attack-pattern--00000000-0000-4000-8000-00000000000a",
    "attack-pattern--00000000-0000-4000-8000-00000000000b",
)


def technique(identifier: str, number: str, name: str, modified: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "attack-pattern", "spec_version": "2.1", "id": identifier, "created": "2020-01-01T00:00:00.000Z",
        "modified": modified, "name": name, "x_mitre_version": "1.0",
        "external_references": [{"source_name": "mitre-attack", "external_id": number, "url": "https://attack.mitre.org"}],
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
    } | more  # fmt: skip


def bundle(edition: str, *objects: dict[str, Any]) -> bytes:
    collection = {
        "type": "x-mitre-collection", "id": "x-mitre-collection--00000000-0000-4000-8000-000000000001",
        "x_mitre_version": edition, "modified": "2020-01-01T00:00:00.000Z",
    }  # fmt: skip
    told = {"type": "bundle", "id": f"bundle--00000000-0000-4000-8000-0000000000{edition[:2]}"}
    return orjson.dumps(told | {"objects": [collection, *objects]})


FIRST = bundle("10.0", technique(OLD, "T1086", "PowerShell", "2020-01-01T00:00:00.000Z"))
REVOKED = {
    "type": "relationship", "id": "relationship--00000000-0000-4000-8000-00000000000c",
    "relationship_type": "revoked-by", "source_ref": OLD, "target_ref": NEW, "modified": "2021-01-01T00:00:00.000Z",
}  # fmt: skip
SECOND = bundle(
    "11.0",
    technique(OLD, "T1086", "PowerShell", "2021-01-01T00:00:00.000Z", revoked=True),
    technique(NEW, "T1059.001", "PowerShell", "2021-01-01T00:00:00.000Z"),
    REVOKED,
)


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST), (SECOND,), (FIRST, SECOND, FIRST, SECOND)])
def test_what_is_revoked_leads_to_what_it_was_revoked_by(
    database: Database, tenant: Tenant, order: tuple[bytes, ...]
) -> None:
    with database.transaction(tenant.context) as connection:
        for each in order:
            keep_document(connection, tenant.id, "stix", each, NOON)
        found = find_technique(connection, tenant.id, "T1086")
        assert [(each.technique, each.is_revoked) for each in found] == [("T1086", True), ("T1059.001", False)]
        assert found[-1].attack_version == "11.0"
        assert found[-1].tactics == ["execution"]
        assert find_technique(connection, tenant.id, "T9999") == []


def test_a_newer_version_describes_anew_and_says_what_is_deprecated(database: Database, tenant: Tenant) -> None:
    newer = technique(OLD, "T1086", "Power Shell", "2022-01-01T00:00:00.000Z", x_mitre_deprecated=True)
    with database.transaction(tenant.context) as connection:
        for each in (FIRST, bundle("12.0", newer)):
            keep_document(connection, tenant.id, "stix", each, NOON)
        (found,) = find_technique(connection, tenant.id, "T1086")
    assert (found.name, found.is_deprecated, found.attack_version) == ("Power Shell", True, "12.0")


def test_a_circle_of_revocations_ends(database: Database, tenant: Tenant) -> None:
    back = REVOKED | {"id": "relationship--00000000-0000-4000-8000-00000000000d", "source_ref": NEW, "target_ref": OLD}
    circle = bundle(
        "13.0",
        technique(OLD, "T1086", "PowerShell", "2021-01-01T00:00:00.000Z", revoked=True),
        technique(NEW, "T1059.001", "PowerShell", "2021-01-01T00:00:00.000Z", revoked=True),
        REVOKED,
        back,
    )
    with database.transaction(tenant.context) as connection:
        keep_document(connection, tenant.id, "stix", circle, NOON)
        assert len(find_technique(connection, tenant.id, "T1086")) == 2


@pytest.mark.realdata
def test_the_mobile_matrix_is_learnt(database: Database, tenant: Tenant, realdata: Path) -> None:
    content = gzip.decompress((realdata / "stix" / "mobile-attack-17.1.json.gz").read_bytes())
    with database.transaction(tenant.context) as connection:
        keep_document(connection, tenant.id, "stix", content, NOON)
        found = find_technique(connection, tenant.id, "T1453")
    assert found
    assert found[-1].attack_version == "17.1"
    assert not found[-1].is_revoked
