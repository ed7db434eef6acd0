"""A report as one HTML page that needs nothing else: no script, no request, no font, no picture from elsewhere.

Three things keep hostile values inert, each by itself enough against most of them: every value is escaped by the
template engine, every value has its steering characters written out, and the page's policy (Content-Security-Policy)
allows its own stylesheet, by digest, and nothing else.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from clew.reporting.document import Report, SourceFile
from clew.reporting.drawing import campaign_network, network, time_chart, world
from clew.reporting.inert_text import LONGEST_TEXT, inert

MOST_TARGETS: Final = 200
_CONTENTS: Final[tuple[tuple[str, str], ...]] = (
    ("figures", "Key figures"),
    ("relations", "Relations"),
    ("timeline", "Timeline"),
    ("campaigns", "Campaigns"),
    ("map", "Map"),
    ("entities", "Entities"),
    ("sources", "Sources"),
    ("quarantine", "Quarantine and warnings"),
    ("method", "How to read this"),
)
_LEVELS: Final = ((25, "low"), (50, "medium"), (75, "high"), (100, "critical"))
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def render(report: Report, file_names: Mapping[Any, str] | None = None) -> str:
    """The page. The same report gives the same text; only `origin` tells when it was made.

    `file_names` names files that entities were seen in but `report.files` leaves out.
    """
    environment = _environment()
    by_id = {each.id: each for each in report.drawn}
    style = environment.get_template("style.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(
        "report.html.jinja"
    ).render(
        report=report,
        style=Markup(style),  # noqa: S704  a file of this package
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        contents=[each for each in _CONTENTS if each[0] != "campaigns" or report.campaigns],
        about=_about(report),
        targets=report.targets[:MOST_TARGETS],
        listed={each.id for each in report.entities},
        by_id=by_id,
        drawn_rows=sorted(
            report.drawn_relationships,
            key=lambda each: (each.type, by_id[each.source].label, by_id[each.target].label, each.id),
        ),
        drawn_all=len(report.drawn_relationships) == report.figures.relationship_count,
        file_numbers={file.id: file.number for file in report.files},
        file_names=file_names or {},
        warned=[(file, warnings) for file in report.files if (warnings := _warnings(file))],
        network=network.draw(report.drawn, report.drawn_relationships) if report.drawn else None,
        events=time_chart.draw(report.events) if report.events else None,
        appearances=time_chart.draw(report.appearances) if report.appearances else None,
        world=world.draw(report.places) if report.places else None,
        campaigns=[(each, campaign_network.draw(each)) for each in report.campaigns],
        campaign_chart=time_chart.draw(report.campaign_sessions) if report.campaign_sessions else None,
    )


def _about(report: Report) -> list[tuple[str, str]]:
    subject = report.subject
    described = {
        "Scope": ", ".join(f"{key}: {_scope(value)}" for key, value in sorted(subject.scope.items())),
        "Type": words(subject.investigation_type),
        "Priority": subject.priority,
        "Status": subject.status,
        "Lawful basis": subject.lawful_basis,
        "Classification": subject.classification_level,
        "Opened": f"{moment(subject.created_at)} UTC",
        "Kept for": subject.organization,
    }
    return [(name, text) for name, text in described.items() if text]


def _scope(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _warnings(file: SourceFile) -> list[str]:
    return [warning for reading in file.readings for warning in reading.warnings]


def moment(at: datetime) -> str:
    """Date and time to the minute in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def words(name: str) -> str:
    """A name from the code as words: RESOLVES_TO as "resolves to"."""
    return (name.lower() if name.isupper() else name).replace("_", " ")


def size(count: int) -> str:
    """A number of bytes with a binary unit."""
    amount, place = float(count), 0
    while amount >= 1024 and place < len(_UNITS) - 1:
        amount, place = amount / 1024, place + 1
    return f"{amount:,.1f} {_UNITS[place]}" if place else f"{count:,} bytes"


def level(score: int) -> str:
    """The name of a risk score from 1 to 100."""
    return next(name for most, name in _LEVELS if score <= most)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("clew.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": lambda number: f"{number:,}",
        "cut": lambda text, most: inert(str(text), most),
        "iso": lambda at: at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "level": level,
        "moment": moment,
        "size": size,
        "words": words,
    }
    return environment


def _finalized(value: Any) -> Any:
    """What every expression of a template passes through: text that is not markup of ours is made inert."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return inert(value, LONGEST_TEXT)
