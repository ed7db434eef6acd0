import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from clew.kernel.logs import configure_logs, logger
from clew.kernel.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def settings(tmp_path: Path, form: str, level: str = "info") -> Settings:
    return load_settings(data_dir=tmp_path, log_format=form, log_level=level)


def test_json_lines_carry_time_level_and_fields(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logs(settings(tmp_path, "json"), stream)
    logger("clew.test").info("file loaded", records=3, file="a.json")
    line = json.loads(stream.getvalue())
    assert line["event"] == "file loaded"
    assert line["level"] == "info"
    assert line["logger"] == "clew.test"
    assert (line["records"], line["file"]) == (3, "a.json")
    assert line["timestamp"].endswith("Z")


def test_the_level_is_obeyed(tmp_path: Path) -> None:
    stream = io.StringIO()
    configure_logs(settings(tmp_path, "text", "warning"), stream)
    logger("clew.test").info("quiet")
    logger("clew.test").warning("heard")
    assert "quiet" not in stream.getvalue()
    assert "heard" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_do_not_reach_the_log(tmp_path: Path, form: str) -> None:
    stream = io.StringIO()
    configure_logs(settings(tmp_path, form), stream)
    log = logger("clew.test")
    log.info("x", password="hunter2", nested={"api_key": "hunter2", "list": ["postgresql://u:hunter2@h/d"]})
    log.info("connecting to postgresql://u:hunter2@h:5432/d")
    log.info("host=h password=hunter2 user=u", value=SecretStr("hunter2"))
    log.info("odd password", url="postgresql://u:hun@ter2-hunter2@h/d")
    logging.getLogger("library").warning("failed: %s", "postgresql://u:hunter2@h/d")
    try:
        int("postgresql://u:hunter2@h/d")
    except ValueError:
        log.exception("failed")
    written = stream.getvalue()
    assert "hunter2" not in written
    assert written.count("********") >= 8
    assert "ValueError" in written


def test_configuring_again_does_not_double_the_lines(tmp_path: Path) -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs(settings(tmp_path, "json"), first)
    configure_logs(settings(tmp_path, "json"), second)
    logger("clew.test").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_cannot_look_like_another_line_or_another_value(tmp_path: Path, form: str) -> None:
    stream = io.StringIO()
    configure_logs(settings(tmp_path, form), stream)
    for made_up in ("a\n2026-01-01T00:00:00Z [info     ] forged", "a\r\x1b[2K\u2028b", "a user=root"):
        logger("clew.test").info("request\nforged" if "\n" in made_up else "request", agent=made_up, user="eve")
    written = stream.getvalue()
    assert written.count("\n") == 3
    assert "\x1b" not in written
    if form == "text":
        assert written.split("\n")[2].endswith("[clew.test] agent='a user=root' user=eve")


def test_lines_go_to_what_standard_error_is_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stderr", first)
    configure_logs(settings(tmp_path, "json"))
    logger("clew.first").warning("one")
    logging.getLogger("library").warning("two")
    monkeypatch.setattr("sys.stderr", second)
    first_said = first.getvalue()
    first.close()
    logger("clew.second").warning("three")
    logging.getLogger("library").warning("four")
    assert [json.loads(line)["event"] for line in first_said.splitlines()] == ["one", "two"]
    assert [json.loads(line)["event"] for line in second.getvalue().splitlines()] == ["three", "four"]
