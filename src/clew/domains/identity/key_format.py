"""How an API key is written: `clew_live_`, 43 characters that carry 256 random bits, 6 characters of checksum.

The prefix is what scanners look for in files that should hold no secret (KEY_PATTERN is the rule for them); by the
checksum a mistyped or cut key is told from one that is unknown without asking the database. The digits are base 62, so
that a double click selects a whole key.

Of a key only its SHA-256 is kept. That is enough: to find a key from its digest one would have to try 2^256 of them;
slow hashes and salts make up for secrets that can be guessed, and would cost every request what they cost an attacker.
"""

import re
import secrets
import zlib
from typing import Final

from clew.domains.identity.opaque_tokens import digest_of

PREFIX: Final = "clew_live_"
KEY_PATTERN: Final = r"\bclew_live_[0-9A-Za-z]{49}\b"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_LENGTH: Final = 43  # the least digits that hold 256 bits
_CHECK_LENGTH: Final = 6  # the least digits that hold 32 bits
_WHOLE: Final = re.compile(r"clew_live_[0-9A-Za-z]{49}", re.ASCII)
_SHOWN_CHARACTERS: Final = len(PREFIX) + 6


def new_key() -> str:
    """A fresh key."""
    return key_of(secrets.randbits(256))


def key_of(number: int) -> str:
    """The key that carries this number of 256 bits."""
    body = PREFIX + _in_digits(number, _BODY_LENGTH)
    return body + _checksum(body)


def is_well_formed(text: str) -> bool:
    """Whether this can be a key: its form and checksum are right."""
    return bool(_WHOLE.fullmatch(text)) and text[-_CHECK_LENGTH:] == _checksum(text[:-_CHECK_LENGTH])


def shown_part(key: str) -> str:
    """The beginning by which a key is recognised in a list; it leaves 220 unknown bits."""
    return key[:_SHOWN_CHARACTERS]


def key_digest(key: str) -> str:
    """What is kept of a key."""
    return digest_of(key)


def _checksum(body: str) -> str:
    return _in_digits(zlib.crc32(body.encode("ascii")), _CHECK_LENGTH)


def _in_digits(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
