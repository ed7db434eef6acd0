"""Structured logs to standard error, as text for people or JSON lines for machines; secrets do not get that far."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final, TextIO

import structlog
from pydantic import SecretBytes, SecretStr

from clew.kernel.settings import Settings

HIDDEN = "********"
SECRET_NAMES = re.compile(
    r"passw|secret|token|credential|api_?key|private_?key|authorization|cookie|dsn|^(pin|otp)$|database_(admin_)?url",
    re.IGNORECASE,
)
# The password of a URL, wherever in a text it stands; it ends at the last @ before the host.
URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]*(?=@)", re.IGNORECASE)
KEYWORD_PASSWORD = re.compile(r"(\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)

_NUMBERS: Final = (int, float)
_SECRETS: Final = (SecretStr, SecretBytes)
_LISTS: Final = (list, tuple, set, frozenset)


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send the product's and its libraries' log lines of at least `log_level` to `stream` (standard error).

    Call once, at the start of an entry point. May be called again.
    """
    target = stream if stream is not None else sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                _renderer(settings, target),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `logger(__name__).info("file loaded", file=…, records=…)`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def hide_secrets(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values whose name or type says that they are secret, and passwords within URLs, at any depth."""
    return {key: _hidden(key, value) for key, value in event.items()}


def _hidden(name: object, value: Any) -> Any:
    # Every request writes a line: what most values are comes first, and an expression is tried only where it may fit.
    if isinstance(name, str) and _is_secret(name):
        return HIDDEN
    if isinstance(value, str):
        if "://" in value:
            value = URL_PASSWORD.sub(rf"\1{HIDDEN}", value)
        return KEYWORD_PASSWORD.sub(rf"\1{HIDDEN}", value) if "=" in value else value
    if value is None or isinstance(value, _NUMBERS):
        return value
    if isinstance(value, _SECRETS):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _hidden(key, inner) for key, inner in value.items()}
    if isinstance(value, _LISTS):
        return [_hidden(None, inner) for inner in value]
    return _hidden(None, str(value))


@lru_cache(maxsize=1_024)
def _is_secret(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None


def _renderer(settings: Settings, target: TextIO) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback)
