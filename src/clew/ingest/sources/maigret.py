"""Maigret: on which sites a handle has an account, and what the account's page told, in its JSON and CSV.

The writers were read in soxoj/maigret, `maigret/report.py` and `result.py`, from 0.3 (QueryStatus) to the latest
(MaigretCheckStatus): CSV of username, name, url_main, url_user, exists, http_status for every site checked; JSON
"simple" (one object, a member for each claimed site) and "ndjson" (a line for each, with `sitename`). The latest adds
keyword matches to `status`; they are kept as properties. Sherlock's CSV has these columns too, and a response time.

"Claimed" is a guess. CONFIDENCE says how far it is believed: most where the page was parsed as an account's (`ids`),
less for a page that was only served, little for what a site's own search found (`is_similar`: the handle is not the
same) and for a refusal that looked like an answer.

A claimed site gives username HAS_ACCOUNT social_profile, as with Sherlock. Of `ids`, plain facts are properties of the
profile; an e-mail address, handles on named other platforms and links become entities that the profile is associated
with or mentions. Names and places identify nobody and stay properties. Maigret states no time of its search.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.csv_table import csv_columns, read_csv
from clew.ingest.sources.json_line_rows import json_line_rows, sampled_objects
from clew.ingest.sources.json_reports import JsonReport, read_json_reports
from clew.ingest.sources.plain_text import first_byte, whole_lines
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, optional_text, required_text, settle, wrong_type
from clew.ingest.sources.value_shapes import shape_of

CONFIDENCE: Final = {
    "parsed": 0.85,  # the page was recognised as an account's and gave data of it
    "served": 0.65,  # 2xx without such data
    "redirect": 0.4,
    "refused": 0.2,  # 401, 403, 429: the site answered the robot, not the question
    "failure": 0.3,  # other 4xx and 5xx
    "unstated": 0.5,
    "similar": 0.2,  # found by the site's search: another handle than the one searched for
    "stated": 0.6,  # what the page itself says of other accounts
}
_COLUMNS: Final = frozenset({"username", "name", "url_main", "url_user", "exists", "http_status"})
_NO_ROWS: Final = "\0"  # a member no report has: all members are then read as the head
_PLATFORM_KEYS: Final = re.compile(
    r"(facebook|github|gitlab|instagram|linkedin|pinterest|reddit|skype|snapchat|soundcloud|steam|telegram|tiktok|twitch"
    r"|twitter|vk|youtube)_(?:username|nickname|login)"
)
_PROPERTIES: Final = frozenset(
    [
        "bio",
        "birthday",
        "company",
        "country",
        "country_code",
        "created_at",
        "email_verified",
        "first_name",
        "follower_count",
        "following_count",
        "fullname",
        "gender",
        "id",
        "image",
        "is_verified",
        "job",
        "last_name",
        "last_online",
        "latest_activity_at",
        "locale",
        "location",
        "name",
        "posts_count",
        "uid",
        "updated_at",
        "website",
    ]
)
_LONGEST_FACT: Final = 2000
_MOST_LINKS: Final = 100


class MaigretSource:
    """Reads Maigret's reports; see the module's docstring for versions and meaning."""

    name: ClassVar[str] = "maigret"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "Maigret 0.3 and later: JSON simple and ndjson (-J), CSV (-C). States no times."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: CSV columns, or objects whose `status` is a site's verdict on a handle."""
        columns = csv_columns(sample.head)
        if columns >= _COLUMNS and not any(column.startswith("response_time") for column in columns):
            return Recognition(0.95, Framing.DOCUMENT, "csv")
        if first_byte(sample.head) != b"{":
            return None
        lines = whole_lines(sample.head, complete=sample.complete).removeprefix(b"\xef\xbb\xbf").splitlines()
        if any(_is_site(value) and "sitename" in value for value in sampled_objects(lines)):
            return Recognition(0.95, Framing.LINES, "ndjson")
        report = next(read_json_reports(sample.head, _NO_ROWS), None)
        if report is not None and any(_is_site(value) for value in report.head.values()):
            return Recognition(0.95, Framing.DOCUMENT, "simple")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines or of a whole report. Each site is one record."""
        builder = FactBuilder()
        data = b"\n".join(batch.records)
        match context.variant or _variant(data):
            case "csv":
                _read_csv(builder, data)
            case "simple":
                _read_simple(builder, data)
            case _:
                settle(builder, json_line_rows(batch), _keeper(builder, None), first_record=batch.first_record)
        return builder.facts()


def _is_site(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("status"), dict):
        return False
    return "url_user" in value and {"username", "site_name", "status"} <= value["status"].keys()


def _variant(data: bytes) -> str:
    return "simple" if first_byte(data) == b"{" else "csv"


def _read_csv(builder: FactBuilder, data: bytes) -> None:
    table = read_csv(data)
    missing = {"username", "name", "exists"}.difference(table.columns)

    def keep(record: int, row: ResultRow) -> None:
        if missing:
            raise RefusedRowError("missing_field", f"line {row.line}: no column {', '.join(sorted(missing))}")
        content = {key: value for key, value in row.values.items() if value}
        status = {"username": required_text(row, "username"), "status": required_text(row, "exists"), "ids": {}}
        code = row.values.get("http_status", "")
        _add(
            builder,
            record,
            ResultRow(row.line, {**row.values, "status": status, "http_status": code}, row.raw),
            required_text(row, "name"),
            content,
        )

    settle(builder, table.rows, keep)


def _read_simple(builder: FactBuilder, data: bytes) -> None:
    record = 0
    for report in read_json_reports(data, _NO_ROWS):
        for site, row in _members(report):
            record = settle(builder, [row], _keeper(builder, site), first_record=record)


def _members(report: JsonReport) -> Iterator[tuple[str, ResultRow]]:
    """Each site of a report, and what could not be read of it."""
    for site, value in report.head.items():
        line, raw = report.lines[site], report.raw[site]
        if isinstance(value, dict):
            yield site, ResultRow(line, value, raw)
        else:
            yield site, ResultRow(line, {}, raw, wrong_type(line, site[:80], "an object", value))
    for row in report.rows or ():
        yield "", ResultRow(row.line, {}, row.raw, RefusedRowError("missing_field", f"line {row.line}: no site's name"))
    if report.fault is not None:
        yield "", report.fault


def _keeper(builder: FactBuilder, site: str | None) -> Any:
    def keep(record: int, row: ResultRow) -> None:
        name = required_text(row, "sitename") if site is None else site
        if not name.strip() or "\0" in name:
            raise RefusedRowError("missing_field", f"line {row.line}: no site's name")
        if not isinstance(row.values.get("status"), dict):
            raise wrong_type(row.line, "status", "an object", row.values.get("status"))
        _add(builder, record, row, name, {**row.values, "sitename": name})

    return keep


def _add(builder: FactBuilder, record: int, row: ResultRow, site: str, content: dict[str, Any]) -> None:
    verdict = ResultRow(row.line, row.values["status"], row.raw)
    username = required_text(verdict, "username")
    status = required_text(verdict, "status")
    url, main = optional_text(row, "url_user"), optional_text(row, "url_main")
    ids = verdict.values.get("ids") or {}
    if not isinstance(ids, dict):
        raise wrong_type(row.line, "ids", "an object", ids)
    builder.record(record, row.line, content)
    builder.mention(record, "username", username, required=True, confidence=0.9, method="search_handle")
    if status.casefold() != "claimed":
        return
    platform = " ".join(site.split()).casefold()
    similar = row.values.get("is_similar") is True
    confidence = CONFIDENCE["similar"] if similar else _confidence(row.values.get("http_status"), ids)
    profile = ("social_profile", username, platform)
    properties: dict[str, Any] = {
        "url": url,
        "site_url": main,
        "http_status": _code(row.values.get("http_status")),
        "similar_only": similar or None,
        "keywords_found": verdict.values.get("keyword_match_status") == "Keyword Found" or None,
        **{key: value for key, value in ids.items() if key in _PROPERTIES and _is_fact(value)},
    }
    builder.mention(record, *profile, required=True, confidence=confidence, properties=properties, method="site_check")
    builder.link(record, ("username", username), "HAS_ACCOUNT", profile, confidence=confidence)
    if not similar:
        _add_stated(builder, record, profile, ids)


def _add_stated(builder: FactBuilder, record: int, profile: tuple[str, str, str], ids: dict[str, Any]) -> None:
    """What the account's page itself names: an address, accounts elsewhere, links."""
    stated = CONFIDENCE["stated"]
    for found in dict.fromkeys(_entities(ids)):
        if found[:3] == profile:
            continue
        relation = "MENTIONS" if found[0] == "url" else "ASSOCIATED_WITH"
        builder.mention(record, *found, confidence=stated, method="profile_page")
        builder.link(record, profile, relation, found, confidence=stated)


def _entities(ids: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    for key, value in ids.items():
        texts = [text for text in _texts(value) if len(text) <= _LONGEST_FACT][:_MOST_LINKS]
        platform = _PLATFORM_KEYS.fullmatch(key)
        for text in texts:
            if platform:
                yield "social_profile", text, platform[1]
            elif key in {"email", "emails"} and shape_of(text) == "email":
                yield "email", text, None
            elif key in {"links", "website", "url"} and shape_of(text) == "url":
                yield "url", text, None


def _texts(value: object) -> list[str]:
    """A text, the texts of an array, or of an array that was written as Python shows it."""
    if isinstance(value, list):
        return [item.strip() for item in value if isinstance(item, str) and item.strip()]
    if not isinstance(value, str) or not value.strip():
        return []
    if value.startswith("[") and value.endswith("]"):
        return re.findall(r"'([^'\[\]]{1,2000})'", value)
    return [value.strip()]


def _is_fact(value: object) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and 0 < len(value) <= _LONGEST_FACT)


def _confidence(http_status: object, ids: dict[str, Any]) -> float:
    if ids:
        return CONFIDENCE["parsed"]
    code = _code(http_status)
    if not code:
        return CONFIDENCE["unstated"]
    if 200 <= code < 300:
        return CONFIDENCE["served"]
    if 300 <= code < 400:
        return CONFIDENCE["redirect"]
    return CONFIDENCE["refused" if code in {401, 403, 429} else "failure"]


def _code(value: object) -> int | None:
    """The HTTP status, which is a number, its text, or empty or 0 where the site could not be asked."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and 100 <= value < 1000 else None
    text = str(value).strip() if isinstance(value, str) or abs(value) < 1000 else ""
    return int(text) if text.isascii() and text.isdigit() and 100 <= int(text[:4]) < 1000 else None
