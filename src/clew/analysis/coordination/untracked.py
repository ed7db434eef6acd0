"""Daft, told to report nothing to anybody before it is imported. Nothing else imports it.

Daft reports its import and every run to its makers unless it is told not to, and Ray what it is used for.
"""

import os
from typing import Final

SILENCE: Final = {
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Environment of this process and of the workers of a cluster."""

os.environ.update(SILENCE)

import daft  # noqa: E402 - after it was silenced
from daft import functions  # noqa: E402

__all__ = ["SILENCE", "daft", "functions"]
