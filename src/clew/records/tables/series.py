"""Measured values over time: which series there are, their points by the hour, their roll-ups by the day, old days.

A row holds many points: clew.records.series.layout says what is in the bytes, docs/explanation/series.md why.
"""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import flag, index, json_object, number, required, tenant_table

# A series is one field of one measurement under one set of tags; its number follows from them. Never edited.
series: Final = tenant_table(
    "series",
    sa.Column("number", sa.BigInteger, nullable=False),
    required("measurement"),
    required("field"),
    json_object("tags"),
    sa.UniqueConstraint("organization_id", "number"),
    index("measurement"),
    changing=False,
    bulk=True,
)

# The points of a series in an hour; the id says which both are. `derived`: counted from the record's own events, and
# written by the projector alone. `removed`: points were taken away since the block was made, not only added. `points`
# goes before the row does where retention keeps minutes longer; until then minutes are only kept where that pays.
series_blocks: Final = tenant_table(
    "series_blocks",
    sa.Column("hour", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("series", sa.BigInteger, nullable=False),
    required("measurement"),
    flag("derived", default=False),
    flag("removed", default=False),
    number("count", 0),
    sa.Column("points", sa.LargeBinary),
    sa.Column("minutes", sa.LargeBinary),
    index("measurement", "hour"),
    partition_by="hour",
    changing=True,
    bulk=True,
)

# The roll-ups of a series by the hour and of the day, each with the counts that percentiles are estimated from.
series_days: Final = tenant_table(
    "series_days",
    sa.Column("day", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("series", sa.BigInteger, nullable=False),
    required("measurement"),
    flag("derived", default=False),
    flag("removed", default=False),
    sa.Column("hours", sa.LargeBinary),
    sa.Column("hour_bins", sa.LargeBinary),
    sa.Column("whole", sa.LargeBinary, nullable=False),
    sa.Column("whole_bins", sa.LargeBinary, nullable=False),
    index("measurement", "day"),
    sa.Index("series_days_organization_id_idx", "organization_id", postgresql_where=sa.text("derived")),
    changing=True,
    bulk=True,
)

# Days whose points lie in files (Parquet): the manifest. A block of the same hour above takes precedence.
series_archives: Final = tenant_table(
    "series_archives",
    sa.Column("day", sa.TIMESTAMP(timezone=True), nullable=False),
    required("measurement"),
    required("resolution", "raw"),
    sa.Column("sha256", sa.CHAR(64), nullable=False),
    number("bytes", 0, big=True),
    number("rows", 0, big=True),
    sa.CheckConstraint("resolution = ANY (ARRAY['raw'::text, '1m'::text])", name="resolution"),
    sa.UniqueConstraint("organization_id", "measurement", "day", "resolution"),
    changing=False,
    bulk=True,
)
