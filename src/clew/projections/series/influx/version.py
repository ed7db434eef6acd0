"""What is stored in InfluxDB, as a number: a copy of another one is made anew, and is not read."""

from typing import Final

SCHEMA_VERSION: Final = 2
