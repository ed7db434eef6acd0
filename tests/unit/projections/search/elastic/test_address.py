"""Where an engine is, as people write it, and which engines are taken."""

from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.projections.search.elastic.address import address_of
from clew.projections.search.elastic.versions import identity_of


def _settings(**given: Any) -> Settings:
    return Settings(data_dir=Path("/nowhere"), **given)


def test_a_url_names_engine_login_and_prefix() -> None:
    found = address_of(_settings(search_url="https://clew:p%40ss%3Aword@search.example/case-7"))
    assert (found.scheme, found.host, found.port, found.prefix) == ("https", "search.example", 9200, "case-7")
    assert found.authorization is not None
    assert b64decode(found.authorization.removeprefix("Basic ")) == b"clew:p@ss:word"
    assert found.place == "https://search.example:9200/case-7"
    assert found.authorization not in repr(found)
    assert not found.is_local
    assert address_of(_settings(search_url="http://127.0.0.1:9201")).is_local


def test_a_key_is_taken_encoded_or_as_its_parts() -> None:
    whole = address_of(_settings(search_url="https://x", search_api_key="aWQ6c2VjcmV0"))
    parts = address_of(_settings(search_url="https://x", search_api_key="id:secret"))
    assert whole.authorization == parts.authorization == "ApiKey aWQ6c2VjcmV0"
    with pytest.raises(ConfigurationError, match="not both"):
        address_of(_settings(search_url="https://a:b@x", search_api_key="id:secret"))


@pytest.mark.parametrize(
    "url",
    ["https://", "https://x:port", "https://x/a/b", "https://x/UPPER", "https://x/_a", "https://x/a--b", "https://x?y",
     "https://x/a*", "https://x/-a", "https://x/a,b"],
)  # fmt: skip
def test_what_names_no_engine_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        address_of(_settings(search_url=url.replace("https://", "https://user:hush@")))
    assert caught.value.where == "CLEW_SEARCH_URL"
    assert "hush" not in str(caught.value)


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        address_of(_settings(search_url="https://x", search_ca_file=tmp_path / "ca.pem"))


@pytest.mark.parametrize(
    ("number", "distribution", "product"),
    [
        ("7.10.2", None, "Elasticsearch"),
        ("7.17.29", None, "Elasticsearch"),
        ("8.19.0", None, "Elasticsearch"),
        ("9.4.1-SNAPSHOT", None, "Elasticsearch"),
        ("1.3.20", "opensearch", "OpenSearch"),
        ("2.19.6", "opensearch", "OpenSearch"),
        ("3.1.0", "opensearch", "OpenSearch"),
    ],
)
def test_supported_engines_are_taken(number: str, distribution: str | None, product: str) -> None:
    found = identity_of({"version": {"number": number, "distribution": distribution}}, "here")
    assert (found.product, found.version) == (product, number)
    assert ("is tested on this version" in found.note) == (number in {"7.10.2", "2.19.6"})


@pytest.mark.parametrize(
    "told",
    [
        {"version": {"number": "7.9.3"}},
        {"version": {"number": "6.8.0"}},
        {"version": {"number": "10.0.0"}},
        {"version": {"number": "4.0.0", "distribution": "opensearch"}},
        {"version": {"number": "soon"}},
        {"version": {}},
        {"version": "7.10.2"},
        {},
        [],
        "Hello",
    ],
    ids=str,
)
def test_others_are_refused(told: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"not supported|neither") as caught:
        identity_of(told, "here")
    assert caught.value.remedy
