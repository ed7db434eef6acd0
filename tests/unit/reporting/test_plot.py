"""What is plotted is geometry alone, and plotting leaves no trace in the process, the home or the working directory."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from markupsafe import Markup

from clew.reporting.drawing.plot import Canvas, plot
from clew.reporting.drawing.plotting_library import SETTINGS, library

ELEMENT = re.compile(
    r'<(?:path class="[a-z0-9 -]*" d="[MLCQz\d. -]*"(?: transform="translate\([\d. -]+\)")?'
    r'|text class="[a-z0-9 -]*" x="[\d.-]+" y="[\d.-]+")>[^<]*(?:<title>[^<]*</title>)?</(?:path|text)>'
)

PROGRAM = """
import json, os, sys, threading
before = dict(os.environ), os.getcwd(), threading.active_count()
from clew.reporting import assembly, page
early = [name for name in sys.modules if name.split(".")[0] in ("matplotlib", "numpy.f2py", "PIL")]
from clew.reporting.document import Bin, Histogram
from clew.reporting.drawing import time_chart
from datetime import UTC, datetime
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    picture = time_chart.draw(Histogram("hour", 1, (Bin(datetime(2025, 3, 9, tzinfo=UTC), "x", 3),))).picture
import matplotlib
from matplotlib import font_manager
print(json.dumps({
    "early": early,
    "warnings": [str(each.message) for each in said],
    "unchanged": before == (dict(os.environ), os.getcwd(), threading.active_count()),
    "forbidden": [name for name in sys.modules if name in ("matplotlib.pyplot", "tkinter", "PyQt5", "gi")],
    "fonts": [entry.name for entry in font_manager.fontManager.ttflist],
    "settings": matplotlib.rcParams["font.size"],
    "cache": os.path.exists(matplotlib.get_cachedir()),
    "picture": str(picture),
}))
"""


def ours(canvas: Canvas) -> None:
    axes = canvas.figure.add_axes((0.1, 0.1, 0.8, 0.8))
    (bar,) = axes.bar([1], [2], color="red")
    (line,) = axes.plot([0, 1, 2], [0, 2, 1], marker="o")
    label = axes.text(1, 1, "placeholder", style="italic", ha="right")
    axes.text(1, 1, "nobody named this")
    canvas.show(bar, "s0", title='"<b>&')
    canvas.show(line, "rule")
    canvas.show(label, "halo", text="$x^2$ <i>\u202e")


def test_only_what_is_shown_is_in_the_picture_with_classes_in_place_of_styles() -> None:
    picture = plot(300, 200, ours)
    assert isinstance(picture, Markup)
    lines = picture.split("\n")
    assert [line for line in lines if not ELEMENT.fullmatch(line)] == []
    assert [line.split('"')[1] for line in lines] == ["s0", "rule", "rule", "rule", "rule", "halo end"]
    assert "<title>&#34;&lt;b&gt;&amp;</title>" in picture
    assert "$x^2$ &lt;i&gt;\\u202e</text>" in picture
    assert not re.search(r"nobody|placeholder|style|id=|href|url|#[0-9a-f]{6}|http|font", picture)


def test_a_point_stands_where_the_size_says() -> None:
    def dot(canvas: Canvas) -> None:
        axes = canvas.figure.add_axes((0, 0, 1, 1), xlim=(0, 300), ylim=(200, 0))
        canvas.show(axes.text(30, 150, "here"), "")

    assert re.search(r'x="30" y="150(\.\d+)?"', plot(300, 200, dot))


def test_settings_of_the_process_are_neither_used_nor_changed() -> None:
    expected = plot(300, 200, ours)
    with library():
        import matplotlib as mpl
    before = dict(mpl.rcParams)
    with mpl.rc_context({"axes.xmargin": 0.4, "svg.fonttype": "path", "lines.markersize": 30.0}):
        assert plot(300, 200, ours) == expected
        assert (mpl.rcParams["axes.xmargin"], mpl.rcParams["svg.fonttype"]) == (0.4, "path")
    assert dict(mpl.rcParams) == before
    assert before["svg.fonttype"] != SETTINGS["svg.fonttype"]


def test_a_failure_while_painting_leaves_the_settings_as_they_were() -> None:
    def broken(canvas: Canvas) -> None:
        raise LookupError(canvas.figure.dpi)

    with pytest.raises(LookupError):
        plot(10, 10, broken)
    import matplotlib as mpl

    assert mpl.rcParams["svg.fonttype"] == mpl.rcParamsDefault["svg.fonttype"]


def test_pictures_drawn_side_by_side_do_not_disturb_each_other() -> None:
    expected = plot(300, 200, ours)
    drawn: list[Markup] = []
    threads = [Thread(target=lambda: drawn.extend(plot(300, 200, ours) for _ in range(5))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [expected] * 15


@pytest.mark.parametrize(
    "settings", [b"font.size: 40\nbackend: module://evil\ntext.usetex: True\n", b"\xff\xfe\x00", None]
)
def test_nothing_is_taken_from_nor_left_in_home_and_working_directory(tmp_path: Path, settings: bytes | None) -> None:
    home, work, temporary = (tmp_path / name for name in ("home", "work", "temporary"))
    for each in (home, work, temporary):
        each.mkdir()
    if settings is not None:
        (work / "matplotlibrc").write_bytes(settings)
        (home / ".config/matplotlib").mkdir(parents=True)
        (home / ".config/matplotlib/matplotlibrc").write_bytes(settings)
    kept = set(tmp_path.rglob("*"))
    home.chmod(0o500)
    environment = {"HOME": str(home), "TMPDIR": str(temporary), "PATH": os.environ["PATH"], "MPLBACKEND": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    home.chmod(0o700)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert set(tmp_path.rglob("*")) == kept
    assert said["early"] == said["warnings"] == said["forbidden"] == []
    assert said["unchanged"]
    assert not said["cache"]
    assert said["fonts"] == ["DejaVu Sans"]
    assert said["settings"] == 10.0
    assert "2025-03-09 00:00: 3 x" in said["picture"]
