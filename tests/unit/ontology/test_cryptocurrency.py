"""Known addresses: the vectors published in BIP 173, BIP 350, EIP-55, CIP 19 and the CashAddr and Monero documents,
and well-known addresses of each network (genesis blocks, burn addresses, foundations).
"""

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ontology import EntityType, InvalidValueError, normalize

MONERO = (
    "4AdUndXHHZ6cfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2684Rge",
    "4LL9oSLmtpccfufTMvppY6JwXNouMBzSkbLYfpAV5Usx3skxNgYeYTRj5UzqtReoS44qo9mtmXCqY45DJ852K5Jv2bYXZKKQePHES9khPK",
    "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
)
CARDANO = (
    "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
    "addr_test1vz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzerspjrlsz",
)
KNOWN = [
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bitcoin", "p2pkh", ()),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "bitcoin", "p2sh", ()),
    ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "bitcoin", "p2pkh", ("testnet",)),
    ("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "bitcoin", "p2sh", ("testnet",)),
    ("1111111111111111111114oLvT2", "bitcoin", "p2pkh", ("placeholder",)),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bitcoin", "p2wpkh", ()),
    ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "bitcoin", "p2wsh", ("testnet",)),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "bitcoin", "p2tr", ()),
    ("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "bitcoin", "witness_v1", ()),
    ("bc1sw50qgdz25j", "bitcoin", "witness_v16", ()),
    ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "bitcoin", "witness_v2", ()),
    ("tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", "bitcoin", "p2tr", ("testnet",)),
    ("LaMT348PWRnrqeeWArpwQPbuanpXDZGEUz", "litecoin", "p2pkh", ()),
    ("MQMcJhpWHYVeQArcZR3sBgyPZxxRtnH441", "litecoin", "p2sh", ()),
    ("ltc1qg42tkwuuxefutzxezdkdel39gfstuap288mfea", "litecoin", "p2wpkh", ()),
    ("DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "dogecoin", "p2pkh", ()),
    ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "tron", "account", ()),
    ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "tron", "account", ("placeholder",)),
    ("XpESxaUmonkq8RaLLp46Brx2K39ggQe226", "dash", "p2pkh", ()),
    ("t3Vz22vK5z2LcKEdg16Yv4FFneEL1zg9ojd", "zcash", "p2sh", ()),
    ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "ripple", "account", ()),
    ("rrrrrrrrrrrrrrrrrrrrrhoLvTp", "ripple", "account", ("placeholder",)),
    ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "bitcoin_cash", "p2pkh", ()),
    (MONERO[0], "monero", "standard", ()),
    (MONERO[1], "monero", "integrated", ()),
    (MONERO[2], "monero", "subaddress", ()),
    (CARDANO[0], "cardano", "addr", ()),
    (CARDANO[1], "cardano", "stake", ()),
    (CARDANO[2], "cardano", "addr", ("testnet",)),
]


@pytest.mark.parametrize(("address", "network", "kind", "flags"), KNOWN)
def test_known_addresses_are_recognised(address: str, network: str, kind: str, flags: tuple[str, ...]) -> None:
    found = normalize(EntityType.CRYPTOCURRENCY_ADDRESS, f" {address}\n")
    assert found.identity == f"{network}:{address}"
    assert found.normalized_name == address
    assert (found.properties["network"], found.properties["format"], found.flags) == (network, kind, flags)


@pytest.mark.parametrize("address", [address for address, *_ in KNOWN])
def test_every_wrong_character_is_noticed(address: str) -> None:
    for position in range(len(address) - 6, len(address)):
        wrong = "q" if address[position] != "q" else "p"
        with pytest.raises(InvalidValueError):
            normalize("cryptocurrency_address", address[:position] + wrong + address[position + 1 :])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "invalid_address"),
        ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "invalid_address"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "invalid_address"),
        ("bc1pw5dgrnzv", "invalid_address"),
        ("bc1gmk9yu", "invalid_address"),
        ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "invalid_address"),
        ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "invalid_address"),
        ("tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq", "mixed_case"),
        ("tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", "invalid_address"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "bad_checksum"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "bad_checksum"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "bad_checksum"),
        (MONERO[0][:-1] + "f", "bad_checksum"),
        ("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q", "bad_checksum"),
        ("hello", "invalid_address"),
        ("So11111111111111111111111111111111111111112", "invalid_address"),
    ],
)
def test_what_is_no_address_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.CRYPTOCURRENCY_ADDRESS, text)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    "address",
    [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_ethereum_is_one_entity_in_any_case_and_shown_with_its_checksum(address: str) -> None:
    for spelling in (address, address.lower(), "0x" + address[2:].upper(), f"ethereum:{address}"):
        found = normalize("cryptocurrency_address", spelling)
        assert (found.identity, found.name) == (f"ethereum:{address.lower()}", address)


@pytest.mark.parametrize("address", ["0x" + "0" * 40, "0x000000000000000000000000000000000000dEaD"])
def test_burn_addresses_are_flagged(address: str) -> None:
    assert normalize("cryptocurrency_address", address).flags == ("placeholder",)


@pytest.mark.parametrize(
    ("legacy", "cash"),
    [
        ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu", "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"),
        ("1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR", "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy"),
        ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq"),
    ],
)
def test_an_old_bitcoin_cash_address_becomes_its_own_form_where_the_network_is_known(legacy: str, cash: str) -> None:
    for spelling, qualifier in ((legacy, "BCH"), (legacy, "Bitcoin Cash"), (cash, None), (cash.upper(), None)):
        assert normalize("cryptocurrency_address", spelling, qualifier).identity == f"bitcoin_cash:{cash}"
    assert normalize("cryptocurrency_address", cash.partition(":")[2]).name == cash
    assert normalize("cryptocurrency_address", legacy).identity == f"bitcoin:{legacy}"


@given(st.binary(min_size=20, max_size=20))
def test_a_litecoin_script_address_is_one_entity_in_both_forms(digest: bytes) -> None:
    old = base58.b58encode_check(b"\x05" + digest).decode()
    new = base58.b58encode_check(b"\x32" + digest).decode()
    assert normalize("cryptocurrency_address", old, "litecoin").identity == f"litecoin:{new}"
    assert normalize("cryptocurrency_address", new).identity == f"litecoin:{new}"
    assert normalize("cryptocurrency_address", old).identity == f"bitcoin:{old}"


def test_the_wrong_network_is_refused() -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize("cryptocurrency_address", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "monero")
    assert raised.value.reason == "wrong_network"


def test_solana_is_taken_only_where_the_source_says_so() -> None:
    address = "So11111111111111111111111111111111111111112"
    assert normalize("cryptocurrency_address", address, "SOL").identity == f"solana:{address}"


def test_a_payment_link_is_its_address() -> None:
    link = "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?amount=0.1&label=x"
    assert normalize("cryptocurrency_address", link).identity == "bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
