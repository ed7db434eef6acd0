"""No command touches the record of this machine when it is told to work with a server elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.main import get_command

from clew.cli.desk.remote.connection import key_of
from clew.cli.desk.remote.searching import _highlight
from clew.cli.main import app, run
from clew.cli.options import Invocation
from clew.cli.refusal import NotRemoteError
from clew.client import ServerUnreachableError
from clew.kernel.errors import ConfigurationError, InputError
from clew.projections.search.port import Highlight

NOWHERE = "http://127.0.0.1:9"  # nobody listens there
KEY = "clew_live_" + "k" * 43
ELSEWISE = {"clew version": 0, "clew doctor": 1, "clew similar to": 2}


def leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "list_commands"):
        context = command.make_context(path, [], resilient_parsing=True)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), f"{path} {name}")
    else:
        yield path, command


COMMANDS = dict(leaves(get_command(app), "clew"))


def arguments_of(command: Any, file: Path) -> list[str]:
    values = {
        "identifier": str(uuid4()),
        "job": str(uuid4()),
        "identifiers": str(uuid4()),
        "paths": str(file),
        "file": str(file),
        "what": "search",
        "every": "1h",
        "kind": "analyze",
        "analysis": str(uuid4()),
        "conflict": str(uuid4()),
        "side": "ours",
    }
    given = ["--pause"] if command.name == "reschedule" else []  # without any change it refuses before
    for parameter in command.params:
        if parameter.param_type_name == "argument" and parameter.required:
            given.append(values.get(parameter.name, "x"))
        elif parameter.required:
            given += [parameter.opts[0], values.get(parameter.name, "x")]
    return given


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_asks_the_server_or_refuses(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLEW_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("clew.client.transport.Transport._pause", lambda *_: 0.0)  # it tries as often, at once
    file = tmp_path / "file"
    file.write_text("{}")
    words = path.split()[1:] + arguments_of(COMMANDS[path], file)
    code = run(["--server", NOWHERE, "--key", KEY, *words])
    told = capsys.readouterr()
    assert code in {ELSEWISE.get(path, NotRemoteError.exit_code), ELSEWISE.get(path, ServerUnreachableError.exit_code)}
    assert KEY not in told.out + told.err
    assert not (tmp_path / "data").exists(), "nothing was made here"


def test_a_key_comes_from_the_first_place_that_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("of-the-file\nsecond line\n")
    file.chmod(0o600)
    monkeypatch.setenv("CLEW_KEY_FILE", str(file))
    assert key_of(Invocation()) == "of-the-file"
    monkeypatch.setenv("CLEW_KEY", "of-the-variable")
    assert key_of(Invocation()) == "of-the-variable"
    assert key_of(Invocation(key_file=str(file))) == "of-the-file"
    assert key_of(Invocation(key="given")) == "given"
    assert "given" not in repr(Invocation(key="given"))


def test_no_key_and_no_such_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLEW_KEY", "CLEW_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError):
        key_of(Invocation())
    with pytest.raises(InputError):
        key_of(Invocation(key_file="/nonexistent/key"))


def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "key"
    file.write_text("k\n")
    file.chmod(0o644)
    assert key_of(Invocation(key_file=str(file))) == "k"
    assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["plain", '<mark>&amp;</mark> "it\'s"', "a & b", ""])
def test_marks_are_told_from_text_that_looks_like_them(text: str) -> None:
    from html import escape

    piece = Highlight(f"ab{text}cd", ((0, 2), (2 + len(text), 4 + len(text))))
    assert _highlight(piece.marked("<mark>", "</mark>", escape)) == piece
