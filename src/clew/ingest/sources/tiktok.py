"""TikTok profile analysers: a profile and its videos, in the documented JSON.

Analysers in circulation print what they find or write shapes of their own (followerCount, likes, createTime …), and
none is common enough to be the format; so the documented shape is what is read. Times are taken from a video's
`create_time`, `createTime`, `created_at`, `timestamp` or `date`, whichever is there: unix seconds, or ISO 8601, which
without an offset is read in --timezone, else as UTC with a warning.

The profile is one record and each video is one. The username (on TikTok) HAS_ACCOUNT the social profile, which POSTED
each video: a post with what it says and its figures, and a document that stands for it among the entities, which its
`tiktok:video:<id>` tells from all others. E-mail addresses, links and @handles in bio and captions are what the owner
wrote, not what is known: MENTIONS, with low confidence.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_reports import JsonReport, read_json_reports, settle_fault
from clew.ingest.sources.result_rows import (
    RefusedRowError,
    ResultRow,
    optional_text,
    required_text,
    settle,
    warn_of_count,
    wrong_type,
)
from clew.ingest.sources.times import RecordTimes

CONFIDENCE: Final = {
    "account": 0.9,  # the analyser read the profile's own page
    "written_address": 0.4,  # an e-mail address or link in a bio: usually the owner's, not surely
    "written_handle": 0.3,  # an @handle: a friend, a shop, a joke
}
_PLATFORM: Final = "tiktok"
_WRITTEN: Final = (
    ("email", re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}")),
    ("url", re.compile(r"https?://[^\s<>\"']{3,2000}", re.IGNORECASE)),
    ("username", re.compile(r"(?<![\w.@/%+-])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,22}[A-Za-z0-9_]))")),
)
_TIME_KEYS: Final = ("create_time", "createTime", "created_at", "timestamp", "date")
_CAPTION_KEYS: Final = ("description", "desc", "caption", "title")
_MEDIA_KEYS: Final = ("duration", "cover", "music")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_EARLIEST: Final = datetime(2014, 1, 1, tzinfo=UTC).timestamp()  # TikTok's predecessor opened in 2014
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()


@dataclass(slots=True)
class _Profile:
    builder: FactBuilder
    times: RecordTimes
    report: JsonReport

    def handle(self, row: ResultRow) -> str:
        """The account's name, without the @ it is often written with."""
        head = ResultRow(row.line, self.report.head, row.raw)
        handle = required_text(head, "username").removeprefix("@")
        if not handle:
            raise RefusedRowError("missing_field", f"line {row.line}: 'username' is only an @")
        return handle


class TikTokSource:
    """Reads a TikTok profile analyser's report; see the module's docstring for the meaning."""

    name: ClassVar[str] = "tiktok"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "TikTok profile analyser: documented JSON. Times: unix seconds or ISO 8601, naive ones as UTC."
    )
    version: ClassVar[int] = 2

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: JSON with a `username`, a `profile` object and `videos`, or videos that have a `video_id`."""
        report = next(read_json_reports(sample.head, "videos"), None)
        if report is None:
            return None
        rows = [row.values for row in report.rows or () if row.fault is None]
        of_videos = bool(rows) and "video_id" in rows[0]
        of_profile = isinstance(report.head.get("profile"), dict) and "username" in report.head
        if of_profile and (of_videos or report.rows == [] or "followers" in report.head["profile"]):
            return Recognition(0.95, Framing.DOCUMENT, "json")
        return Recognition(0.8, Framing.DOCUMENT, "json") if of_videos else None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole report. The profile is one record, each video is one."""
        builder = FactBuilder()
        times = RecordTimes(context.timezone)
        record = 0
        for report in read_json_reports(b"\n".join(batch.records), "videos"):
            if report.fault is not None and not report.lines:
                record = settle_fault(builder, report, record, kept=False)
            else:
                record = _read_report(_Profile(builder, times, report), record)
        if warning := times.warning():
            builder.warn(warning)
        return builder.facts()


def _read_report(profile: _Profile, record: int) -> int:
    report, builder = profile.report, profile.builder

    def keep_profile(number: int, row: ResultRow) -> None:
        _keep_profile(profile, number, row)

    def keep_video(number: int, row: ResultRow) -> None:
        _keep_video(profile, number, row)

    details = report.head.get("profile")
    row = ResultRow(report.lines.get("profile", report.line), {"profile": details}, report.raw.get("profile", b"{}"))
    record = settle(builder, [row], keep_profile, first_record=record)
    rows = report.rows
    if rows is None and "videos" in report.head:
        line = report.lines["videos"]
        fault = wrong_type(line, "videos", "an array", report.head["videos"])
        rows = [ResultRow(line, {}, report.raw["videos"], fault)]
    videos = len(rows or ())
    record = settle(builder, rows or (), keep_video, first_record=record)
    warn_of_count(builder, report.head.get("total_videos"), videos, "videos")
    return settle_fault(builder, report, record, kept=True)


def _keep_profile(profile: _Profile, record: int, row: ResultRow) -> None:
    handle = profile.handle(row)
    details = row.values["profile"]
    if details is None:
        raise RefusedRowError("missing_field", f"line {row.line}: no 'profile'")
    if not isinstance(details, dict):
        raise wrong_type(row.line, "profile", "an object", details)
    bio = optional_text(ResultRow(row.line, details, row.raw), "bio")
    profile.builder.record(record, row.line, {"username": handle, "profile": details})
    account = _mention_account(profile.builder, record, handle, details)
    _mention_written(profile.builder, record, account, bio, handle, None)


def _mention_account(builder: FactBuilder, record: int, handle: str, details: dict[str, Any]) -> Reference:
    confidence = CONFIDENCE["account"]
    builder.mention(
        record, "username", handle, _PLATFORM, required=True, confidence=confidence, method="analysed_handle"
    )
    builder.mention(
        record,
        "social_profile",
        handle,
        _PLATFORM,
        required=True,
        confidence=confidence,
        properties=details,
        method="profile_page",
    )
    account = ("social_profile", handle, _PLATFORM)
    builder.link(record, ("username", handle, _PLATFORM), "HAS_ACCOUNT", account, confidence=confidence)
    return account


def _keep_video(profile: _Profile, record: int, row: ResultRow) -> None:
    builder, handle = profile.builder, profile.handle(row)
    video_id = _video_id(row)
    stats, hashtags = row.values.get("stats"), _hashtags(row)
    if stats is not None and not isinstance(stats, dict):
        raise wrong_type(row.line, "stats", "an object", stats)
    caption = next((text for key in _CAPTION_KEYS if (text := optional_text(row, key))), None)
    url, language, location = (optional_text(row, key) for key in ("url", "language", "location"))
    created = _created(profile, row)
    builder.record(record, row.line, {**row.values, "username": handle})
    account = _mention_account(builder, record, handle, {})
    video = ("document", f"TikTok video {video_id}", f"tiktok:video:{video_id}")
    builder.mention(
        record,
        "document",
        video[1],
        video[2],
        required=True,
        confidence=CONFIDENCE["account"],
        first_seen=created,
        properties={"platform": _PLATFORM, "video_id": video_id},
        method="video_list",
    )
    builder.link(record, account, "POSTED", video, confidence=CONFIDENCE["account"], first_seen=created)
    builder.post(
        record,
        account,
        video_id,
        document=video,
        posted_at=created,
        confidence=CONFIDENCE["account"],
        content=caption,
        language=language,
        location=location,
        url=url,
        hashtags=hashtags,
        mentions=_handles(caption),
        stats=stats,
        media={key: row.values[key] for key in _MEDIA_KEYS if key in row.values},
    )
    _mention_written(builder, record, video, caption, handle, created)


def _mention_written(
    builder: FactBuilder, record: int, writing: Reference, text: str | None, owner: str, at: datetime | None
) -> None:
    """Addresses, links and handles in a text, each once; the owner's own handle says nothing."""
    seen: set[tuple[str, str]] = set()
    for entity_type, pattern in _WRITTEN:
        is_handle = entity_type == "username"
        confidence = CONFIDENCE["written_handle" if is_handle else "written_address"]
        for match in pattern.finditer(text or ""):
            value = match[1] if is_handle else match[0].rstrip(".,;:!?)]}")
            if (entity_type, value.casefold()) in seen or (is_handle and value.casefold() == owner.casefold()):
                continue
            seen.add((entity_type, value.casefold()))
            target = (entity_type, value, _PLATFORM if is_handle else None)
            builder.mention(record, *target, confidence=confidence, first_seen=at, method="written_text")
            builder.link(record, writing, "MENTIONS", target, confidence=confidence, first_seen=at)


def _handles(text: str | None) -> list[str]:
    """Handles named in a text, in lower case: TikTok's do not tell case apart."""
    pattern = dict(_WRITTEN)["username"]
    return sorted({match[1].lower() for match in pattern.finditer(text or "")})


def _video_id(row: ResultRow) -> str:
    value = row.values.get("video_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return required_text(row, "video_id")


def _hashtags(row: ResultRow) -> list[str]:
    value = row.values.get("hashtags")
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise wrong_type(row.line, "hashtags", "an array of texts", value)
    return list(dict.fromkeys(tag.strip().removeprefix("#") for tag in value if tag.strip("# ")))


def _created(profile: _Profile, row: ResultRow) -> datetime | None:
    key = next((key for key in _TIME_KEYS if row.values.get(key) not in (None, "")), None)
    if key is None:
        return None
    value = row.values[key]
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and _EARLIEST <= value < _LATEST:
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str):
        raise wrong_type(row.line, key, "unix seconds since 2014 or ISO 8601 text", value)
    text = f"{value.strip()}T00:00" if _DATE.fullmatch(value.strip()) else value
    try:
        return profile.times.read(text)
    except ValueError as error:
        raise RefusedRowError("invalid_timestamp", f"line {row.line}: {key!r}: {value[:80]!r} is no time") from error
