"""What the embedded server is configured with. Written before every start, so that settings take effect."""

import subprocess
from pathlib import Path

import psutil

from clew.kernel.embedded.archive import TIMEOUT_SECONDS, Archive
from clew.kernel.settings import Settings

CONFIGURATION_NAME = "clew.conf"
# Sockets only: initdb's lines for 127.0.0.1 and ::1 are left out. Replication is how base backups are taken.
HOST_BASED_ACCESS = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"


def server_configuration(
    settings: Settings, *, socket_directory: Path, log_directory: Path, wal_compression: str
) -> str:
    """Text of the file that postgresql.conf includes."""
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_directory),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": settings.embedded_max_connections,
        "shared_buffers": f"{settings.embedded_shared_buffers_mb or page_cache_mb()}MB",
        "huge_pages": "try",
        # Bulk loads: few checkpoints, so that few whole pages go into the log.
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "checkpoint_timeout": "15min",
        "wal_compression": wal_compression,
        # "Accepted" is said only of what is on disk.
        "fsync": "on",
        "synchronous_commit": "on",
        # Costs more than it saves on statements as short as ours.
        "jit": "off",
        "autovacuum_vacuum_scale_factor": 0.1,
        "autovacuum_analyze_scale_factor": 0.05,
        "autovacuum_vacuum_insert_scale_factor": 0.1,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": str(log_directory),
        "log_filename": "server-%Y%m%d-%H%M%S.log",
        "log_file_mode": "0600",
        "log_rotation_size": "10MB",
        "log_rotation_age": "0",
        "log_checkpoints": "off",
        # Statements and the details of errors hold the values of the record, which do not belong in a log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_line_prefix": "%m [%p] %u ",
    }
    if settings.backup_dir is not None:
        values |= {
            "archive_mode": "on",
            "archive_command": Archive(settings.backup_dir).archive_command(),
            "archive_timeout": TIMEOUT_SECONDS,
        }
    return "".join(f"{name} = '{quoted(str(value))}'\n" for name, value in values.items())


def page_cache_mb() -> int:
    """MiB of page cache that suit this machine. Memory is taken only as pages are touched.

    The keys of relationships arrive in random order: once what they touch outgrows the cache, every batch of a load
    writes out and reads back hundreds of MiB (docs/benchmarks.md), which is why the least is not enough for long.
    """
    return max(128, min(512, psutil.virtual_memory().total // (8 * 1024**2)))


def best_wal_compression(binaries: Path) -> str:
    """lz4 if this PostgreSQL was built with it. Its own pglz costs a bulk load more time than it saves."""
    built = subprocess.run(
        [str(binaries / "pg_config"), "--configure"], check=False, capture_output=True, text=True, cwd="/", timeout=30
    )
    return "lz4" if "--with-lz4" in built.stdout else "off"


def quoted(value: str) -> str:
    """A value as it stands between quotes in PostgreSQL's configuration."""
    return value.replace("\\", "\\\\").replace("'", "''")
