"""The text of an analysis as templates word it: a summary, a finding for each group, and what can be done.

Templates are versioned by their names. What is said is in `facts`, how is here; what can be done follows from fixed
rules, whoever words the summary. Values that others chose come in double quotes, as printable ASCII and not longer than
a line, so that they can neither end the quotation nor look like a sentence of ours.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from clew.domains.analyses.facts import Facts, Group

VERSION: Final = "assessment-v1"
LONGEST_VALUE: Final = 80


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done: `code` is stable, `group` counts from 1 (None: of the whole)."""

    code: str
    group: int | None
    text: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"code": self.code, "group": self.group, "text": self.text}


def summary(facts: Facts) -> str:
    """What was found, in two sentences."""
    return _environment().get_template("summary-v1.jinja").render(facts=facts).strip()


def findings(facts: Facts) -> tuple[str, ...]:
    """A paragraph for each group, and how many there are besides."""
    template = _environment().get_template("finding-v1.jinja")
    told = [template.render(group=group).strip() for group in facts.groups]
    more = facts.communities - len(facts.groups)
    if more:
        told.append(f"{_counted(more, 'further group is', 'further groups are')} in the result.")
    return tuple(told)


def actions(facts: Facts) -> tuple[Action, ...]:
    """What can be done, by fixed rules from counts alone."""
    found = [action for group in facts.groups if group.is_campaign for action in _of_group(group)]
    return tuple(found) or (Action("none", None, "Nothing follows from this analysis alone."),)


def limits(facts: Facts) -> str:
    """What the reader should know of how far this goes."""
    left_out = _counted(facts.suppressed, "value was", "values were")
    return (
        f"Looked at with depth {facts.depth}. Confidence is a probability by the model, not a finding of who it was; "
        f"{left_out} left out as so common that they link nobody."
    )


def quoted(text: str) -> str:
    """A value that others chose, for a text of ours."""
    plain = "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in text)
    return f'"{plain if len(plain) <= LONGEST_VALUE else plain[: LONGEST_VALUE - 1] + "~"}"'


def render(name: str, **values: Any) -> str:
    """A template of this package."""
    return _environment().get_template(name).render(**values).strip()


def _of_group(group: Group) -> list[Action]:
    number = group.number
    of = f"of group {number}"
    found = [
        Action("watch_sources", number, f"Watch for the {_counted(group.sources, 'source', 'sources')} {of} elsewhere.")
    ]
    hashes, domains = group.counts.get("hash", 0), group.counts.get("domain", 0)
    if hashes:
        text = f"Search own machines for the {_counted(hashes, 'file', 'files')} {of}."
        found.append(Action("search_files", number, text))
    if domains:
        text = f"Search own name look-ups for the {_counted(domains, 'host', 'hosts')} {of}."
        found.append(Action("search_hosts", number, text))
    return found


@cache
def _environment() -> Environment:
    # No HTML is made here; whoever shows the text escapes it.
    made = Environment(
        loader=PackageLoader("clew.domains.analyses"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
    )
    made.filters |= {"counted": _counted, "quoted": quoted, "moment": _moment}
    return made


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
