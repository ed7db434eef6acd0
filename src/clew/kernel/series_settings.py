"""Time series, as settings: a part of `clew.kernel.settings.Settings`."""

from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import BaseSettings

from clew.kernel.setting_kinds import AbsolutePath, InfluxUrl

RETENTION_DAYS: Final = {"raw": 90, "1m": 365, "1h": 1825, "1d": 3650}


class SeriesSettings(BaseSettings):
    """What is kept of measured values, for how long and where."""

    influxdb_url: InfluxUrl | None = Field(
        None,
        description="InfluxDB 1.x that series are kept in as well and read from, as "
        "https://user:password@host:8086/prefix, with a prefix for each installation. Unset: PostgreSQL alone.",
    )
    influxdb_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that InfluxDB's one is checked against. Unset: the system's."
    )
    influxdb_timeout_seconds: int = Field(30, ge=1, le=600, description="Seconds to wait for an answer of InfluxDB.")
    series_hot_days: int = Field(
        14, ge=1, le=3650, description="Days for which points stay in the database before they go to Parquet files."
    )
    series_retention_days: dict[str, Annotated[int, Field(ge=1, le=36_500)]] = Field(
        {},
        description="Days for which series are kept, by resolution (raw, 1m, 1h, 1d) or by measurement and resolution, "
        'as a JSON object such as {"raw": 30, "system_metrics.1m": 90}. Else raw 90, 1m 365, 1h 1825, 1d 3650.',
    )
    series_system_seconds: int = Field(
        15, ge=0, le=3600, description="Seconds between two points of the server's own system_metrics; 0 for none."
    )

    def retention_days(self, measurement: str, resolution: str) -> int:
        """How many days of a measurement are kept at a resolution."""
        given = self.series_retention_days
        named = given.get(f"{measurement}.{resolution}", given.get(resolution))
        return RETENTION_DAYS[resolution] if named is None else named
