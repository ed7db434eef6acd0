"""Asks a language model: by the chat protocol that OpenAI-compatible servers speak, or by Ollama's own.

One question, one answer of JSON, within a time limit. Errors that pass (429, 5xx, a broken connection) are tried again
a few times with growing pauses; whatever happens, the result is an answer that says what came of it and what it cost.
The host is the operator's setting, so it may be one of the own network; redirections are not followed.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from clew.kernel.analysis_settings import AnalysisSettings
from clew.kernel.errors import ClewError
from clew.kernel.outbound import Outbound
from clew.kernel.outbound_settings import allowed_hosts

if TYPE_CHECKING:
    import httpx2

MOST_TRIES: Final = 3
MOST_BYTES: Final = 256 * 1024
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_PATHS: Final = {"openai": "/chat/completions", "ollama": "/api/chat"}


class ModelFailedError(Exception):
    """No usable answer came; the message says why."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked. `hash` names it: of its version, the model and both parts."""

    system: str
    user: str
    hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking. `summary` is None if nothing usable came, then `error` says why, as code and in words."""

    service: str
    model: str
    prompt_hash: str
    summary: str | None = None
    error_type: str | None = None
    error: str | None = None
    tries: int = 1
    milliseconds: float = 0.0
    request_bytes: int = 0
    response_bytes: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def is_limited(self) -> bool:
        """Whether the server said that it was asked too often."""
        return self.error_type == "http_429"


class _TryError(Exception):
    """One try that failed; `passes`: whether trying again may help, after at least `pause` seconds."""

    def __init__(self, kind: str, message: str, *, passes: bool = False, pause: float = 0.0, received: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.passes = passes
        self.pause = pause
        self.received = received


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model at an address. `sleep` and `monotonic` are replaced in tests of pauses."""

    settings: AnalysisSettings
    outbound: Outbound
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, settings: Any) -> "LanguageModel | None":
        """The model that the settings name; None if they name none."""
        if settings.assessment_url is None:
            return None
        outbound = Outbound.of(settings)
        timeout = settings.assessment_timeout_seconds
        return cls(
            settings,
            replace(
                outbound,
                allowed=(*outbound.allowed, *allowed_hosts(_host(settings.assessment_url))),
                maximum_bytes=MOST_BYTES,
                answer_seconds=timeout,
                total_seconds=timeout,
            ),
        )

    @property
    def name(self) -> str:
        """As requests name it."""
        return self.settings.assessment_model

    @property
    def service(self) -> str:
        """As costs are recorded under."""
        return f"assessment:{self.settings.assessment_protocol}"

    def ask(self, prompt: Prompt) -> Answer:
        """What the model says, within the time limit; never raises for what a server does."""
        began = self.monotonic()
        body = orjson.dumps(self._request(prompt))
        asked = Answer(self.service, self.name, prompt.hash, request_bytes=len(body))
        for tried in range(1, MOST_TRIES + 1):
            try:
                content = self._send(body)
                found = self._read(content, asked)
                return replace(found, tries=tried, milliseconds=1000 * (self.monotonic() - began))
            except _TryError as error:
                asked = replace(
                    asked, error_type=error.kind, error=error.message, tries=tried, response_bytes=error.received,
                    milliseconds=1000 * (self.monotonic() - began),
                )  # fmt: skip
                pause = max(error.pause, _pause(tried))
                left = self.settings.assessment_timeout_seconds - (self.monotonic() - began)
                if not error.passes or tried == MOST_TRIES or pause >= left:
                    break
                self.sleep(pause)
        return asked

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
        limit = self.settings.assessment_maximum_tokens
        if self.settings.assessment_protocol == "ollama":
            options = {"temperature": 0, "num_predict": limit, "seed": 0}
            return {"model": self.name, "messages": messages, "stream": False, "format": "json", "options": options}
        return {
            "model": self.name, "messages": messages, "temperature": 0, "max_tokens": limit,
            "response_format": {"type": "json_object"},
        }  # fmt: skip

    def _send(self, body: bytes) -> bytes:
        import httpx2  # noqa: PLC0415  only who asks needs it

        headers = {"Content-Type": "application/json"}
        if self.settings.assessment_api_key is not None:
            headers["Authorization"] = f"Bearer {self.settings.assessment_api_key.get_secret_value()}"
        address = (self.settings.assessment_url or "").rstrip("/") + _PATHS[self.settings.assessment_protocol]
        try:
            with self.outbound.client(headers=headers) as client:
                return _content(client.post(address, content=body))
        except httpx2.TimeoutException as error:
            raise _TryError("timeout", "the model did not answer in time") from error
        except httpx2.HTTPError as error:
            raise _TryError("connection", f"the model cannot be asked: {type(error).__name__}", passes=True) from error
        except ClewError as error:
            raise _TryError(error.code, f"the model cannot be asked: {error.message}") from error

    def _read(self, content: bytes, asked: Answer) -> Answer:
        try:
            told = orjson.loads(content)
            if self.settings.assessment_protocol == "ollama":
                text, counts = told["message"]["content"], (told.get("prompt_eval_count"), told.get("eval_count"))
            else:
                usage = told.get("usage") or {}
                text = told["choices"][0]["message"]["content"]
                counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            message = "the model's server does not answer as its protocol says"
            raise _TryError("unreadable", message, received=len(content)) from error
        given, made = (max(count, 0) if isinstance(count, int) else 0 for count in counts)
        cost = given * self.settings.assessment_input_price + made * self.settings.assessment_output_price
        paid = replace(
            asked, response_bytes=len(content), input_tokens=given, output_tokens=made, cost_usd=round(cost / 1e6, 6),
            error_type=None, error=None,
        )  # fmt: skip
        summary = _summary(text)
        if summary is None:
            return replace(paid, error_type="unusable", error="the model did not answer with a summary as JSON")
        return replace(paid, summary=summary)


def _content(response: "httpx2.Response") -> bytes:
    if response.status_code == 200:
        return response.content
    kind, message = f"http_{response.status_code}", f"the model's server answers {response.status_code}"
    passes = response.status_code in {408, 429, 500, 502, 503, 504}
    after = response.headers.get("Retry-After", "")
    pause = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else 0.0
    raise _TryError(kind, message, passes=passes, pause=pause, received=len(response.content))


def _summary(text: Any) -> str | None:
    try:
        told = orjson.loads(text)
    except (ValueError, TypeError):
        return None
    summary = told.get("summary") if isinstance(told, dict) else None
    return summary if isinstance(summary, str) and summary.strip() else None


def _pause(tried: int) -> float:
    return min(_FIRST_PAUSE * 2.0 ** (tried - 1), _LONGEST_PAUSE) * random.uniform(0.75, 1.0)  # noqa: S311


def _host(url: str) -> str:
    """Host and port of the operator's address, as lists of allowed hosts write them."""
    import ada_url  # noqa: PLC0415  loaded only where a model is set

    parsed = ada_url.URL(url)
    return f"{parsed.hostname}:{parsed.port or (443 if parsed.protocol == 'https:' else 80)}"
