"""Modules that are loaded when they are first asked for something."""

import sys
from pathlib import Path

import pytest

from clew.kernel.lazily import lazily


def test_a_module_is_loaded_when_it_is_first_asked_for_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told_late.py").write_text("VALUE = 42\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = lazily("told_late")
    assert "told_late" not in sys.modules
    try:
        assert module.VALUE == 42
        assert "told_late" in sys.modules
        with pytest.raises(AttributeError, match="NOTHING"):
            module.NOTHING  # noqa: B018
    finally:
        sys.modules.pop("told_late", None)


def test_a_module_that_is_not_there_is_told_of_by_whoever_asks() -> None:
    module = lazily("clew.of_nobody")
    with pytest.raises(ModuleNotFoundError, match="of_nobody"):
        module.VALUE  # noqa: B018
