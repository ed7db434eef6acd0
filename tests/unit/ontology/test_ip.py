import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 8.8.8.8\n", "8.8.8.8"),
        ("8[.]8[.]8[.]8", "8.8.8.8"),
        ("８.8.8.8", None),
        ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::FFFF:0102:0304", "1.2.3.4"),
        ("0x7f000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("4294967295", "255.255.255.255"),
        ("::", "::"),
    ],
)
def test_every_spelling_of_an_address_is_one_entity(spelling: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(InvalidValueError):
            normalize(EntityType.IP_ADDRESS, spelling)
    else:
        found = normalize(EntityType.IP_ADDRESS, spelling)
        assert (found.identity, found.normalized_name, found.name) == (canonical, canonical, canonical)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("010.1.1.1", "ambiguous_ip_address"),
        ("127.1", "ambiguous_ip_address"),
        ("0x7f.0.0.1", "ambiguous_ip_address"),
        ("017700000001", "ambiguous_ip_address"),
        ("1.2.3.256", "ambiguous_ip_address"),
        ("12345", "ambiguous_ip_address"),
        ("4294967296", "ambiguous_ip_address"),
        ("10.0.0.0/8", "network_not_address"),
        ("1.2.3.4:80", "invalid_ip_address"),
        ("example.org", "invalid_ip_address"),
        ("1:2:3", "invalid_ip_address"),
        ("1.2.3.4\x00", "invalid_characters"),
        ("", "empty"),
    ],
)
def test_what_is_no_address_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.IP_ADDRESS, text)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        ("8.8.8.8", ()),
        ("1.1.1.1", ()),
        ("223.255.255.255", ()),
        ("2606:4700:4700::1111", ()),
        ("0.0.0.0", ("unspecified",)),
        ("0.0.0.1", ("reserved",)),
        ("10.255.255.255", ("private",)),
        ("11.0.0.0", ()),
        ("100.64.0.0", ("cgnat",)),
        ("100.128.0.0", ()),
        ("127.0.0.53", ("loopback",)),
        ("169.254.169.254", ("link_local",)),
        ("172.15.255.255", ()),
        ("172.16.0.0", ("private",)),
        ("172.32.0.0", ()),
        ("192.168.1.1", ("private",)),
        ("192.0.2.255", ("documentation",)),
        ("198.18.0.1", ("benchmarking",)),
        ("198.51.100.7", ("documentation",)),
        ("203.0.113.7", ("documentation",)),
        ("192.88.99.1", ("6to4",)),
        ("224.0.0.251", ("multicast",)),
        ("233.252.0.1", ("documentation",)),
        ("240.0.0.1", ("reserved",)),
        ("255.255.255.254", ("reserved",)),
        ("255.255.255.255", ("broadcast",)),
        ("::", ("unspecified",)),
        ("::1", ("loopback",)),
        ("::2", ("reserved",)),
        ("fd00::1", ("private",)),
        ("fe80::1", ("link_local",)),
        ("ff02::1", ("multicast",)),
        ("2001:db8::1", ("documentation",)),
        ("2002:c000:201::", ("6to4",)),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", ("teredo",)),
        ("64:ff9b::808:808", ("nat64",)),
    ],
)
def test_addresses_that_are_nobodys_are_flagged(address: str, flags: tuple[str, ...]) -> None:
    found = normalize(EntityType.IP_ADDRESS, address)
    assert found.flags == flags
    assert found.properties["scope"] == (flags[0] if flags else "global")
    assert found.properties["version"] == (6 if ":" in address else 4)


def test_the_address_inside_a_transition_address_is_told() -> None:
    assert normalize("ip_address", "2002:c000:0201::").properties["embedded_ipv4"] == "192.0.2.1"


@given(st.ip_addresses())
def test_text_agrees_with_the_standard_library(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert normalize("ip_address", address.exploded).identity == str(mapped or address)


@given(st.ip_addresses(v=4))
def test_no_private_address_passes_as_public(address: ipaddress.IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved:
        assert normalize("ip_address", str(address)).flags
