"""Our copies of what is exchanged, byte for byte, and what each peer was last seen with.

Everything takes a connection inside a tenant's transaction and commits nothing.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from clew.domains.exchange.tables import conflicts, contents, objects, states
from clew.domains.exchange.three_way import Contradiction
from clew.kernel.errors import NotFoundError

_AT_ONCE: Final = 2000
_FEW: Final = 100  # events at once whose contents are held
_LONGEST_VERSION: Final = 100
_PLAIN: Final = re.compile(r"[A-Za-z0-9:._-]+")
_MOST_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """One exchanged thing as it is here. `content` is None where it was deleted."""

    form: str
    external_id: str
    object_type: str
    title: str | None
    content: bytes | None
    campaign_id: UUID | None
    deleted_at: datetime | None
    changed_at: datetime

    @property
    def document(self) -> dict[str, Any]:
        """The content as JSON. Raises NotFoundError if it was deleted."""
        if self.content is None:
            raise NotFoundError(f"{self.form} {self.external_id} was deleted here")
        found: dict[str, Any] = orjson.loads(self.content)
        return found


@dataclass(frozen=True, slots=True)
class NewObject:
    """What is to be kept."""

    form: str
    external_id: str
    object_type: str
    title: str | None
    content: bytes
    campaign_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a peer was last seen with. `base` is None where it never had it, or it was deleted there."""

    external_id: str
    base: bytes | None
    is_deleted: bool
    sent_hash: str | None


def digest(content: bytes) -> str:
    """The name of a content: its SHA-256 as hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def put_contents(connection: sa.Connection, organization_id: UUID, given: Iterable[bytes]) -> None:
    """Keep contents, each once."""
    rows = {digest(each): each for each in given}
    statement = sa.text("""
        INSERT INTO exchange_contents (organization_id, hash, content)
        SELECT :organization, hash, content FROM unnest(CAST(:hashes AS text[]), CAST(:contents AS bytea[]))
             AS new (hash, content) ORDER BY hash
        ON CONFLICT DO NOTHING""")
    for some in _by_size(sorted(rows.items())):
        values = {"hashes": [name for name, _ in some], "contents": [content for _, content in some]}
        connection.execute(statement, values | {"organization": organization_id})


def keep(connection: sa.Connection, organization_id: UUID, given: Sequence[NewObject], now: datetime) -> int:
    """Make these our copies; how many of them are new or different. One that was deleted is there again."""
    put_contents(connection, organization_id, (each.content for each in given))
    statement = sa.text("""
        INSERT INTO exchange_objects AS known
            (organization_id, form, external_id, object_type, title, content_hash, campaign_id, changed_at)
        SELECT :organization, form, external_id, object_type, title, hash, CAST(campaign AS uuid), :now
        FROM unnest(CAST(:forms AS text[]), CAST(:ids AS text[]), CAST(:types AS text[]), CAST(:titles AS text[]),
                    CAST(:hashes AS text[]), CAST(:campaigns AS text[]))
             AS new (form, external_id, object_type, title, hash, campaign)
        ORDER BY form, external_id
        ON CONFLICT (organization_id, form, external_id) DO UPDATE
        SET object_type = excluded.object_type, title = excluded.title, content_hash = excluded.content_hash,
            campaign_id = coalesce(excluded.campaign_id, known.campaign_id), deleted_at = NULL,
            changed_at = excluded.changed_at, updated_at = now()
        WHERE known.content_hash IS DISTINCT FROM excluded.content_hash
           OR known.campaign_id IS DISTINCT FROM coalesce(excluded.campaign_id, known.campaign_id)""")
    last = list({(each.form, each.external_id): each for each in given}.values())
    changed = 0
    for some in _batches(last, _AT_ONCE):
        values = {
            "forms": [each.form for each in some],
            "ids": [each.external_id for each in some],
            "types": [each.object_type for each in some],
            "titles": [None if each.title is None else each.title.replace("\0", "\u2400") for each in some],
            "hashes": [digest(each.content) for each in some],
            "campaigns": [None if each.campaign_id is None else str(each.campaign_id) for each in some],
        }
        changed += connection.execute(statement, values | {"organization": organization_id, "now": now}).rowcount
    return changed


def forget(connection: sa.Connection, organization_id: UUID, form: str, external_id: str, now: datetime) -> bool:
    """Delete our copy; that it was deleted, and when, stays. Whether there was one."""
    done = connection.execute(
        sa.update(objects)
        .where(*_one(organization_id, form, external_id), objects.c.deleted_at.is_(None))
        .values(deleted_at=now, changed_at=now, content_hash=None, updated_at=sa.func.now())
    )
    return bool(done.rowcount)


def find(connection: sa.Connection, organization_id: UUID, form: str, external_id: str) -> Kept | None:
    """Our copy, if there is or was one."""
    rows = find_all(connection, organization_id, form, [external_id])
    return rows.get(external_id)


def find_all(
    connection: sa.Connection, organization_id: UUID, form: str, external_ids: Sequence[str]
) -> dict[str, Kept]:
    """Our copies of those ids."""
    found: dict[str, Kept] = {}
    for some in _batches(external_ids, _AT_ONCE):
        query = _with_content().where(
            objects.c.organization_id == organization_id, objects.c.form == form, objects.c.external_id.in_(some)
        )
        found |= {row.external_id: Kept(*row) for row in connection.execute(query)}
    return found


def with_campaigns(connection: sa.Connection, organization_id: UUID) -> list[Kept]:
    """Events that are made from campaigns."""
    query = _with_content().where(
        objects.c.organization_id == organization_id, objects.c.form == "misp", objects.c.campaign_id.is_not(None)
    )
    return [Kept(*row) for row in connection.execute(query.order_by(objects.c.external_id))]


def state_of(
    connection: sa.Connection, organization_id: UUID, peer_id: UUID, form: str, external_ids: Sequence[str] | None
) -> dict[str, State]:
    """What a peer was last seen with of those ids, or of everything."""
    query = (
        sa.select(states.c.external_id, contents.c.content, states.c.is_deleted, states.c.sent_hash)
        .outerjoin_from(
            states,
            contents,
            sa.and_(contents.c.organization_id == states.c.organization_id, contents.c.hash == states.c.base_hash),
        )
        .where(states.c.organization_id == organization_id, states.c.peer_id == peer_id, states.c.form == form)
    )
    if external_ids is not None:
        query = query.where(states.c.external_id.in_(external_ids))
    return {row.external_id: State(*row) for row in connection.execute(query)}


def versions_of(connection: sa.Connection, organization_id: UUID, peer_id: UUID, form: str) -> dict[str, str]:
    """What the peer called the version of each thing that it was last seen with; "" where it named none.

    What was noted before versions were is read from its content, and noted.
    """
    table, mine = states.c, (states.c.organization_id == organization_id, states.c.peer_id == peer_id)
    query = sa.select(table.external_id, table.base_version).where(*mine, table.form == form)
    rows = connection.execute(query.where(table.base_hash.is_not(None)))
    found: dict[str, str | None] = {row.external_id: row.base_version for row in rows}
    statement = sa.text("""
        UPDATE exchange_states SET base_version = new.version
        FROM unnest(CAST(:ids AS text[]), CAST(:versions AS text[])) AS new (id, version)
        WHERE organization_id = :organization AND peer_id = :peer AND form = :form AND external_id = new.id""")
    for some in _batches([each for each, version in found.items() if version is None], _FEW):
        bases = state_of(connection, organization_id, peer_id, form, some)
        read = {each: _version_of(state.base) for each, state in bases.items() if state.base is not None}
        values = {"ids": list(read), "versions": list(read.values())}
        connection.execute(statement, values | {"organization": organization_id, "peer": peer_id, "form": form})
        found |= read
    return {each: version or "" for each, version in found.items()}


def save_state(
    connection: sa.Connection,
    organization_id: UUID,
    peer_id: UUID,
    form: str,
    external_id: str,
    base: bytes | None,
    *,
    seen_at: datetime | None = None,
    sent_at: datetime | None = None,
    sent: bytes | None = None,
    is_deleted: bool = False,
) -> None:
    """Note what the peer has now; and what it was `sent`, if it was sent something."""
    put_contents(connection, organization_id, [each for each in (base, sent) if each is not None])
    values: dict[str, Any] = {"base_hash": None if base is None else digest(base), "is_deleted": is_deleted}
    values["base_version"] = _version_of(base) if base is not None and form == "misp" else None
    values |= {name: at for name, at in (("seen_at", seen_at), ("sent_at", sent_at)) if at is not None}
    values |= {} if sent is None else {"sent_hash": digest(sent)}
    keys = {"organization_id": organization_id, "peer_id": peer_id, "form": form, "external_id": external_id}
    statement = pg.insert(states).values(**keys, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[states.c[name] for name in keys], set_=values))


def save_contradictions(
    connection: sa.Connection,
    organization_id: UUID,
    peer_id: UUID,
    form: str,
    external_id: str,
    found: Iterable[Contradiction],
) -> int:
    """Keep conflicts by name; one that comes again is open again. How many."""
    count = 0
    for each in found:
        sides = {"base": each.base, "ours": each.ours, "theirs": each.theirs}
        values: dict[str, Any] = {name: _storable(value) for name, value in sides.items()}
        values |= {"rule": each.rule, "resolution": None, "resolved_at": None}
        keys = {
            "organization_id": organization_id, "peer_id": peer_id, "form": form, "external_id": external_id,
            "place": each.place.replace("\0", "\u2400")[:2000],
        }  # fmt: skip
        statement = pg.insert(conflicts).values(**keys, **values)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[conflicts.c[name] for name in keys], set_={**values, "updated_at": sa.func.now()}
            )
        )
        count += 1
    return count


def sweep(connection: sa.Connection, organization_id: UUID) -> int:
    """Drop contents that nothing refers to any more; how many."""
    statement = sa.text("""
        DELETE FROM exchange_contents AS c WHERE organization_id = :organization
        AND NOT EXISTS (SELECT FROM exchange_objects AS o
                        WHERE o.organization_id = c.organization_id AND c.hash IN (o.content_hash, o.generated_hash))
        AND NOT EXISTS (SELECT FROM exchange_states AS s
                        WHERE s.organization_id = c.organization_id AND c.hash IN (s.base_hash, s.sent_hash))
        AND NOT EXISTS (SELECT FROM exchange_shares AS h
                        WHERE h.organization_id = c.organization_id AND h.content_hash = c.hash)
        AND NOT EXISTS (SELECT FROM exchange_bundle_members AS m
                        WHERE m.organization_id = c.organization_id AND m.content_hash = c.hash)""")
    return connection.execute(statement, {"organization": organization_id}).rowcount


def generated(connection: sa.Connection, organization_id: UUID, form: str, external_id: str) -> bytes | None:
    """What it was made as from its campaign last."""
    query = (
        sa.select(contents.c.content)
        .join(
            objects,
            sa.and_(
                contents.c.organization_id == objects.c.organization_id, contents.c.hash == objects.c.generated_hash
            ),
        )
        .where(*_one(organization_id, form, external_id))
    )
    found: bytes | None = connection.scalar(query)
    return found


def note_generated(
    connection: sa.Connection, organization_id: UUID, form: str, external_id: str, content: bytes
) -> None:
    """Note what it was made as."""
    put_contents(connection, organization_id, [content])
    connection.execute(
        sa.update(objects).where(*_one(organization_id, form, external_id)).values(generated_hash=digest(content))
    )


def _one(organization_id: UUID, form: str, external_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        objects.c.organization_id == organization_id,
        objects.c.form == form,
        objects.c.external_id == external_id,
    )


def _with_content() -> sa.Select[Any]:
    columns = objects.c
    return sa.select(
        columns.form, columns.external_id, columns.object_type, columns.title, contents.c.content, columns.campaign_id,
        columns.deleted_at, columns.changed_at,
    ).outerjoin_from(
        objects,
        contents,
        sa.and_(contents.c.organization_id == columns.organization_id, contents.c.hash == columns.content_hash),
    )  # fmt: skip


def _version_of(base: bytes) -> str:
    """When an event was changed last, as it says itself; "" if it does not."""
    stamp = orjson.loads(base).get("timestamp")
    return "" if stamp is None else str(stamp).replace("\0", "\u2400")[:_LONGEST_VERSION]


def _storable(value: Any) -> Any:
    """JSON that jsonb takes: without NUL."""
    if value is None:
        return None
    return orjson.loads(orjson.dumps(value).replace(b"\\u0000", b"\\u2400"))


def _by_size(rows: Sequence[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """The rows in portions of some megabytes: a statement has to hold all of its own."""
    some: list[tuple[str, bytes]] = []
    size = 0
    for row in rows:
        if some and (size + len(row[1]) > _MOST_BYTES or len(some) >= _AT_ONCE):
            yield some
            some, size = [], 0
        some.append(row)
        size += len(row[1])
    if some:
        yield some


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def chosen_events(
    connection: sa.Connection, organization_id: UUID, peer_id: UUID, *, campaigns: bool, tags: Sequence[str]
) -> list[str]:
    """The events that are for a peer: those that it has or had, those of campaigns, those with one of the tags."""
    statement = sa.text("""
        SELECT external_id FROM exchange_states
        WHERE organization_id = :organization AND peer_id = :peer AND form = 'misp' AND NOT is_deleted
        UNION
        SELECT external_id FROM exchange_objects
        WHERE organization_id = :organization AND form = 'misp' AND campaign_id IS NOT NULL AND :campaigns
          AND content_hash IS NOT NULL
        UNION
        SELECT o.external_id FROM exchange_objects AS o
        JOIN exchange_contents AS c ON c.organization_id = o.organization_id AND c.hash = o.content_hash
        WHERE o.organization_id = :organization AND o.form = 'misp' AND cardinality(CAST(:tags AS text[])) > 0
          AND EXISTS (SELECT FROM unnest(CAST(:tags AS text[])) AS tag
                      WHERE position(convert_to(tag, 'UTF8') IN c.content) > 0)
        ORDER BY external_id""")
    values = {"organization": organization_id, "peer": peer_id, "campaigns": campaigns, "tags": _fragments(tags)}
    found = list(connection.scalars(statement, values))
    if not tags:
        return found
    known = find_all(connection, organization_id, "misp", found)
    states_known = state_of(connection, organization_id, peer_id, "misp", found).keys()
    return [each for each in found if each in states_known or _is_chosen(known.get(each), tags, campaigns=campaigns)]


def _fragments(tags: Sequence[str]) -> list[str]:
    """Of each tag what stands in JSON as it is, however that escapes the rest: enough to look for it."""
    return [max(_PLAIN.findall(tag), key=len, default="") for tag in tags]


def _is_chosen(kept: Kept | None, tags: Sequence[str], *, campaigns: bool) -> bool:
    if kept is None or kept.content is None:
        return False
    named = kept.document.get("Tag")
    names = {each.get("name") for each in named if isinstance(each, dict)} if isinstance(named, list) else set()
    return bool(names & set(tags)) or (campaigns and kept.campaign_id is not None)
