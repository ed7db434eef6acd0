"""The SQL of series. Times cross as microseconds in stages and answers, as moments in conditions."""

# ruff: noqa: S608  what is put together here are the pieces of this file

from typing import Final

_US: Final = "(extract(epoch FROM {}) * 1000000)::bigint"
_HOUR: Final = _US.format("hour")
_DAY: Final = _US.format("day")
_PLACE: Final = "lpad(to_hex({}), 16, '0')"
_BLOCK_ID: Final = f"({_PLACE.format('number')} || {_PLACE.format(_US.format('at') + ' / 3600000000')})::uuid"
_DAY_ID: Final = f"({_PLACE.format('number')} || {_PLACE.format(_US.format('at') + ' / 86400000000')})::uuid"

SERIES_OF: Final = """
SELECT number, field, tags FROM series
WHERE organization_id = %(organization)s AND measurement = %(measurement)s
"""
NAME_SERIES: Final = """
INSERT INTO series (organization_id, id, number, measurement, field, tags)
VALUES (%(organization)s, %(id)s, %(number)s, %(measurement)s, %(field)s, %(tags)s)
ON CONFLICT DO NOTHING
"""
KNOWN_SERIES: Final = """
SELECT number FROM series WHERE organization_id = %(organization)s AND number = ANY(%(numbers)s::bigint[])
"""
ENSURE_PARTITIONS: Final = "SELECT ensure_partitions('series_blocks', %(months)s::date[])"
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clew series ' || %(organization)s::text, 0))"

_BLOCKS_IN: Final = f"""
SELECT series, {_HOUR}, {{}} FROM series_blocks
WHERE organization_id = %(organization)s AND measurement = %(measurement)s
  AND hour >= %(begin)s AND hour < %(end)s
  AND (%(series)s::bigint[] IS NULL OR series = ANY(%(series)s::bigint[]))
"""
BLOCKS_IN: Final = {name: _BLOCKS_IN.format(name) for name in ("points", "minutes")}
BLOCKS_OF: Final = f"""
SELECT series, {_HOUR}, points FROM series_blocks
JOIN unnest(%(series)s::bigint[], %(hours)s::timestamptz[]) AS wanted (number, at)
  ON series = number AND hour = at AND id = {_BLOCK_ID}
WHERE organization_id = %(organization)s AND measurement = %(measurement)s
"""
_DAYS_IN: Final = f"""
SELECT series, {_DAY}, {{}} FROM series_days
WHERE organization_id = %(organization)s AND measurement = %(measurement)s
  AND day >= %(begin)s AND day < %(end)s
  AND (%(series)s::bigint[] IS NULL OR series = ANY(%(series)s::bigint[]))
"""
DAYS_IN: Final = {name: _DAYS_IN.format(name) for name in ("hours", "hour_bins", "whole", "whole_bins")}
DAYS_OF: Final = f"""
SELECT series, {_DAY}, coalesce(hours, ''::bytea), coalesce(hour_bins, ''::bytea), whole, whole_bins FROM series_days
JOIN unnest(%(series)s::bigint[], %(days)s::timestamptz[]) AS wanted (number, at)
  ON id = {_DAY_ID}
WHERE organization_id = %(organization)s AND measurement = %(measurement)s
"""

STAGE_BLOCKS: Final = """
CREATE TEMP TABLE IF NOT EXISTS stage_series_blocks
    (series bigint, start bigint, count integer, points bytea, minutes bytea) ON COMMIT DELETE ROWS
"""
STAGE_DAYS: Final = """
CREATE TEMP TABLE IF NOT EXISTS stage_series_days
    (series bigint, start bigint, hours bytea, hour_bins bytea, whole bytea, whole_bins bytea) ON COMMIT DELETE ROWS
"""
MERGE_BLOCKS: Final = f"""
INSERT INTO series_blocks AS known
    (organization_id, id, hour, series, measurement, derived, removed, count, points, minutes)
SELECT %(organization)s, ({_PLACE.format("series")} || {_PLACE.format("start / 3600000000")})::uuid,
       to_timestamp(start / 1000000), series, %(measurement)s, %(derived)s, %(removed)s, count, points, minutes
FROM stage_series_blocks ORDER BY start, series
ON CONFLICT (organization_id, hour, id) DO UPDATE SET
    removed = known.removed OR excluded.removed, count = excluded.count, points = excluded.points,
    minutes = excluded.minutes, updated_at = now()
WHERE (known.points, known.minutes) IS DISTINCT FROM (excluded.points, excluded.minutes)
"""
MERGE_DAYS: Final = f"""
INSERT INTO series_days AS known
    (organization_id, id, day, series, measurement, derived, removed, hours, hour_bins, whole, whole_bins)
SELECT %(organization)s, ({_PLACE.format("series")} || {_PLACE.format("start / 86400000000")})::uuid,
       to_timestamp(start / 1000000), series, %(measurement)s, %(derived)s, %(removed)s,
       hours, hour_bins, whole, whole_bins
FROM stage_series_days ORDER BY start, series
ON CONFLICT (organization_id, id) DO UPDATE SET
    removed = known.removed OR excluded.removed, hours = excluded.hours, hour_bins = excluded.hour_bins,
    whole = excluded.whole, whole_bins = excluded.whole_bins, updated_at = now()
WHERE (known.hours, known.hour_bins, known.whole, known.whole_bins)
    IS DISTINCT FROM (excluded.hours, excluded.hour_bins, excluded.whole, excluded.whole_bins)
"""
DELETE_BLOCKS: Final = f"""
DELETE FROM series_blocks
USING unnest(%(series)s::bigint[], %(hours)s::timestamptz[]) AS gone (number, at)
WHERE organization_id = %(organization)s AND measurement = %(measurement)s AND hour = at
  AND id = {_BLOCK_ID}
"""
DELETE_DAYS: Final = f"""
DELETE FROM series_days
USING unnest(%(series)s::bigint[], %(days)s::timestamptz[]) AS gone (number, at)
WHERE organization_id = %(organization)s AND measurement = %(measurement)s
  AND id = {_DAY_ID}
"""
ARCHIVES: Final = f"""
SELECT {_DAY}, resolution, sha256::text, bytes, rows FROM series_archives
WHERE organization_id = %(organization)s AND measurement = %(measurement)s AND resolution = %(resolution)s
  AND day >= %(begin)s AND day < %(end)s ORDER BY day
"""
LIST_ARCHIVE: Final = """
INSERT INTO series_archives AS known (organization_id, measurement, day, resolution, sha256, bytes, rows)
VALUES (%(organization)s, %(measurement)s, to_timestamp(%(day)s::bigint / 1000000), %(resolution)s, %(sha256)s,
        %(bytes)s, %(rows)s)
ON CONFLICT (organization_id, measurement, day, resolution) DO UPDATE SET
    sha256 = excluded.sha256, bytes = excluded.bytes, rows = excluded.rows
"""
FORGET_ARCHIVE: Final = """
DELETE FROM series_archives WHERE organization_id = %(organization)s AND measurement = %(measurement)s
  AND day = to_timestamp(%(day)s::bigint / 1000000) AND resolution = %(resolution)s
"""
LISTED_FILES: Final = "SELECT sha256::text FROM series_archives WHERE organization_id = %(organization)s"

BLOCK_DAYS: Final = """
SELECT DISTINCT date_trunc('day', hour, 'UTC') FROM series_blocks
WHERE organization_id = %(organization)s AND measurement = %(measurement)s AND hour < %(before)s ORDER BY 1
"""
MOVE: Final = "SELECT set_config('app.series_are_moved', %(moved)s, true)"
DELETE_BLOCKS_IN: Final = """
DELETE FROM series_blocks WHERE organization_id = %(organization)s AND measurement = %(measurement)s
  AND hour >= %(begin)s AND hour < %(end)s
"""
TELL: Final = f"""
INSERT INTO changes (organization_id, table_name, operation, row_id)
SELECT %(organization)s, 'series_blocks', 'update', {_BLOCK_ID}
FROM unnest(%(series)s::bigint[], %(hours)s::timestamptz[]) AS told (number, at)
"""
FORGET_HOURS: Final = """
UPDATE series_days SET hours = NULL, hour_bins = NULL, removed = true, updated_at = now()
WHERE organization_id = %(organization)s AND measurement = %(measurement)s AND day < %(before)s AND hours IS NOT NULL
"""
FORGET_DAYS: Final = """
DELETE FROM series_days
WHERE organization_id = %(organization)s AND measurement = %(measurement)s AND day < %(before)s
"""
