"""Monero addresses: Base58 in blocks of eight bytes, with a Keccak checksum (CryptoNote standard 7)."""

import re
from typing import Final

import base58
from Crypto.Hash import keccak

from clew.ontology.currencies.address import Address
from clew.ontology.value import InvalidValueError

_SHAPE: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{95}(?:[1-9A-HJ-NP-Za-km-z]{11})?", re.ASCII)
_BLOCK_CHARACTERS: Final = 11
_BYTES_OF_CHARACTERS: Final = {2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
# network byte: format, test or stage network
_KINDS: Final = {
    18: ("standard", False),
    19: ("integrated", False),
    42: ("subaddress", False),
    53: ("standard", True),
    54: ("integrated", True),
    63: ("subaddress", True),
    24: ("standard", True),
    25: ("integrated", True),
    36: ("subaddress", True),
}


def read(text: str) -> Address | None:
    """Standard addresses and subaddresses (95 characters), integrated ones (106).

    Raises InvalidValueError: bad_checksum, invalid_address.
    """
    if not _SHAPE.fullmatch(text):
        return None
    blocks = [text[start : start + _BLOCK_CHARACTERS] for start in range(0, len(text), _BLOCK_CHARACTERS)]
    decoded = b"".join(_block(block) for block in blocks)
    payload, checksum = decoded[:-4], decoded[-4:]
    if keccak.new(digest_bits=256, data=payload).digest()[:4] != checksum:
        raise InvalidValueError("bad_checksum", "the Monero checksum does not match")
    kind, testnet = _KINDS.get(payload[0], ("", False))
    if (kind == "integrated") != (len(text) == 106) or not kind:
        raise InvalidValueError("invalid_address", "the network byte does not fit the address")
    return Address("monero", kind, text, text, payload[1:], testnet)


def _block(characters: str) -> bytes:
    number = base58.b58decode_int(characters)
    size = _BYTES_OF_CHARACTERS[len(characters)]
    if number >= 256**size:
        raise InvalidValueError("invalid_address", "a block of the address is out of range")
    return number.to_bytes(size, "big")
