"""What Python merges within a batch, PostgreSQL merges between batches: both decide alike."""

import hashlib
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import psycopg
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from clew.kernel.database import Database
from clew.ontology.attack_types import ATTACK_TYPES
from clew.records.attack_sessions import summarize
from clew.records.batch import EVENTS
from clew.records.observed import Observed, merge_observed, plain_numbers

NUMBERS = st.sampled_from([0, -0.0, 1, 1.0, 1e5, 100000, 9.5, 1e-7, 1e16, 1e22, 1.5e300, -1, -0.5]) | st.floats(
    allow_nan=False, allow_infinity=False
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda members: st.lists(members, max_size=3) | st.dictionaries(TEXTS, members, max_size=3),
    max_leaves=6,
)
SAID = st.dictionaries(st.sampled_from(["p", "q", "ä"]), st.tuples(VALUES, st.none() | st.integers(-2, 2)), max_size=3)
MANY = settings(max_examples=150, deadline=None, phases=[Phase.explicit, Phase.generate])


def observed(said: dict[str, tuple[Any, int | None]]) -> Observed:
    values = {key: plain_numbers(value) for key, (value, _) in said.items()}
    return values, {key: seen for key, (_, seen) in said.items() if seen is not None}


def arguments(side: Observed) -> tuple[str, str]:
    """Properties and metadata, as the loader stages them."""
    return orjson.dumps(side[0]).decode(), orjson.dumps({"observed": side[1]} if side[1] else {}).decode()


def merged_by_database(connection: psycopg.Connection[Any], one: Observed, other: Observed) -> Any:
    query = "SELECT merge_observed(%s, %s, %s, %s)::text"
    row = connection.execute(query, (*arguments(one), *arguments(other))).fetchone()
    assert row
    return row[0]


def as_jsonb(connection: psycopg.Connection[Any], merged: Observed) -> Any:
    text = orjson.dumps({"properties": merged[0], "observed": merged[1]}).decode()
    row = connection.execute("SELECT %s::jsonb::text", (text,)).fetchone()
    assert row
    return row[0]


def test_properties_merge_alike(database: Database) -> None:
    with database.connect_raw() as connection:

        @MANY
        @given(one=SAID, other=SAID)
        def alike(one: dict[str, Any], other: dict[str, Any]) -> None:
            sides = observed(one), observed(other)
            by_python = as_jsonb(connection, merge_observed(*sides))
            assert merged_by_database(connection, *sides) == by_python
            assert merged_by_database(connection, *reversed(sides)) == by_python

        alike()


def test_what_is_held_already_is_what_merging_would_not_change(database: Database) -> None:
    with database.connect_raw() as connection:

        @MANY
        @given(one=SAID, other=SAID)
        def sound(one: dict[str, Any], other: dict[str, Any]) -> None:
            old, new = observed(one), observed(other)
            query = "SELECT holds_observed(%s, %s, %s, %s)"
            row = connection.execute(query, (*arguments(old), *arguments(new))).fetchone()
            assert row
            if row[0]:
                assert merged_by_database(connection, old, new) == as_jsonb(connection, old)

        sound()


def test_attack_types_have_one_order(database: Database) -> None:
    with database.connect_raw() as connection:
        for rank, weaker in enumerate(ATTACK_TYPES):
            for stronger in ATTACK_TYPES[rank:]:
                for pair in ((weaker, stronger), (stronger, weaker), (None, stronger), (stronger, None)):
                    row = connection.execute("SELECT stronger_attack(%s, %s)", pair).fetchone()
                    assert row == (stronger,)


def test_activities_merge_alike(database: Database) -> None:
    chance = random.Random(4)
    noon = datetime(2025, 3, 9, 12, tzinfo=UTC)
    texts = ["id", 'say "hi"', "a\nb", "tab\t\\", "ä😀", "\x1b[0m\x7f\u2028", ""]
    rows = [
        {
            "record": number,
            "id": f"{chance.getrandbits(128):032x}",
            "occurred_at": noon + timedelta(microseconds=chance.randrange(5)),
            "kind": "k",
            "session_id": "s",
            "payload": chance.choice([*texts, None]),
            "login_failures": 0,
            "login_successes": 0,
        }
        for number in range(60)
    ]
    whole = summarize(pl.DataFrame(rows, schema=EVENTS)).row(0, named=True)
    query = (
        "SELECT merged, activity_text(merged), encode(sha256(convert_to(activity_text(merged), 'UTF8')), 'hex')"
        " FROM merge_activity(%s, %s) AS merged"
    )
    with database.connect_raw() as connection:
        for _ in range(10):
            chance.shuffle(rows)
            cut = chance.randrange(61)
            # Both parts hold some events: what is in both is there once.
            sides = [
                summarize(pl.DataFrame(part, schema=EVENTS))["activity"].to_list() or [None]
                for part in (rows[: cut + 3], rows[cut:])
            ]
            row = connection.execute(query, (sides[0][0], sides[1][0])).fetchone()
            assert row
            assert row == (json.loads(whole["activity"]), whole["payload"], whole["payload_hash"])
    assert hashlib.sha256(whole["payload"].encode()).hexdigest() == whole["payload_hash"]
