"""Bech32 and Bech32m (BIP 173, BIP 350) of Bitcoin, Litecoin and Cardano, and CashAddr of Bitcoin Cash.

Own code, because the published wheels lack Bech32m, or refuse the length of Cardano's addresses, or need a compiler.
"""

import re
from collections.abc import Sequence
from typing import Final

from clew.ontology.currencies.address import Address
from clew.ontology.value import InvalidValueError

_CHARACTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CASHADDR_GENERATOR: Final = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_BECH32: Final = 1
_BECH32M: Final = 0x2BC830A3
_SEGWIT: Final = re.compile(r"(bc|tb|bcrt|ltc|tltc)1([02-9ac-hj-np-z]{8,90})", re.ASCII)
_CARDANO: Final = re.compile(r"(addr|addr_test|stake|stake_test)1([02-9ac-hj-np-z]{40,120})", re.ASCII)
_CASHADDR: Final = re.compile(r"(?:(bitcoincash|bchtest|bchreg):)?([qp][02-9ac-hj-np-z]{41,111})", re.ASCII)
_SEGWIT_NETWORKS: Final = {
    "bc": ("bitcoin", False),
    "tb": ("bitcoin", True),
    "bcrt": ("bitcoin", True),
    "ltc": ("litecoin", False),
    "tltc": ("litecoin", True),
}
_WITNESS_KINDS: Final = {(0, 20): "p2wpkh", (0, 32): "p2wsh", (1, 32): "p2tr"}
_CASHADDR_SIZES: Final = (20, 24, 28, 32, 40, 48, 56, 64)


def read_segwit(text: str) -> Address | None:
    """Witness programs of versions 0 (Bech32) to 16 (Bech32m). Raises bad_checksum, mixed_case, invalid_address."""
    lowered = _one_case(text, _SEGWIT)
    if lowered is None or len(lowered) > 90:
        return None
    prefix, _, data = lowered.partition("1")
    values = _values(data)
    constant = _polymod(_expanded(prefix) + values, _GENERATOR, 25)
    if constant not in (_BECH32, _BECH32M):
        raise InvalidValueError("bad_checksum", "the Bech32 checksum does not match")
    version, program = values[0], _regrouped(values[1:-6])
    fits = version <= 16 and 2 <= len(program) <= 40 and (version > 0 or len(program) in (20, 32))
    if not fits or constant != (_BECH32M if version else _BECH32):
        raise InvalidValueError("invalid_address", "a witness program of wrong version, length or checksum kind")
    network, testnet = _SEGWIT_NETWORKS[prefix]
    kind = _WITNESS_KINDS.get((version, len(program)), f"witness_v{version}")
    return Address(network, kind, lowered, lowered, program, testnet)


def read_cardano(text: str) -> Address | None:
    """Shelley payment and stake addresses (CIP 19). Raises bad_checksum, mixed_case, invalid_address."""
    lowered = _one_case(text, _CARDANO)
    if lowered is None:
        return None
    prefix, _, data = lowered.rpartition("1")
    values = _values(data)
    if _polymod(_expanded(prefix) + values, _GENERATOR, 25) != _BECH32:
        raise InvalidValueError("bad_checksum", "the Bech32 checksum does not match")
    payload = _regrouped(values[:-6])
    if len(payload) < 29 or (payload[0] & 0x0F == 0) != prefix.endswith("_test"):
        raise InvalidValueError("invalid_address", "the address's header and prefix disagree")
    return Address("cardano", prefix.removesuffix("_test"), lowered, lowered, payload, prefix.endswith("_test"))


def read_bitcoin_cash(text: str) -> Address | None:
    """CashAddr with or without its prefix. Raises bad_checksum, mixed_case, invalid_address."""
    lowered = _one_case(text, _CASHADDR)
    if lowered is None:
        return None
    prefix, _, data = lowered.rpartition(":")
    prefix = prefix or "bitcoincash"
    values = _values(data)
    if _polymod([*(ord(c) & 31 for c in prefix), 0, *values], _CASHADDR_GENERATOR, 35) != 1:
        raise InvalidValueError("bad_checksum", "the CashAddr checksum does not match")
    payload = _regrouped(values[:-8])
    if payload[0] & 0x80 or len(payload) - 1 != _CASHADDR_SIZES[payload[0] & 7] or payload[0] >> 3 > 3:
        raise InvalidValueError("invalid_address", "the address's version byte does not fit its length")
    kind = "p2sh" if payload[0] >> 3 & 1 else "p2pkh"
    canonical = f"{prefix}:{data}"
    return Address("bitcoin_cash", kind, canonical, canonical, payload[1:], prefix != "bitcoincash")


def cash_address(digest: bytes, *, script: bool) -> str:
    """The main network CashAddr of a 20-byte key or script hash."""
    values = _ungrouped(bytes([8 if script else 0]) + digest)
    prefix = [*(ord(c) & 31 for c in "bitcoincash"), 0]
    checksum = _polymod(prefix + values + [0] * 8, _CASHADDR_GENERATOR, 35) ^ 1
    values += [checksum >> 5 * (7 - position) & 31 for position in range(8)]
    return "bitcoincash:" + "".join(_CHARACTERS[value] for value in values)


def _one_case(text: str, shape: re.Pattern[str]) -> str | None:
    """The text in lower case if it has the shape. Mixed case is refused, as the checksum does not cover it."""
    lowered = text.lower()
    if not text.isascii() or not shape.fullmatch(lowered):
        return None
    if text not in (lowered, text.upper()):
        raise InvalidValueError("mixed_case", "an address in letters of both cases")
    return lowered


def _values(data: str) -> list[int]:
    return [_CHARACTERS.index(character) for character in data]


def _expanded(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: Sequence[int], generator: Sequence[int], kept: int) -> int:
    """Remainder of the BCH code over GF(32): `kept` bits stay in each step, `generator` folds the others in."""
    remainder = 1
    for value in values:
        top = remainder >> kept
        remainder = (remainder & (1 << kept) - 1) << 5 ^ value
        for position, term in enumerate(generator):
            if top >> position & 1:
                remainder ^= term
    return remainder


def _regrouped(values: Sequence[int]) -> bytes:
    """Groups of five bits as bytes. Raises invalid_address where the padding is not short and zero."""
    bits = len(values) * 5
    number = 0
    for value in values:
        number = number << 5 | value
    padding = bits % 8
    if padding > 4 or number & (1 << padding) - 1 or bits < 8:
        raise InvalidValueError("invalid_address", "the address has wrong padding")
    return (number >> padding).to_bytes(bits // 8, "big")


def _ungrouped(data: bytes) -> list[int]:
    padding = -len(data) * 8 % 5
    number = int.from_bytes(data, "big") << padding
    return [number >> shift & 31 for shift in range(len(data) * 8 + padding - 5, -1, -5)]
