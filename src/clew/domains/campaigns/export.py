"""Campaigns for other programs: a row for each indicator as CSV, or everything as JSON.

Indicators are what attackers typed. In CSV, what a spreadsheet would take for a formula begins with an apostrophe, and
control characters are written as escapes.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from clew.domains.campaigns.reading import CampaignDetails
from clew.kernel.errors import InputError

FORMATS: Final = ("csv", "json", "misp", "stix")
COLUMNS: Final = (
    "campaign_id", "campaign", "status", "campaign_confidence", "threat_actor", "type", "value", "confidence", "count",
    "first_seen", "last_seen",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def require_format(form: str) -> str:
    """The format, if there is one of that name. Raises InputError."""
    if form not in FORMATS:
        raise InputError(f"no format {form!r}", where="format", remedy=f"choose one of {', '.join(FORMATS)}")
    return form


def as_csv(campaigns: Iterable[CampaignDetails]) -> str:
    """One line for each indicator; a campaign without any has one with none."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in campaigns:
        head = (
            each.campaign.id, each.campaign.name, each.campaign.status, each.campaign.confidence,
            each.campaign.threat_actor,
        )  # fmt: skip
        rows: Sequence[tuple[Any, ...]] = [
            (one.type, one.value, one.confidence, one.count, one.first_seen, one.last_seen) for one in each.indicators
        ] or [("", "", "", "", each.campaign.first_seen, each.campaign.last_seen)]
        writer.writerows([[_cell(value) for value in (*head, *row)] for row in rows])
    return sink.getvalue()


def as_documents(campaigns: Iterable[CampaignDetails]) -> list[dict[str, Any]]:
    """Everything, for JSON."""
    return [each.as_dict() for each in campaigns]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = str(value)
    if not isinstance(value, str):
        return text
    inert = "".join(each if each.isprintable() else _escaped(each) for each in text)
    return f"'{inert}" if text.startswith(_FORMULA) or inert.lstrip().startswith(_FORMULA) else inert


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
