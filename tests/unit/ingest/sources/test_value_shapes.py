"""Shapes of bare values, endpoints, unix seconds and parents: small readings that several tools share."""

from datetime import UTC, datetime

import pytest

from clew.ingest.sources.epoch_times import read_epoch
from clew.ingest.sources.parent_domain import ParentDomains
from clew.ingest.sources.value_shapes import endpoint, shape_of


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("192.0.2.1", "ip_address"),
        (" 2001:db8::1 ", "ip_address"),
        ("::", "ip_address"),
        ("192.0.2.256", None),
        ("fe80::1%eth0", None),
        ("www.example.com", "domain"),
        ("*.example.com.", "domain"),
        ("_dmarc.example.com", "domain"),
        ("example", None),
        ("a b.example.com", None),
        ("press@example.com", "email"),
        ("press office@example.com", None),
        ("press@example", None),
        ("https://example.com/a", "url"),
        ("https:// example.com", None),
        ("", None),
        ("a" * 5000 + ".com", None),
    ],
)
def test_shapes(value: str, shape: str | None) -> None:
    assert shape_of(value) == shape


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("192.0.2.1:22", ("192.0.2.1", 22)),
        ("[2001:db8::1]:443", ("2001:db8::1", 443)),
        ("www.example.com:443", ("www.example.com", 443)),
        ("2001:db8::1:443", None),
        ("192.0.2.1:0", None),
        ("192.0.2.1:65536", None),
        ("192.0.2.1", None),
        (":22", None),
    ],
)
def test_endpoints(value: str, place: tuple[str, int] | None) -> None:
    assert endpoint(value) == place


@pytest.mark.parametrize("value", [1717243200, 1717243200.0, "1717243200", "1717243200.0"])
def test_unix_seconds(value: object) -> None:
    assert read_epoch(value) == datetime(2024, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("value", [None, True, "", "now", "nan", "inf", -1, 0, 1e20, "9" * 400, 10**400, [], "1_7e9"])
def test_what_is_no_moment_of_this_time(value: object) -> None:
    assert read_epoch(value) is None


@pytest.mark.parametrize(
    ("host", "searched", "parent"),
    [
        ("a.lab.example.co.uk", "lab.example.co.uk", "lab.example.co.uk"),
        ("a.lab.example.co.uk", None, "example.co.uk"),
        ("www.example.com", "other.example", "example.com"),
        ("*.www.example.com.", None, "example.com"),
        ("example.com", "example.com", None),
        ("example.co.uk", None, None),
        ("localhost", None, None),
    ],
)
def test_parents(host: str, searched: str | None, parent: str | None) -> None:
    assert ParentDomains().parent(host, searched) == parent
