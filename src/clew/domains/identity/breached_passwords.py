"""Looking a password up in a file of breached ones, which may be tens of gigabytes: it is never read as a whole.

Two forms are known, by the first line: plain passwords, one per line, or SHA-1 digests in hexadecimal with or without
`:COUNT` behind, as Have I Been Pwned gives them away. Digests sorted by themselves are found by halving the file;
anything else is read through, a mebibyte at a time.
"""

import hashlib
import mmap
import re
from itertools import pairwise
from pathlib import Path
from typing import Final

from clew.kernel.errors import ConfigurationError

_DIGEST_LINE: Final = re.compile(rb"([0-9A-Fa-f]{40})(?::\d+)?\s*")
_DIGEST_LENGTH: Final = 40
_SAMPLES: Final = 64
_CHUNK: Final = 1 << 20


def is_breached(path: Path, password: str) -> bool:
    """Whether the file lists the password. Raises ConfigurationError if it cannot be read."""
    try:
        with path.open("rb") as file:
            if not file.seek(0, 2):
                return False
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _is_listed(content, password.encode())
    except OSError as error:
        raise ConfigurationError(
            f"the list of breached passwords cannot be read: {error.strerror}",
            where=f"CLEW_BREACHED_PASSWORDS={path}",
            remedy="correct the path or its mode, or unset it",
        ) from error


def _is_listed(content: mmap.mmap, password: bytes) -> bool:
    first = _DIGEST_LINE.fullmatch(content[: _line_end(content, 0)])
    if first is None:
        return _is_a_line(content, password, b"\r\n")
    digest = hashlib.sha1(password, usedforsecurity=False).hexdigest().encode("ascii")
    if first[1] != first[1].lower():
        digest = digest.upper()
    if _looks_sorted(content):
        return _found_by_halves(content, digest.upper())
    return any(_is_a_line(content, form, b":\r\n") for form in (digest.lower(), digest.upper()))


def _is_a_line(content: mmap.mmap, wanted: bytes, ends: bytes) -> bool:
    """Whether a line begins with it and ends there, or goes on with one of `ends`."""
    position = content.find(wanted)
    while position >= 0:
        after = position + len(wanted)
        begins = position == 0 or content[position - 1] in b"\r\n"
        if begins and (after == len(content) or content[after] in ends):
            return True
        position = content.find(wanted, position + 1)
    return False


def _looks_sorted(content: mmap.mmap) -> bool:
    """Whether lines at 64 places over the file ascend: sorted files do, others with a chance of one in 64!."""
    places = (len(content) * number // _SAMPLES for number in range(_SAMPLES))
    digests = [digest for place in places if (digest := _digest_after(content, place)) is not None]
    return all(earlier <= later for earlier, later in pairwise(digests))


def _found_by_halves(content: mmap.mmap, digest: bytes) -> bool:
    low, high = 0, len(content)
    while low < high:
        middle = (low + high) // 2
        here = _digest_after(content, middle)
        if here is not None and here < digest:
            low = middle + 1
        else:
            high = middle
    return _digest_after(content, low) == digest


def _digest_after(content: mmap.mmap, place: int) -> bytes | None:
    """The digest of the first line that begins at `place` or later."""
    start = place if place == 0 or content[place - 1] == ord("\n") else _line_end(content, place) + 1
    return content[start : start + _DIGEST_LENGTH].upper() if start < len(content) else None


def _line_end(content: mmap.mmap, start: int) -> int:
    end = content.find(b"\n", start)
    return len(content) if end < 0 else end
