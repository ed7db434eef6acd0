"""An exported trail is checked by somebody who has the file and the public key, and neither database nor secret."""

from pathlib import Path

import orjson
import pytest

from clew.domains.audit.export import export, verify_export
from clew.kernel.errors import InputError
from tests.support.auditing import Trail


@pytest.fixture(scope="module")
def exported(trail: Trail, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], str]:
    for number in range(3):
        trail.act(trail.ours, f"row-{number}-a", f"row-{number}-b")
        trail.act(trail.theirs, f"their-{number}")
        trail.seal()
    path = tmp_path_factory.mktemp("export") / "trail.ndjson"
    with path.open("wb") as file:
        done = export(trail.database, trail.ours.id, file.write)
    assert (done.seals, done.rows) == (3, 8)  # the organization's making, its operator's row, and six
    return path.read_bytes().splitlines(keepends=True), done.public_key


def problem(tmp_path: Path, lines: list[bytes], key: str | None = None) -> str | None:
    path = tmp_path / "checked.ndjson"
    path.write_bytes(b"".join(lines))
    bad = verify_export(path, key).first_bad
    return bad.problem if bad else None


def test_a_whole_export_holds(exported: tuple[list[bytes], str], tmp_path: Path) -> None:
    lines, key = exported
    assert problem(tmp_path, lines) is None
    assert problem(tmp_path, lines, key) is None
    assert b"their-" not in b"".join(lines)


def test_another_key_holds_nothing(exported: tuple[list[bytes], str], tmp_path: Path) -> None:
    assert problem(tmp_path, exported[0], "11" * 32) == "seal_forged"


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_a_cut_export_is_found(exported: tuple[list[bytes], str], tmp_path: Path, cut: int) -> None:
    assert problem(tmp_path, exported[0][:-cut]) == "cut_tail"


def test_seals_cut_out_before_the_end_are_found(exported: tuple[list[bytes], str], tmp_path: Path) -> None:
    lines = exported[0]
    assert problem(tmp_path, [*lines[:-4], lines[-1]]) == "cut_tail"


def test_each_line_that_is_changed_taken_out_or_moved_is_found(
    exported: tuple[list[bytes], str], tmp_path: Path
) -> None:
    lines = exported[0]
    for number in range(1, len(lines)):
        assert problem(tmp_path, lines[:number] + lines[number + 1 :]), f"line {number} taken out"
        assert problem(tmp_path, [*lines[:number], lines[number], *lines[number:]]), f"line {number} doubled"
        if number + 1 < len(lines):
            swapped = [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]]
            assert problem(tmp_path, swapped), f"line {number} moved"
        changed = lines[number].replace(b"row-", b"cow-").replace(b'"rows"', b'"crows"')
        if changed != lines[number]:
            assert problem(tmp_path, [*lines[:number], changed, *lines[number + 1 :]]), f"line {number} changed"


def test_a_row_blanked_without_its_month_given_up_is_found(exported: tuple[list[bytes], str], tmp_path: Path) -> None:
    lines = list(exported[0])
    row = orjson.loads(lines[2])
    lines[2] = orjson.dumps({"row": row["row"], "commitment": row["sealed"]}) + b"\n"
    assert problem(tmp_path, lines) == "removed"


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\n", b'{"format": "another"}\n'])
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "none"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no export"):
        verify_export(path)
    with pytest.raises(InputError, match="cannot be read"):
        verify_export(tmp_path / "missing")
