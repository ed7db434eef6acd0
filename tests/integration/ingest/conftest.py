"""What only a process that may mount can show is collected only there."""

from pathlib import Path

CAP_SYS_ADMIN = 21


def _may_mount() -> bool:
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith("CapEff:"):
            return bool(int(row.split()[1], 16) >> CAP_SYS_ADMIN & 1)
    return False


collect_ignore = [] if _may_mount() else ["test_full_disk.py"]
