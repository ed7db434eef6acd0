"""Addresses in Base58 with a double SHA-256 checksum, told apart by version byte; and Solana's, which have none."""

import re
from dataclasses import dataclass
from typing import Final

import base58

from clew.ontology.currencies.address import Address
from clew.ontology.value import InvalidValueError

_SHAPE: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{25,36}", re.ASCII)
_RIPPLE_SHAPE: Final = re.compile(r"r[1-9A-HJ-NP-Za-km-z]{24,34}", re.ASCII)
_SOLANA_SHAPE: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Version:
    prefix: bytes
    network: str
    format: str
    testnet: bool = False


_VERSIONS: Final = (
    _Version(b"\x00", "bitcoin", "p2pkh"),
    _Version(b"\x05", "bitcoin", "p2sh"),
    _Version(b"\x6f", "bitcoin", "p2pkh", testnet=True),
    _Version(b"\xc4", "bitcoin", "p2sh", testnet=True),
    _Version(b"\x30", "litecoin", "p2pkh"),
    _Version(b"\x32", "litecoin", "p2sh"),
    _Version(b"\x3a", "litecoin", "p2sh", testnet=True),
    _Version(b"\x1e", "dogecoin", "p2pkh"),
    _Version(b"\x16", "dogecoin", "p2sh"),
    _Version(b"\x71", "dogecoin", "p2pkh", testnet=True),
    _Version(b"\x41", "tron", "account"),
    _Version(b"\x4c", "dash", "p2pkh"),
    _Version(b"\x10", "dash", "p2sh"),
    _Version(b"\x8c", "dash", "p2pkh", testnet=True),
    _Version(b"\x13", "dash", "p2sh", testnet=True),
    _Version(b"\x1c\xb8", "zcash", "p2pkh"),
    _Version(b"\x1c\xbd", "zcash", "p2sh"),
    _Version(b"\x1d\x25", "zcash", "p2pkh", testnet=True),
    _Version(b"\x1c\xba", "zcash", "p2sh", testnet=True),
)


def read_versioned(text: str) -> Address | None:
    """Key and script hash addresses of Bitcoin and its relatives, and Tron. Raises bad_checksum, unknown_network."""
    if not _SHAPE.fullmatch(text):
        return None
    decoded = _checked(text, ripple=False)
    for version in _VERSIONS:
        if decoded.startswith(version.prefix) and len(decoded) == len(version.prefix) + 20:
            digest = decoded[len(version.prefix) :]
            return Address(version.network, version.format, text, text, digest, version.testnet)
    raise InvalidValueError("unknown_network", "a sound Base58 address of no known network")


def read_ripple(text: str) -> Address | None:
    """Classic XRP Ledger accounts, which use an alphabet of their own. Raises bad_checksum, unknown_network."""
    if not _RIPPLE_SHAPE.fullmatch(text):
        return None
    decoded = _checked(text, ripple=True)
    if len(decoded) != 21 or decoded[0] != 0:
        raise InvalidValueError("unknown_network", "a sound Base58 text that is no XRP account")
    return Address("ripple", "account", text, text, decoded[1:])


def read_solana(text: str) -> Address | None:
    """Any 32 bytes in Base58; only a caller who knows that it is Solana may ask."""
    if not _SOLANA_SHAPE.fullmatch(text):
        return None
    decoded = base58.b58decode(text)
    if len(decoded) != 32:
        raise InvalidValueError("invalid_address", "a Solana address has 32 bytes")
    return Address("solana", "account", text, text, decoded)


def litecoin_script_address(digest: bytes) -> str:
    """The M… form of a script hash, which older Litecoin software wrote as 3… too."""
    return base58.b58encode_check(b"\x32" + digest).decode()


def _checked(text: str, *, ripple: bool) -> bytes:
    alphabet = base58.RIPPLE_ALPHABET if ripple else base58.BITCOIN_ALPHABET
    try:
        return base58.b58decode_check(text, alphabet=alphabet)
    except ValueError as error:
        raise InvalidValueError("bad_checksum", "the Base58 checksum does not match") from error
