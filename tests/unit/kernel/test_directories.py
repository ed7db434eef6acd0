import os
import stat
from pathlib import Path

import pytest

from clew.kernel.directories import Owner, blocking_directory, ensure_own_directory, myself, write_privately
from clew.kernel.errors import ConfigurationError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_private_and_its_parent_unchanged(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir()
    parent.chmod(0o755)
    ensure_own_directory(parent / "own", myself())
    assert mode(parent / "own") == 0o700
    assert mode(parent) == 0o755


def test_a_directory_is_never_seen_with_another_mode_than_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that begin at once decide by it where the cluster is: they once made two clusters."""
    chmod, changed = Path.chmod, []

    def looked_at(path: Path, mode: int) -> None:
        changed.append(path)
        assert not (tmp_path / "own").exists()
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", looked_at)
    ensure_own_directory(tmp_path / "own", myself(), 0o711)
    assert changed
    assert mode(tmp_path / "own") == 0o711
    assert [each.name for each in tmp_path.iterdir()] == ["own"]


def test_who_finds_it_made_meanwhile_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def overtaken(path: Path, target: Path) -> Path:
        target.mkdir(mode=0o711)
        (target / "run").mkdir()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", overtaken)
    ensure_own_directory(tmp_path / "own", myself(), 0o711)
    assert (tmp_path / "own" / "run").is_dir()
    assert [each.name for each in tmp_path.iterdir()] == ["own"]


def test_an_own_directory_that_was_opened_up_is_closed_again(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    own.chmod(0o777)
    ensure_own_directory(own, myself())
    assert mode(own) == 0o700


def test_a_link_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target").chmod(0o755)
    (tmp_path / "own").symlink_to(tmp_path / "target")
    with pytest.raises(ConfigurationError, match="must be a directory"):
        ensure_own_directory(tmp_path / "own", myself())
    assert mode(tmp_path / "target") == 0o755


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own").chmod(0o755)
    (tmp_path / "own" / "something").touch()
    with pytest.raises(ConfigurationError, match="belongs to user"):
        ensure_own_directory(tmp_path / "own", Owner(os.geteuid() + 1, os.getegid()))
    assert mode(tmp_path / "own") == 0o755


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no/such"):
        ensure_own_directory(tmp_path / "no" / "such", myself())


def test_a_private_file_replaces_a_planted_link_instead_of_following_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "secret").symlink_to(victim)
    write_privately(tmp_path / "secret", b"content", myself())
    assert victim.read_text() == "untouched"
    assert not (tmp_path / "secret").is_symlink()
    assert (tmp_path / "secret").read_bytes() == b"content"
    assert mode(tmp_path / "secret") == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret", "victim"]


def test_the_directory_that_keeps_a_visitor_out_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    for directory in (tmp_path, closed / "inner"):
        directory.chmod(0o755)
    closed.chmod(0o700)
    me = myself()
    stranger = Owner(me.uid + 4321, me.gid + 4321)
    assert blocking_directory(closed / "inner", me) is None
    blocked = blocking_directory(closed / "inner", stranger)
    assert blocked is not None
    assert closed == blocked or blocked in closed.parents
    closed.chmod(0o701)
    assert blocking_directory(closed / "inner", stranger) != closed
