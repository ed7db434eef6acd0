"""A picture drawn by matplotlib, as SVG that is at home in the page: its colours and fonts are the stylesheet's.

What matplotlib writes is a document of its own, coloured by `style` attributes, which the page's policy forbids. Of it
only the geometry is taken, and only of what was asked for: an element that nobody named is not in the picture, and
nothing but the attributes listed here gets into the page. Words from the record never pass through matplotlib, which
would read formulas in them and look for their letters in its font; they are put in beside it and escaped here.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from clew.reporting.drawing.plotting_library import library
from clew.reporting.inert_text import inert

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

LONGEST_TITLE: Final = 400
_INCH: Final = 72.0  # points, the unit in which matplotlib writes SVG; for us about a pixel each
_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_FRACTION: Final = re.compile(r"-?\d+\.\d+")
_ANCHOR: Final = re.compile(r"text-anchor: (end|middle)\b")


@dataclass(frozen=True, slots=True)
class _Mark:
    classes: str
    title: str | None
    text: str | None


@dataclass(slots=True)
class Canvas:
    """A figure in the making, and what of it is to be seen."""

    figure: "Figure"
    _marks: dict[str, _Mark] = field(default_factory=dict)

    def show(self, artist: "Artist", classes: str, *, title: str | None = None, text: str | None = None) -> None:
        """Have this artist in the picture, with these classes of the stylesheet and a title (a browser's tooltip).

        `text` stands in place of the artist's own. It and `title` may be any text of the record.
        """
        name = f"mark-{len(self._marks)}"
        artist.set_gid(name)
        self._marks[name] = _Mark(classes, title, text)

    def written(self) -> Markup:
        """The picture as what stands within an `svg` element. The same drawing gives the same text."""
        sink = io.StringIO()
        self.figure.savefig(sink, format="svg", metadata=_NO_METADATA)
        root = ET.fromstring(sink.getvalue())  # noqa: S314  our own drawing, which holds no text but ours
        shapes = {each.get("id"): each.get("d") for each in root.iter(f"{_SVG}path")}
        groups = (each for each in root.iter(f"{_SVG}g") if each.get("id") in self._marks)
        return Markup("\n").join(
            line for group in groups for line in _lines(group, self._marks[group.attrib["id"]], shapes)
        )


def plot(width: float, height: float, paint: Callable[[Canvas], None]) -> Markup:
    """What `paint` draws on a canvas of that size, for an `svg` element whose viewBox is "0 0 width height"."""
    with library():
        from matplotlib.figure import Figure  # noqa: PLC0415  see library()

        canvas = Canvas(Figure(figsize=(width / _INCH, height / _INCH), dpi=_INCH))
        paint(canvas)
        return canvas.written()


def _lines(group: ET.Element, mark: _Mark, shapes: dict[str | None, str | None]) -> Iterator[Markup]:
    title = Markup("<title>{}</title>").format(inert(mark.title, LONGEST_TITLE)) if mark.title is not None else ""
    for each in group.iter():
        if each.tag == f"{_SVG}path" and each.get("id") is None:
            yield Markup('<path class="{}" d="{}">{}</path>').format(mark.classes, _path(each.get("d")), title)
        elif each.tag == f"{_SVG}use":
            shape = _path(shapes[each.attrib[_LINK].removeprefix("#")])
            place = f"translate({_short(each.attrib['x'])} {_short(each.attrib['y'])})"
            yield Markup('<path class="{}" d="{}" transform="{}">{}</path>').format(mark.classes, shape, place, title)
        elif each.tag == f"{_SVG}text":
            anchor = _ANCHOR.search(each.get("style", ""))
            classes = f"{mark.classes} {anchor[1]}" if anchor else mark.classes
            text = inert((each.text or "") if mark.text is None else mark.text, LONGEST_TITLE)
            x, y = (_short(each.attrib[name]) for name in "xy")
            yield Markup('<text class="{}" x="{}" y="{}">{}{}</text>').format(classes, x, y, text, title)


def _path(data: str | None) -> str:
    return _FRACTION.sub(lambda number: _short(number[0]), " ".join((data or "").split()))


def _short(number: str) -> str:
    """A hundredth of a pixel is finer than anybody sees."""
    return f"{round(float(number), 2) + 0.0:g}" if abs(float(number)) < 10_000 else number
