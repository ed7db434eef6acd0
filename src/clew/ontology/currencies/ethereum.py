"""Ethereum addresses: 20 bytes in hexadecimal, with a checksum in the case of the letters (EIP-55)."""

import re
from typing import Final

from Crypto.Hash import keccak

from clew.ontology.currencies.address import Address
from clew.ontology.value import InvalidValueError

_SHAPE: Final = re.compile(r"(?:0x|0X|ethereum:0x)([0-9a-fA-F]{40})", re.ASCII)


def read(text: str) -> Address | None:
    """Letters of one case carry no checksum and are taken; mixed case must match. Raises bad_checksum."""
    match = _SHAPE.fullmatch(text)
    if not match:
        return None
    digits = match[1]
    shown = with_checksum(digits.lower())
    if digits not in (digits.lower(), digits.upper(), shown[2:]):
        raise InvalidValueError("bad_checksum", "the case of the letters does not match (EIP-55)")
    return Address("ethereum", "eip55", shown.lower(), shown, bytes.fromhex(digits))


def with_checksum(digits: str) -> str:
    """40 lower-case hexadecimal digits as 0x… with EIP-55 case: capitals where the hash's digit is 8 or more."""
    marks = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    return "0x" + "".join(d.upper() if int(mark, 16) >= 8 else d for d, mark in zip(digits, marks, strict=False))
