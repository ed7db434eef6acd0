"""matplotlib, loaded so that it leaves nothing behind and takes nothing from where the program happens to run.

By itself it makes a cache in the user's home, lists every font of the machine (seconds, where there are thousands),
and obeys a `matplotlibrc` in the working directory, which may be a folder of evidence. All three happen while it is
imported and never again, so it is enough to import it with an empty directory of its own in their place.
"""

import contextlib
import importlib
import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

SETTINGS: Final[Mapping[str, Any]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib; text is laid out by it and shown in the page's font
    "font.size": 11.5,
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "clew",
    "svg.image_inline": True,
    "text.parse_math": False,
    "text.usetex": False,
    "timezone": "UTC",
}
"""What pictures are drawn with, on top of the library's own defaults."""

# The library keeps its settings in one place for the whole process: who draws, has them alone.
_DRAWING: Final = threading.RLock()
_OF_THE_PROCESS: Final = re.compile(r"backend|interactive|toolbar|webagg\..*|tk\..*|savefig\.directory|date\.epoch")
_LIST_VERSION: Final = re.compile(
    r"class FontManager\b.*?^    __version__ = ['\"]([\w.]+)['\"]", re.DOTALL | re.MULTILINE
)


@contextlib.contextmanager
def library() -> Iterator[None]:
    """Matplotlib's modules can be imported within, and draw by `SETTINGS`, whatever was set in this process before.

    What was set before is set again at the end. Figures are made by hand (`matplotlib.figure.Figure`), never by pyplot.
    """
    with _DRAWING:
        _load()
        import matplotlib as mpl  # noqa: PLC0415  0.7 s, for who writes a page

        defaults: dict[Any, Any] = {
            name: value for name, value in mpl.rcParamsDefault.items() if not _OF_THE_PROCESS.fullmatch(name)
        }
        with mpl.rc_context(defaults | dict(SETTINGS)):
            yield


@cache
def _load() -> None:
    if "matplotlib.font_manager" in sys.modules:
        return  # somebody else has loaded it in their way, and it cannot be had twice
    with TemporaryDirectory(prefix="clew-plot-") as directory, _apart_in(directory):
        package = Path(str(importlib.import_module("matplotlib").__file__)).parent
        _list_one_font(package, Path(directory))
        importlib.import_module("matplotlib.backends.backend_svg")


@contextlib.contextmanager
def _apart_in(directory: str) -> Iterator[None]:
    """Configuration and caches are looked for in that directory alone, and no window system is asked for."""
    ours = {"MPLCONFIGDIR": directory, "MATPLOTLIBRC": directory, "MPLBACKEND": "svg"}
    before = {name: os.environ.get(name) for name in ours}
    os.environ |= ours
    try:
        # The directory of the whole process is changed for that moment only if it must be.
        with contextlib.chdir(directory) if Path("matplotlibrc").exists() else contextlib.nullcontext():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _list_one_font(package: Path, directory: Path) -> None:
    """Leave the list of fonts where matplotlib looks for one before it goes through the machine's.

    The list bears a version of its own. If a later release words it otherwise, the list is passed over, and all that
    is lost is time.
    """
    version = _LIST_VERSION.search((package / "font_manager.py").read_text(encoding="utf-8"))
    if version is None:
        return
    font = {"fname": "fonts/ttf/DejaVuSans.ttf", "name": "DejaVu Sans", "weight": 400, "__class__": "FontEntry"}
    listed = {
        "_version": version[1],
        "_FontManager__default_weight": "normal",
        "default_size": None,
        "defaultFamily": {"ttf": "DejaVu Sans", "afm": "Helvetica"},
        "afmlist": [],
        "ttflist": [font],
        "__class__": "FontManager",
    }
    (directory / f"fontlist-v{version[1]}.json").write_text(json.dumps(listed), encoding="utf-8")
