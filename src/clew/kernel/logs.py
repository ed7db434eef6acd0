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
_UNCLEAR: Final = frozenset(" =\"'")
_LISTS: Final = (list, tuple, set, frozenset)


def configure_logs(settings: Settings, stream: TextIO | None = None) -> None:
    """Send the product's and its libraries' log lines of at least `log_level` to `stream` (standard error).

    Call once, at the start of an entry point. May be called again.
    """
    target = stream if stream is not None else sys.stderr
    renderer = _renderer(settings, target)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    finish: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, hide_secrets, renderer]
    handler = logging.StreamHandler(target) if stream is not None else _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    # It would tell of every address that was asked, with whatever secret is in its query.
    logging.getLogger("httpx2").setLevel(max(root.level, logging.WARNING))
    # The product's own lines do not go through the standard library's: that would double what each costs.
    structlog.configure(
        processors=[*shared, *finish],
        logger_factory=lambda *name: _Lines(handler, *name),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of a module: `logger(__name__).info("file loaded", file=…, records=…)`."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return bound


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is when it writes: whoever puts another in its place may close that one."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        """Standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """It stays what it is."""


class _Lines:
    """Where the lines of one logger end: in the stream of the libraries' lines, one at a time."""

    def __init__(self, handler: "logging.StreamHandler[TextIO]", name: str = "clew") -> None:
        self.name = name
        self._handler = handler

    def write(self, line: str) -> None:
        self._handler.acquire()
        try:
            self._handler.stream.write(f"{line}\n")
            self._handler.flush()
        finally:
            self._handler.release()

    debug = info = warning = error = critical = write


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
    if target.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return _plain


def _plain(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    """A line as terminals show it, without colours, at a third of what their renderer takes."""
    time, level, name = event.pop("timestamp", ""), event.pop("level", ""), event.pop("logger", "")
    text, exception = _word(event.pop("event", ""), spaces=True), event.pop("exception", None)
    values = " ".join([f"{key}={_word(event[key])}" for key in sorted(event)])
    line = f"{time} [{level:<9}] {text:<30} [{name}] {values}"
    return line if exception is None else f"{line}\n{exception}"


def _word(value: object, *, spaces: bool = False) -> str:
    """A value as one word; in quotes what is none, for nothing that is logged may look like another line."""
    text = value if isinstance(value, str) else str(value)
    plain = text.isprintable() and (spaces or not _UNCLEAR.intersection(text))
    return text if plain else repr(text)
