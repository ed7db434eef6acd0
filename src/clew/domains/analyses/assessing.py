"""Who words an assessment: the template, or a language model whose answer is checked against the facts.

A model only words the summary. Findings, actions and limits are always the template's, so whatever a model was talked
into by what attackers wrote, it cannot change them; and a summary that says more than the facts is not shown: the
template's stands in its place, with the reason.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from clew.domains.analyses import wording
from clew.domains.analyses.checking import RefusedTextError, check
from clew.domains.analyses.facts import Facts, Group
from clew.domains.analyses.language_model import Answer, LanguageModel, ModelFailedError, Prompt
from clew.kernel.cache.keys import PROMPT
from clew.kernel.cache.port import Cache, CacheUnavailableError

PROMPT_VERSION: Final = "summary-prompt-v1"
TEMPLATE: Final = "template"
MODEL: Final = "model"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The text of an analysis. `fallback_reason`: why the template words it although a model was asked."""

    summary: str
    findings: tuple[str, ...]
    actions: tuple[wording.Action, ...]
    limits: str
    written_by: str = TEMPLATE
    template_version: str = wording.VERSION
    model: str | None = None
    prompt_version: str | None = None
    prompt_hash: str | None = None
    fallback_reason: str | None = None
    is_remembered: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with the whole as one text."""
        return asdict(self) | {"text": self.text}

    @property
    def text(self) -> str:
        """The whole, in paragraphs."""
        listed = "\n".join(f"- {each.text}" for each in self.actions)
        return "\n\n".join((self.summary, *self.findings, f"What can be done:\n{listed}", self.limits))


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes assessments. Without a model the template does; `note` records what asking a model cost."""

    model: LanguageModel | None = None
    cache: Cache | None = None
    note: Callable[[UUID, UUID | None, Answer], None] = lambda _organization, _user, _answer: None

    def write(self, facts: Facts, organization_id: UUID, user_id: UUID | None) -> Assessment:
        """The assessment of these facts. Whatever a model does, there is one."""
        plain = Assessment(
            wording.summary(facts), wording.findings(facts), wording.actions(facts), wording.limits(facts)
        )
        if self.model is None or not facts.communities:
            return plain
        prompt = prompt_of(facts, self.model.name)
        asked = asdict_shallow(plain) | {
            "model": self.model.name, "prompt_version": PROMPT_VERSION, "prompt_hash": prompt.hash,
        }  # fmt: skip
        key = PROMPT.key(organization_id=organization_id, hash=prompt.hash)
        remembered = self._remembered(key)
        if remembered is not None:
            try:
                summary = check(remembered, facts)
            except RefusedTextError:
                remembered = None
            else:
                return Assessment(**asked | {"summary": summary, "written_by": MODEL, "is_remembered": True})
        try:
            summary = self._asked(prompt, facts, organization_id, user_id)
        except (ModelFailedError, RefusedTextError) as error:
            return Assessment(**asked | {"fallback_reason": str(error)})
        self._remember(key, summary)
        return Assessment(**asked | {"summary": summary, "written_by": MODEL})

    def _asked(self, prompt: Prompt, facts: Facts, organization_id: UUID, user_id: UUID | None) -> str:
        if self.model is None:
            raise TypeError("a model is asked only where there is one")
        answer = self.model.ask(prompt)
        self.note(organization_id, user_id, answer)
        if answer.summary is None:
            raise ModelFailedError(answer.error or "the model did not answer")
        return check(answer.summary, facts)

    def _remembered(self, key: str) -> str | None:
        try:
            found = None if self.cache is None else self.cache.get(key)
            return None if found is None else found.decode()
        except (CacheUnavailableError, UnicodeDecodeError):
            return None

    def _remember(self, key: str, summary: str) -> None:
        if self.cache is None:
            return
        try:
            self.cache.put(key, summary.encode(), lifetime=PROMPT.span)
        except CacheUnavailableError:
            return


def asdict_shallow(assessment: Assessment) -> dict[str, Any]:
    """The fields of an assessment as they are."""
    return {name: getattr(assessment, name) for name in assessment.__slots__}


def prompt_of(facts: Facts, model: str) -> Prompt:
    """What a model is asked: the same facts give the same prompt, and with it the same hash.

    The fence is made of the facts themselves, so nobody who wrote some of them could know it.
    """
    document = orjson.dumps(_document(facts), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode("ascii")
    fence = f"=====FACTS-{hashlib.sha256(document.encode()).hexdigest()[:24]}====="
    system = wording.render("system-v1.jinja", fence=fence)
    user = wording.render("user-v1.jinja", fence=fence, facts=document)
    digest = hashlib.sha256(f"{PROMPT_VERSION}\0{model}\0{system}\0{user}".encode()).hexdigest()
    return Prompt(system, user, digest)


def _document(facts: Facts) -> dict[str, Any]:
    return {
        "depth": facts.depth,
        "whole_record": facts.whole,
        "sessions": facts.sessions,
        "sources": facts.sources,
        "groups": facts.communities,
        "campaigns": facts.campaigns,
        "values_too_common_to_link": facts.suppressed,
        "groups_told": [_group(each) for each in facts.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "number": group.number,
        "sources": group.sources,
        "sessions": group.sessions,
        "confidence": round(group.confidence, 2),
        "is_campaign": group.is_campaign,
        "first_seen": f"{group.first_seen:%Y-%m-%d %H:%M}",
        "last_seen": f"{group.last_seen:%Y-%m-%d %H:%M}",
        "scores": {name: round(score, 2) for name, score in group.scores.items()},
        "linked_because_they": [{"say": each.says, "score": round(each.score, 2)} for each in group.reasons],
        "addresses": group.addresses,
        "files": group.counts.get("hash", 0),
        "hosts": group.counts.get("domain", 0),
        "techniques": [{"id": each.id, "name": each.name, "commands": each.count} for each in group.techniques],
        "untrusted": {
            "hosts": _inert(group.domains),
            "files": _inert(group.hashes),
            "countries": _inert(group.countries),
            "networks": {_plain(name): count for name, count in group.networks},
            "feeds": {_plain(name): count for name, count in group.feeds},
            "known_as": [
                {"kind": each.kind, "name": _plain(each.name), "described": _plain(each.described or "")}
                for each in group.known
            ],
        },
    }


def _inert(values: tuple[str, ...]) -> list[str]:
    return [_plain(value) for value in values]


def _plain(value: str) -> str:
    """As it may be quoted, without the quotation marks."""
    return wording.quoted(value)[1:-1]
