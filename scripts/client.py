"""Writes src/clew/client/generated/ from docs/reference/openapi.json: `python -m scripts.client`; or `--check`s it.

One model for each schema, one method for each operationId. What no rule here covers is an error of this program, not
something left out: a client with holes would be worse than none.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from scripts.client_models import Models, docstring
from scripts.client_operations import Operations

_ROOT: Final = Path(__file__).resolve().parent.parent
DESCRIPTION: Final = _ROOT / "docs" / "reference" / "openapi.json"
TARGET: Final = _ROOT / "src" / "clew" / "client" / "generated"
_HEADER: Final = '"""{about}\n\nWritten by `make docs` from the API\'s description; edit that instead.\n"""\n\n'
_MODELS_BEGIN: Final = """from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from clew.client.answers import Resource


class Model(msgspec.Struct, frozen=True, kw_only=True):
    \"\"\"Base of what travels.\"\"\"

"""
_OPERATIONS_BEGIN: Final = """from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from clew.client import paging
from clew.client.events import Event
from clew.client.generated import models
from clew.client.operations import Calls, Stream
from clew.client.transport import asked, path_of

"""
_UNITED: Final = "class Operations(\n{bases}\n):\n    {docstring}\n"


def main() -> int:
    """Write the files, or with --check compare them; 1 if one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file would change")
    check = parser.parse_args().check
    TARGET.mkdir(parents=True, exist_ok=True)  # before the imports are sorted, which looks for it
    wanted = dict(files(described()))
    surplus = {path.name for path in TARGET.glob("*.py")} - wanted.keys()
    changed = [name for name, text in wanted.items() if _present(name) != text]
    if check:
        for name in sorted({*changed, *surplus}):
            print(f"src/clew/client/generated/{name}: out of date; run `make docs`", file=sys.stderr)
        return 1 if changed or surplus else 0
    for name in changed:
        (TARGET / name).write_text(wanted[name], encoding="utf-8")
    for name in surplus:
        (TARGET / name).unlink()
    return 0


def described() -> dict[str, Any]:
    """The API's description (OpenAPI 3.1), as `scripts.reference` wrote it."""
    document: dict[str, Any] = json.loads(DESCRIPTION.read_bytes())
    return document


def files(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of every generated file: models, one module of operations for each tag, and all united."""
    models = Models(document["components"]["schemas"])
    by_tag: dict[str, Operations] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            tag = operation["tags"][0]
            by_tag.setdefault(tag, Operations(tag, models)).add(path, method, operation)
    texts = {f"{each.module}.py": _operations_file(each) for _, each in sorted(by_tag.items())}
    # After the operations, because those say which models are resources and which are sent.
    texts["models.py"] = (
        _HEADER.format(about="What requests and answers of the API hold.") + _MODELS_BEGIN + models.text()
    )
    texts["__init__.py"] = ""
    texts["all_operations.py"] = _united(sorted(by_tag.values(), key=lambda each: each.module))
    for name, text in sorted(texts.items()):
        yield name, _formatted(text)


def _operations_file(operations: Operations) -> str:
    about = f"Operations of the API on: {operations.tag}."
    return _HEADER.format(about=about) + _OPERATIONS_BEGIN + operations.text()


def _united(every: list[Operations]) -> str:
    imports = "".join(f"from clew.client.generated.{each.module} import {each.name}\n" for each in every)
    bases = "".join(f"    {each.name},\n" for each in every)
    united = _UNITED.format(bases=bases.rstrip("\n"), docstring=docstring("Every operation of the API."))
    return _HEADER.format(about="All operations together.") + imports + "\n\n" + united


def _formatted(text: str) -> str:
    """As ruff leaves it, without the imports that this file does not need."""
    for arguments in (("check", "--fix-only", "--quiet", "--select", "F401,I"), ("format", "--quiet")):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(TARGET / "generated.py"), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return text


def _present(name: str) -> str | None:
    path = TARGET / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
