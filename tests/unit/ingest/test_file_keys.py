"""The file of keys: what is in it, and that nothing of it is ever repeated."""

from pathlib import Path

import pytest

from clew.ingest.filestore.keys import KeyRing
from clew.kernel.errors import ConfigurationError

KEY = "ab" * 32
OTHER = "cd" * 32


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "keys"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_first_wraps_and_all_open(tmp_path: Path) -> None:
    ring = KeyRing.read(written(tmp_path, f"# of this year\n2026:{KEY}\n\n2025:{OTHER.upper()}\n"))
    assert ring.current.name == "2026"
    assert [key.name for key in ring.keys] == ["2026", "2025"]
    assert ring.by_id(ring.keys[1].id) == ring.keys[1]
    assert ring.by_id(bytes(16)) is None
    assert KEY not in repr(ring)


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        (f"a:{KEY}", 0o640, "others"),
        ("", 0o600, "no key"),
        (f"a:{KEY[:-1]}", 0o600, "line 1"),
        (f"a:{KEY}\nb:{KEY}", 0o600, "are one"),
        (f"a:{KEY}\na:{OTHER}", 0o600, "one name"),
        (f"a b:{KEY}", 0o600, "line 1"),
        ("ключ", 0o600, "not text"),
    ],
)
def test_what_is_no_file_of_keys_is_refused(tmp_path: Path, text: str, mode: int, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as refused:
        KeyRing.read(written(tmp_path, text, mode))
    assert KEY[:20] not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        KeyRing.read(tmp_path / "nothing")
