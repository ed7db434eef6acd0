"""Cryptocurrency addresses, accepted only with a right checksum; one address is one entity, network included.

One text can belong to several networks: "1…" to Bitcoin and Bitcoin Cash, "3…" to Bitcoin and Litecoin, "0x…" to every
chain that copies Ethereum. Without qualifier the older network is meant; with one, the address is turned into the
form only that network uses. Solana addresses have no checksum, so they are taken only with the qualifier "solana".
"""

from collections.abc import Callable
from typing import Final

from clew.ontology.currencies import base58, bech32, ethereum, monero
from clew.ontology.currencies.address import Address
from clew.ontology.text import identifier
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, normalized

_READERS: Final[tuple[Callable[[str], Address | None], ...]] = (
    ethereum.read,
    bech32.read_segwit,
    bech32.read_cardano,
    bech32.read_bitcoin_cash,
    monero.read,
    base58.read_ripple,
    base58.read_versioned,
)
_CURRENCIES: Final = {
    "bitcoin": "BTC",
    "bitcoin_cash": "BCH",
    "cardano": "ADA",
    "dash": "DASH",
    "dogecoin": "DOGE",
    "ethereum": "ETH",
    "litecoin": "LTC",
    "monero": "XMR",
    "ripple": "XRP",
    "solana": "SOL",
    "tron": "TRX",
    "zcash": "ZEC",
}
_NETWORKS: Final = {symbol.lower(): network for network, symbol in _CURRENCIES.items()} | {
    network.replace("_", ""): network for network in _CURRENCIES
}
_URI_SCHEMES: Final = (
    "bitcoin:",
    "litecoin:",
    "dogecoin:",
    "dash:",
    "monero:",
    "zcash:",
    "ripple:",
    "solana:",
    "tron:",
)
_BURNT: Final = frozenset(
    {bytes(20), b"\xff" * 20, bytes(32), bytes.fromhex("000000000000000000000000000000000000dead")}
)


def normalize(entity_type: EntityType, value: str, qualifier: str | None = None) -> NormalizedValue:
    """The address in the canonical case of its format. `qualifier` is the network or currency, where known.

    Payment links (bitcoin:…?amount=1) are unwrapped. Raises InvalidValueError: invalid_address, bad_checksum,
    mixed_case, unknown_network, wrong_network, and those of `identifier`.
    """
    text = _unwrapped(identifier(value))
    wanted = _NETWORKS.get("".join(c for c in (qualifier or "").lower() if c.isalnum()))
    address = base58.read_solana(text) if wanted == "solana" else _read(text)
    if address is None:
        raise InvalidValueError("invalid_address", "not an address of a known cryptocurrency")
    if wanted is not None and address.network != wanted:
        address = _on_network(address, wanted)
    flags = ["testnet"] if address.testnet else []
    if address.payload in _BURNT:
        flags.append("placeholder")
    properties: dict[str, PropertyValue] = {
        "network": address.network,
        "currency": _CURRENCIES[address.network],
        "format": address.format,
    }
    return normalized(
        entity_type,
        address.canonical,
        name=address.shown,
        identity=f"{address.network}:{address.canonical}",
        flags=flags,
        properties=properties,
    )


def _read(text: str) -> Address | None:
    for reader in _READERS:
        address = reader(text)
        if address is not None:
            return address
    return None


def _unwrapped(text: str) -> str:
    lowered = text.lower()
    for scheme in _URI_SCHEMES:
        if lowered.startswith(scheme):
            text = text[len(scheme) :].removeprefix("//")
    return text.partition("?")[0]


def _on_network(address: Address, network: str) -> Address:
    """The same key or script on a network that shares the older one's addresses. Raises wrong_network."""
    if address.network == "bitcoin" and not address.testnet:
        if network == "litecoin" and address.format == "p2sh":
            text = base58.litecoin_script_address(address.payload)
            return Address(network, address.format, text, text, address.payload)
        if network == "bitcoin_cash" and address.format in ("p2pkh", "p2sh"):
            text = bech32.cash_address(address.payload, script=address.format == "p2sh")
            return Address(network, address.format, text, text, address.payload)
    raise InvalidValueError("wrong_network", f"an address of {address.network}, not of {network}")
