"""Everything a user may set: one validated model, read from the environment, `clew.toml` and defaults, in that order.

`Settings` is also the source of the generated reference page, so every field carries the description shown there.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import platformdirs
from pydantic import ByteSize, Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from clew.kernel.errors import ConfigurationError
from clew.kernel.part_settings import PartSettings
from clew.kernel.setting_kinds import GIBIBYTE, KIBIBYTE, MEBIBYTE, AbsolutePath, PostgresqlUrl, SearchUrl, absolute

PREFIX = "CLEW_"
CONFIG_VARIABLE = "CLEW_CONFIG"
CONFIG_NAME = "clew.toml"


def _default_data_dir() -> Path:
    return Path(platformdirs.user_data_path("clew", appauthor=False))


class Settings(PartSettings):
    """The product's settings. Make one with `load_settings`, which also reads `clew.toml` and explains mistakes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    data_dir: AbsolutePath = Field(
        default_factory=_default_data_dir,
        description="Directory that holds the embedded database, its secrets and everything else the product keeps.",
    )
    database_url: PostgresqlUrl | None = Field(
        None,
        description="PostgreSQL 15 or newer that keeps the record. Unset: an embedded server in the data directory.",
    )
    database_admin_url: PostgresqlUrl | None = Field(
        None, description="Login that creates roles and migrates the schema. Unset: the same as database_url."
    )
    database_connect_seconds: int = Field(
        10, ge=1, le=600, description="Seconds to wait for a connection before the database counts as unavailable."
    )
    secret_file: AbsolutePath | None = Field(
        None,
        description="File with the installation's secret, 32 bytes or more, readable by its owner only. Unset: one is "
        "made in the data directory.",
    )
    audit_checkpoint_file: AbsolutePath | None = Field(
        None,
        description="File to which the signed checkpoints of the audit trail are appended, best on another disk or "
        "machine than the database. Unset: one in the data directory.",
    )
    pool_size: int = Field(20, ge=1, le=1000, description="Database connections kept open per role and process.")
    pool_overflow: int = Field(30, ge=0, le=1000, description="Connections allowed above pool_size at busy moments.")
    pool_wait_seconds: int = Field(30, ge=1, le=600, description="Seconds to wait for a free pooled connection.")
    embedded_shared_buffers_mb: int | None = Field(
        None,
        ge=16,
        le=262_144,
        description="Shared memory of the embedded server for its page cache, in MiB. Unset: an eighth of the "
        "machine's memory, at least 128 and at most 512.",
    )
    embedded_max_connections: int = Field(100, ge=10, le=5000, description="Connections the embedded server accepts.")
    embedded_start_seconds: int = Field(
        60, ge=1, le=86_400, description="Seconds to wait for the embedded server to start, crash recovery included."
    )
    embedded_fallback_dir: AbsolutePath = Field(
        Path("/var/lib/clew"),
        description="Where the embedded cluster is put if run by root with a data directory that the unprivileged "
        "server account cannot enter (such as one beneath /root).",
    )
    backup_dir: AbsolutePath | None = Field(
        None,
        description="Directory of backups to which the embedded server keeps adding its write-ahead log, best on "
        "another disk: then a restore can go to any second. Unset: a backup holds what was there when it was made.",
    )
    search: Literal["tantivy", "none"] = Field(
        "tantivy",
        description="What keeps the search view where search_url names no engine: Tantivy in the data directory. "
        "none: no search, whatever search_url says.",
    )
    search_url: SearchUrl | None = Field(
        None,
        description="Elasticsearch (7.10 to 9) or OpenSearch (1 to 3) that keeps the search view, as "
        "https://user:password@host:9200/prefix, with a prefix for each installation. Unset: what search says.",
    )
    search_api_key: SecretStr | None = Field(
        None, description="API key for the search engine, in the place of a login in search_url: encoded, or id:secret."
    )
    search_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that the search engine's one is checked against. Unset: the system's."
    )
    search_timeout_seconds: int = Field(30, ge=1, le=600, description="Seconds to wait for an answer of it.")
    search_shards: dict[str, Annotated[int, Field(ge=1, le=1024)]] = Field(
        {"attacks": 5},
        description="Parts into which the search engine divides what it holds, by index, as a JSON object; 1 for what "
        "is not named. Counts from the next rebuild on.",
    )
    search_archive: str | None = Field(
        None,
        pattern=r"^[a-z0-9_-]{1,60}$",
        description="Snapshot repository of the search engine to which old daily indices go before they are deleted. "
        "Unset: they stay.",
    )
    search_archive_days: int = Field(
        365, ge=31, le=36_500, description="Days after which a daily index of the search engine is archived."
    )
    search_replicas: int = Field(
        1, ge=0, le=16, description="Further copies that the search engine keeps on other machines of its own."
    )
    search_writer_mb: int = Field(
        128, ge=32, le=16_384, description="Memory in MiB that writing the search view may take before it is flushed."
    )
    feed_maximum_changes: int = Field(
        10_000_000,
        ge=1000,
        description="Changes kept for views that lag behind. A view that lags further is rebuilt instead.",
    )
    feed_unfollowed_changes: int = Field(
        1_000_000,
        ge=1000,
        description="Changes kept for a view that nobody has brought up to date for an hour. Lagging further, it is "
        "rebuilt when it is next asked.",
    )
    partitions_ahead_months: int = Field(3, ge=1, le=24, description="Months for which partitions are made ahead.")
    job_workers: int = Field(4, ge=1, le=64, description="Jobs (such as loads) that a server works on at once.")
    job_lost_seconds: int = Field(
        20,
        ge=10,
        le=3600,
        description="Seconds without a sign of life after which a job's runner counts as dead and another takes over.",
    )
    upload_maximum_bytes: ByteSize = Field(
        ByteSize(64 * GIBIBYTE), ge=KIBIBYTE, description="Largest file that is taken as an upload."
    )
    upload_maximum_open: int = Field(
        100, ge=1, le=100_000, description="Unfinished uploads that an organization may have at once."
    )
    upload_keep_free_bytes: ByteSize = Field(
        ByteSize(GIBIBYTE), ge=0, description="Space on the disk that uploads leave free."
    )
    upload_expiry_hours: int = Field(
        48, ge=1, le=8760, description="Hours after which an upload that nobody continues is given up."
    )
    upload_slow_seconds: int = Field(
        30,
        ge=1,
        le=3600,
        description="Seconds in which at least 16 KiB of an upload have to arrive; slower requests are ended.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity of the log lines written to standard error."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people (text) or machines (json).")
    password_minimum_length: int = Field(12, ge=8, le=128, description="Fewest characters of a password.")
    breached_passwords: AbsolutePath | None = Field(
        None,
        description="File of passwords that are refused: one per line, or SHA-1 digests as Have I Been Pwned lists "
        "them (fast if sorted by digest).",
    )
    argon2_memory_kib: int = Field(65_536, ge=8, le=4_194_304, description="Memory in KiB to hash a password with.")
    argon2_passes: int = Field(3, ge=1, le=100, description="Passes over that memory.")
    sign_in_free_failures: int = Field(
        5, ge=1, le=100, description="Failed sign-ins to an account before each further one makes it wait longer."
    )
    sign_in_longest_wait_seconds: int = Field(900, ge=1, le=86_400, description="Longest wait after a failed sign-in.")
    session_idle_seconds: int = Field(3600, ge=60, le=604_800, description="Seconds without use that end a session.")
    session_absolute_seconds: int = Field(
        86_400, ge=300, le=2_592_000, description="Seconds after which a session ends however it is used."
    )
    access_token_seconds: int = Field(300, ge=30, le=3600, description="Seconds for which an access token is taken.")
    signing_key_days: int = Field(30, ge=1, le=365, description="Days after which access tokens get a new signing key.")
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="Address under which people reach Clew: links in mails begin with it, and tokens name it.",
    )
    api_threads: int = Field(
        16, ge=1, le=1000, description="Requests that the server works on at once; more wait for their turn."
    )
    api_tokens_by_password: bool = Field(
        default=True,
        description="Whether POST /api/v1/tokens hands tokens out for name and password (and code). Where people use "
        "pages and programs have API keys, nothing needs it.",
    )
    api_cors_origins: str = Field(
        "",
        description="Origins, separated by commas, whose pages may read the API's answers in a browser (with an API "
        "key or access token; never with the session's cookie). Empty: none.",
    )
    api_trusted_proxies: str = Field(
        "",
        description="Addresses or networks, separated by commas, of proxies in front of the server that are believed "
        "about who calls (X-Forwarded-For, X-Forwarded-Proto). Empty: none.",
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token with which /metrics can be read from elsewhere. Unset: from this machine only."
    )
    ready_lag_seconds: int = Field(
        300, ge=1, le=86_400, description="Lag of a view, in seconds, from which on /readyz says that all is not well."
    )
    limit_caller_per_minute: int = Field(
        1200,
        ge=0,
        le=1_000_000,
        description="Requests a minute that a user or API key may send to one route of the API; 0: no limit.",
    )
    limit_address_per_hour: int = Field(
        2000,
        ge=0,
        le=1_000_000,
        description="Requests an hour that an address may send to one route without credentials; 0: no limit.",
    )
    limit_everybody_per_minute: int = Field(
        120_000,
        ge=0,
        le=1_000_000,
        description="Requests a minute that are taken from everybody together; 0: no limit.",
    )
    invitation_hours: int = Field(72, ge=1, le=720, description="Hours for which an invitation can be accepted.")
    password_reset_minutes: int = Field(60, ge=5, le=1440, description="Minutes for which a reset link works.")
    smtp_host: str | None = Field(None, description="Mail server that sends links. Unset: links are printed.")
    smtp_port: int = Field(587, ge=1, le=65_535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls"] = Field(
        "starttls", description="How the connection to the mail server is encrypted; its certificate is always checked."
    )
    smtp_username: str | None = Field(None, description="Login at the mail server; unset: none.")
    smtp_password: SecretStr | None = Field(None, description="Password of that login.")
    smtp_from: str = Field("clew@localhost", description="Sender of mails.")
    smtp_ca_file: AbsolutePath | None = Field(
        None, description="Certificates that the mail server's one is checked against. Unset: the system's."
    )
    default_region: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}$",
        description="Two-letter region (such as DE) assumed for telephone numbers written without a country code.",
    )
    network_tables: tuple[AbsolutePath, ...] = Field(
        (),
        description="MaxMind DB files (.mmdb) that tell of an address its autonomous system or its country, for "
        "analyses; as a JSON list of paths. Unset: analyses do without.",
    )
    threat_feeds: AbsolutePath | None = Field(
        None,
        description="Directory of threat feeds for analyses: text files, an address or network a line, each called by "
        "its file's name. Unset: none.",
    )
    campaign_dormant_days: int = Field(
        7, ge=1, le=3650, description="Days without a session of it after which a campaign counts as dormant."
    )
    campaign_concluded_days: int = Field(
        30, ge=1, le=3650, description="Days without a session of it after which a campaign counts as concluded."
    )
    batch_bytes: ByteSize = Field(
        ByteSize(16 * MEBIBYTE), ge=64 * KIBIBYTE, description="Input bytes loaded in one batch; bounds the memory."
    )
    max_record_bytes: ByteSize = Field(
        ByteSize(16 * MEBIBYTE),
        ge=KIBIBYTE,
        description="Longest single record (log line); longer ones are rejected.",
    )
    max_document_bytes: ByteSize = Field(
        ByteSize(256 * MEBIBYTE), ge=KIBIBYTE, description="Largest file that has to be read as one document."
    )
    max_archive_depth: int = Field(3, ge=0, le=32, description="How deep archives within archives are opened.")
    max_archive_ratio: int = Field(
        200, ge=2, description="Largest ratio of unpacked to packed bytes before an archive counts as a bomb."
    )
    max_archive_bytes: ByteSize = Field(
        ByteSize(64 * GIBIBYTE), ge=MEBIBYTE, description="Largest total of unpacked bytes taken from one archive."
    )
    max_archive_members: int = Field(100_000, ge=1, description="Largest number of files taken from one archive.")


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One line of the reference: `default` and `type` are written as a user would write them."""

    name: str
    environment: str
    type: str
    default: str
    description: str


def load_settings(**overrides: object) -> Settings:
    """The settings in force: `overrides`, then the environment, then `clew.toml`, then defaults.

    Raises ConfigurationError naming the variable or file, what is wrong with it and what would be right.
    """
    from_file = _read_config(file := _config_file(overrides))
    environment = {name.upper() for name in os.environ if os.environ[name]}
    values = {key: value for key, value in from_file.items() if (PREFIX + key).upper() not in environment}
    values |= overrides
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _explained(error, file, overrides, environment) from None


def describe_settings() -> Iterator[SettingDescription]:
    """Every setting, in the order of the model, for the generated reference."""
    for name, field in Settings.model_fields.items():
        default = "platform data directory" if field.default_factory else _written(field.default)
        kind = _type_name(field.annotation)
        yield SettingDescription(name, (PREFIX + name).upper(), kind, default, field.description or "")


def unknown_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """`CLEW_*` variables that no setting answers to, each with the nearest one that exists, for `clew doctor`."""
    known = [(PREFIX + name).upper() for name in Settings.model_fields] + [CONFIG_VARIABLE]
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield name, next(iter(difflib.get_close_matches(name.upper(), known, n=1)), None)


def _config_file(overrides: Mapping[str, object]) -> Path:
    explicit = os.environ.get(CONFIG_VARIABLE)
    if explicit:
        path = absolute(Path(explicit))
        if not path.is_file():
            raise ConfigurationError(
                "this file does not exist", where=f"{CONFIG_VARIABLE}={path}", remedy="correct the path"
            )
        return path
    data_dir = overrides.get("data_dir") or os.environ.get("CLEW_DATA_DIR") or _default_data_dir()
    return absolute(Path(str(data_dir))) / CONFIG_NAME


def _read_config(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"not valid TOML: {error}", where=str(path), remedy="correct that line") from error
    except OSError as error:
        raise ConfigurationError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="check its mode"
        ) from error
    for key in values:
        _refuse_unknown(key, path)
    if "data_dir" in values and not os.environ.get(CONFIG_VARIABLE):
        raise ConfigurationError(
            "data_dir cannot be set by a file inside the data directory",
            where=str(path),
            remedy=f"set CLEW_DATA_DIR, or name this file in {CONFIG_VARIABLE}",
        )
    return values


def _refuse_unknown(key: str, where: Path) -> None:
    if key in Settings.model_fields:
        return
    nearest = difflib.get_close_matches(key, Settings.model_fields, n=1, cutoff=0.0)
    raise ConfigurationError(f"unknown setting {key!r}", where=str(where), remedy=f"did you mean {nearest[0]!r}?")


def _explained(
    error: ValidationError, file: Path, overrides: Mapping[str, object], environment: set[str]
) -> ConfigurationError:
    # Neither pydantic's own text nor its inputs are shown: they could hold a database password.
    problems, places = [], []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(problem["loc"][0])
        variable = (PREFIX + name).upper()
        places.append(name if name in overrides else variable if variable in environment else f"{file}, {name}")
        problems.append(problem["msg"].removeprefix("Value error, "))
    return ConfigurationError("; ".join(problems), where="; ".join(places), remedy="correct the value or remove it")


def _written(default: object) -> str:
    if default is None:
        return "unset"
    return default.human_readable() if isinstance(default, ByteSize) else str(default)


def _type_name(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(annotation))
    members = [_type_name(member) for member in get_args(annotation) if member is not type(None)]
    if members and get_origin(annotation) is not Annotated:
        return " | ".join(members)
    if annotation is SecretStr:
        return "secret text"
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    names = {ByteSize: "size", SecretStr: "secret URL", Path: "path", str: "text", int: "whole number"}
    return names.get(plain, getattr(plain, "__name__", str(plain)))
