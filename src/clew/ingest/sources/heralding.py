"""Heralding: a honeypot that collects login attempts on many protocols.

Written by heralding/reporting/file_logger.py: `log_session.json` (a JSON object a line, once a session has ended),
`log_session.csv` and `log_auth.csv` with a heading. The columns of log_auth.csv changed over time: at first
auth_type and a misspelt souce_port, then destination_ip, today password_hash at the end; the heading tells. Heralding
never lets anyone in, so every attempt is a failure. What was sent with some methods (VNC) it cannot read: such an
attempt counts, but names no credential.
"""

import csv
import re
from typing import Any, ClassVar, Final

from clew.ingest.facts import Facts
from clew.ingest.honeypots import (
    Attack,
    Reader,
    UnreadableRecordError,
    credential,
    objects_at_start,
    parse_object,
    port,
    read_attacks,
    text_of,
)
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample

_JSON_FIELDS: Final = frozenset({"timestamp", "session_id", "source_ip", "protocol", "auth_attempts"})
_CSV_FIELDS: Final = frozenset({"timestamp", "session_id", "source_ip", "destination_port", "protocol"})
_KNOWN_FIELDS: Final = (
    _CSV_FIELDS
    | {"auth_id", "auth_type", "souce_port", "source_port", "destination_ip", "username", "password"}
    | {"password_hash", "duration", "num_auth_attempts"}
)
_PROTOCOLS: Final = {"postgre": "postgresql"}
_HEADING: Final = re.compile(rb"timestamp,[a-z_,]{20,200}")


class HeraldingSource:
    """Reads Heralding's session log (JSON, CSV) and its log of login attempts (CSV)."""

    name: ClassVar[str] = "heralding"
    kind: ClassVar[ItemKind] = ItemKind.LOG
    reads: ClassVar[str] = (
        "Heralding 0.1-1.0: log_session.json, log_session.csv, log_auth.csv (load only one of them, they tell of the "
        "same sessions); times carry no zone, Heralding writes UTC"
    )
    version: ClassVar[int] = 2

    def recognise(self, sample: Sample) -> Recognition | None:
        """By the fields of the first objects, or by the heading of a table."""
        heading = sample.head.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip()
        if _HEADING.fullmatch(heading):
            names = heading.decode().split(",")
            if set(names) >= _CSV_FIELDS and set(names) <= _KNOWN_FIELDS:
                return Recognition(0.95, Framing.LINES, f"csv:{','.join(names)}")
        objects = objects_at_start(sample)
        if objects and all(value.keys() >= _JSON_FIELDS for value in objects):
            return Recognition(0.95, Framing.JSON_VALUES, "json")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """One event a session, or one a login attempt."""
        if not context.variant.startswith("csv:"):
            return read_attacks(batch, context, _session)
        columns = context.variant.removeprefix("csv:").split(",")
        return read_attacks(batch, context, lambda content, reader: _row(content, reader, columns))


def _session(content: bytes, reader: Reader) -> Attack:
    fields = parse_object(content)
    attack = _attack(fields, reader, "heralding.session")
    attempts = fields.get("auth_attempts")
    attempts = [attempt for attempt in attempts if isinstance(attempt, dict)] if isinstance(attempts, list) else []
    for attempt in attempts:
        try:
            attempted_at = reader.times.read(attempt.get("timestamp"))
        except ValueError:
            attempted_at = attack.occurred_at
        found = credential(attempt.get("username"), attempt.get("password"), attempted_at)
        if found:
            attack.credentials.append(found)
    _count(attack, max(len(attempts), _number(fields.get("num_auth_attempts"))))
    additional = fields.get("auxiliary_data")
    if isinstance(additional, dict) and additional:
        attack.client = text_of(additional.get("client_version"))
        attack.properties["auxiliary_data"] = additional
    return attack


def _row(content: bytes, reader: Reader, columns: list[str]) -> Attack | None:
    try:
        values = next(csv.reader([content.decode()], strict=True))
    except UnicodeDecodeError as error:
        raise UnreadableRecordError("invalid_encoding", f"not UTF-8: {error.reason}") from None
    except csv.Error as error:
        raise UnreadableRecordError("invalid_row", f"not a row of a table: {error}") from None
    if values[0] == "timestamp":
        return None  # a heading, also where a new run of Heralding added to the file
    if len(values) == len(columns) + 1 and "password" in columns:
        columns = [*columns, "password_hash"]  # a newer version went on writing below the old heading
    if len(values) != len(columns):
        raise UnreadableRecordError("invalid_row", f"{len(values)} values for {len(columns)} columns")
    fields: dict[str, Any] = dict(zip(columns, values, strict=True))
    fields.setdefault("source_port", fields.get("souce_port"))
    if "password" not in fields:
        attack = _attack(fields, reader, "heralding.session")
        _count(attack, _number(fields.get("num_auth_attempts")))
        return attack
    attack = _attack(fields, reader, "heralding.login")
    found = credential(fields.get("username"), fields.get("password"), attack.occurred_at)
    if found:
        attack.credentials.append(found)
    _count(attack, 1)
    for name in ("auth_type", "password_hash"):
        attack.properties[name] = text_of(fields.get(name))
    return attack


def _attack(fields: dict[str, Any], reader: Reader, kind: str) -> Attack:
    session = text_of(fields.get("session_id"))
    if session is None:
        raise UnreadableRecordError("missing_field", "session_id is missing")
    protocol = (text_of(fields.get("protocol")) or "").lower() or None
    duration = fields.get("duration")
    return Attack(
        reader.time(fields.get("timestamp"), "timestamp"),
        kind,
        "connection",
        session=session,
        source_ip=reader.source_address(fields.get("source_ip"), "source_ip"),
        source_port=port(fields.get("source_port"), "source_port"),
        destination_ip=reader.address(fields.get("destination_ip"), "destination_ip"),
        target_port=port(fields.get("destination_port"), "destination_port"),
        protocol=_PROTOCOLS.get(protocol, protocol) if protocol else None,
        properties={"duration": _number(duration)} if duration not in (None, "") else {},
    )


def _count(attack: Attack, attempts: int) -> None:
    attack.login_failures, attack.login_successes = attempts, 0
    if attempts:
        attack.attack_type = "brute_force"


def _number(value: object) -> int:
    """A count or a duration in whole seconds; 0 where it is neither."""
    text = str(value)
    return min(int(text), 2**31 - 1) if text.isascii() and text.isdigit() and len(text) < 19 else 0
