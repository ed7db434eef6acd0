"""Where a Neo4j server is, as settings say it; what is wrong is told without what one signs in with."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.projections.graph.neo4j.address import address_of
from clew.projections.graph.neo4j.migrations import migrations, statements


def settings(url: str, **given: object) -> Settings:
    return Settings.model_validate({"graph_url": SecretStr(url), **given})


def test_a_url_says_all(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    found = address_of(settings("bolt+s://us%40er:p%2Fw@graph.example:7688/case-1", graph_ca_file=authority))
    assert (found.host, found.port, found.prefix, found.user, found.password) == (
        "graph.example", 7688, "case-1", "us@er", "p/w"
    )  # fmt: skip
    assert (found.uri, found.encrypted, found.is_local) == ("bolt://graph.example:7688", True, False)
    assert found.place == "bolt+s://graph.example:7688/case-1"
    assert "p/w" not in repr(found)
    plain = address_of(settings("bolt://127.0.0.1"))
    assert (plain.uri, plain.prefix, plain.user, plain.is_local) == ("bolt://127.0.0.1:7687", "", None, True)


@pytest.mark.parametrize(
    "url",
    [
        "bolt://",
        "bolt://u:secret@host/UPPER",
        "bolt://u:secret@host:nine",
        "bolt://u:secret@host/a?x=1",
        "bolt://host/a/b",
    ],
)
def test_what_is_no_address_is_told_without_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        address_of(settings(url))
    assert "secret" not in str(told.value)


def test_certificates_are_files_and_for_encrypted_connections(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        address_of(settings("bolt+s://host", graph_ca_file=tmp_path / "none"))
    with pytest.raises(ConfigurationError):
        address_of(settings("bolt://host", graph_ca_file=Path(__file__)))


def test_other_protocols_are_refused_by_the_settings() -> None:
    with pytest.raises(ValidationError):
        settings("http://host")


def test_migrations_are_numbered_and_may_be_run_again() -> None:
    listed = list(migrations())
    assert [name[:4] for name, _ in listed] == [f"{number:04}" for number in range(1, len(listed) + 1)]
    assert all("IF NOT EXISTS" in statement for _, text in listed for statement in statements(text))
