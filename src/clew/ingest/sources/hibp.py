"""Have I Been Pwned: in which breaches and pastes an e-mail address appears, from answers of its API v3.

From excerpts of the documentation of API v3. /breachedaccount gives an array of breaches, by default truncated to
{"Name"}, in full with truncateResponse=false; /pasteaccount an array of pastes (Source, Id, Title, Date, EmailCount);
/breach and /breaches the same full model without regard to anybody. IsMalware, IsStealerLog and IsSubscriptionFree
came later.

No answer holds the address it is about. It is taken, in this order, from the setting `email`; from an object around the
arrays: {"email" or "account": …, "breaches": […], "pastes": […]}, or {"<address>": […]} with one member for each; from
the file's name: the address alone or after hibp, haveibeenpwned, breaches, breachedaccount, pastes or pasteaccount, or
before one of them ("hibp_<address>.json", "<address>_breaches.json", %40 for @). Truncated breaches and pastes without
an address say nothing of anybody and are rejected; full ones are kept as the catalogue of breaches, with a warning.

The search of a domain has two shapes. /breacheddomain gives {"alias": ["BreachName", …]}; the domain is the file's name
("example.com.json", "breacheddomain_example.com.json") or the setting `domain`. The report that the web page gives as
JSON is {"BreachSearchResults": [{Alias, DomainName, Breaches}], "PasteSearchResults": [{Alias, DomainName, Pastes}]},
as programs that read it expect it. Aliases may be in lower case although the mailbox is not.

Each breach or paste is one record: a document ("hibp:<Name>", "<source>:<Id>") that MENTIONS the address. Where the
breach has a domain, the document is ASSOCIATED_WITH it and the address REGISTERED_WITH it, unless the breach is made
up, a list of spam targets, or was gathered from victims of malware, who need have no account there. A breach was seen
when it happened, a paste when it was published; AddedDate and ModifiedDate are properties.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import unquote

import orjson

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_fields import integer_of, objects_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.json_values import batch_rows, nested_rows, sample_objects, settle_rows
from clew.ingest.sources.record_facts import RecordFacts
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, required_text
from clew.ingest.sources.value_shapes import shape_of

CONFIDENCE: Final = {
    "verified": 0.9,  # the service checked that the breach is real
    "unverified": 0.5,
    "fabricated": 0.1,  # the service believes the data made up
    "unstated": 0.8,  # truncated: the address was found in it, how good it is was not asked
    "paste": 0.5,  # an address in a public paste; nobody checked
}
_ADDRESS: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,250}\.[^\s@.]{1,63}")
_ALIAS: Final = re.compile(r"[^\s@\x00-\x1f]{1,64}")
_LABEL: Final = "(?:hibp|haveibeenpwned|breaches|breachedaccount|breacheddomain|domainsearch|pastes|pasteaccount)"
_NAME: Final = re.compile(rf"(?:{_LABEL}[_ ]++)*+(.+?)(?:[_ ]++{_LABEL})*+(?: ?\(\d{{1,3}}\))?", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.(?:json|jsonl|txt)\Z|\?.*\Z", re.IGNORECASE)
_BREACH: Final = frozenset({"Name", "BreachDate", "PwnCount"})
_PASTE: Final = frozenset({"Source", "Id", "EmailCount"})
_FLAGS: Final = ("IsVerified", "IsFabricated", "IsSensitive", "IsRetired", "IsSpamList", "IsMalware", "IsStealerLog")
_NO_ACCOUNT: Final = ("IsFabricated", "IsSpamList", "IsMalware", "IsStealerLog")
_MEMBERS: Final = ("breaches", "Breaches", "pastes", "Pastes")
_REPORT: Final = {"BreachSearchResults": "Breaches", "PasteSearchResults": "Pastes"}
_OWNERS: Final = ("email", "Email", "account", "Account")
_CATALOGUE: Final = (
    "no e-mail address is given: read as a catalogue of breaches; name the file <address>.json to tie it"
)


@dataclass(frozen=True, slots=True)
class _Sighting:
    email: str | None
    row: ResultRow


class HibpSource:
    """Reads Have I Been Pwned's answers; see the module's docstring for shapes and meaning."""

    name: ClassVar[str] = "hibp"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "Have I Been Pwned API v3: breaches of an account (truncated, full), pastes, the search of a domain. The "
        "address or domain: in the file's name or around the answer. Times: BreachDate, Date (UTC)."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: the full models; truncated breaches only in a file named by an address."""
        sampled = sample_objects(sample)
        first = sampled.objects[0] if sampled.objects else {}
        named = email_of_file(sample.name) is not None
        if sampled.share(lambda values: _is_model(values) or _is_wrapper(values)) > 0.5:
            return Recognition(0.95, Framing.DOCUMENT, "json")
        if any(objects_of(first, key) for key in _REPORT):
            return Recognition(0.95, Framing.DOCUMENT, "json")
        if domain_of_file(sample.name) and first and all(_is_alias(key, value) for key, value in first.items()):
            return Recognition(0.9, Framing.DOCUMENT, "json")
        truncated = sampled.in_array and sampled.share(lambda values: values.keys() == {"Name"}) == 1.0
        if truncated:
            return Recognition(0.9 if named else 0.6, Framing.DOCUMENT, "json")
        of_addresses = [key for key in first if _ADDRESS.fullmatch(key) and objects_of(first, key)]
        if of_addresses and all(_is_model(item, brief=True) for key in of_addresses for item in objects_of(first, key)):
            return Recognition(0.9, Framing.DOCUMENT, "json")
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of a whole answer. Each breach or paste is one record."""
        builder = FactBuilder()
        email = context.options.get("email") or email_of_file(context.file_name)
        domain = context.options.get("domain") or domain_of_file(context.file_name)
        rows = batch_rows(batch, one_a_line=False)
        sightings = [found for row in rows for found in _sightings(row, email, domain)]
        emails = {number: sighting.email for number, sighting in enumerate(sightings)}

        def keep(record: int, row: ResultRow) -> None:
            _add(builder, record, row, emails[record])

        settle_rows(builder, [sighting.row for sighting in sightings], keep)
        return builder.facts()


def _is_model(values: dict[str, Any], *, brief: bool = False) -> bool:
    return values.keys() >= _BREACH or values.keys() >= _PASTE or (brief and values.keys() == {"Name"})


def _is_wrapper(values: dict[str, Any]) -> bool:
    rows = [row for key in _MEMBERS for row in objects_of(values, key)[:20]]
    owned = any(isinstance(values.get(key), str) and "@" in values[key] for key in _OWNERS)
    return bool(rows) and owned and all(_is_model(row, brief=True) for row in rows[:-1] or rows)


def email_of_file(name: str) -> str | None:
    """The address that a file is named by, as the module says."""
    stem = unquote(name, errors="strict") if "%" in name and name.isascii() and _decodes(name) else name
    while (shorter := _SUFFIX.sub("", stem)) != stem:
        stem = shorter
    match = _NAME.fullmatch(stem[:400])
    return match[1] if match and _ADDRESS.fullmatch(match[1]) else None


def domain_of_file(name: str) -> str | None:
    """The domain that a file is named by, likewise."""
    stem = name
    while (shorter := _SUFFIX.sub("", stem)) != stem:
        stem = shorter
    match = _NAME.fullmatch(stem[:400])
    return match[1].lower() if match and shape_of(match[1]) == "domain" else None


def _is_alias(key: str, value: object) -> bool:
    """Whether this is an alias of a domain with the names of its breaches."""
    return bool(_ALIAS.fullmatch(key)) and isinstance(value, list) and all(isinstance(each, str) for each in value)


def _decodes(name: str) -> bool:
    try:
        unquote(name, errors="strict")
    except UnicodeDecodeError:
        return False
    return True


def _sightings(row: ResultRow, email: str | None, domain: str | None) -> Iterator[_Sighting]:
    """The rows inside a row and whose they are: itself, or those of its arrays."""
    values = row.values
    if row.fault is None and any(isinstance(values.get(key), list) for key in _REPORT):
        yield from _of_report(row)
        return
    if row.fault is None and domain and values and all(_is_alias(key, value) for key, value in values.items()):
        for alias, names in values.items():
            for name in names:
                made = {"Name": name}
                yield _Sighting(f"{alias}@{domain}", ResultRow(row.line, made, orjson.dumps({alias: [name]})))
        return
    if row.fault is None and not _is_model(values):
        members = [key for key in _MEMBERS if isinstance(values.get(key), list)]
        owner = text_of(values, *_OWNERS)
        if members and (owner or "Name" not in values):
            yield from (_Sighting(owner or email, found) for key in members for found in nested_rows(row, key))
            return
        addresses = [key for key in values if _ADDRESS.fullmatch(key) and isinstance(values[key], list)]
        if addresses:
            yield from (_Sighting(key, found) for key in addresses for found in nested_rows(row, key))
            return
    yield _Sighting(email, row)


def _of_report(row: ResultRow) -> Iterator[_Sighting]:
    """The rows of a domain's report, each with the address that its alias and domain make."""
    for key, member in _REPORT.items():
        for found in nested_rows(row, key) if isinstance(row.values.get(key), list) else ():
            alias, domain = text_of(found.values, "Alias"), text_of(found.values, "DomainName")
            if found.fault is not None or not isinstance(found.values.get(member), list):
                yield _Sighting(None, found)
                continue
            address = f"{alias}@{domain}" if alias and domain else None
            yield from (_Sighting(address, each) for each in nested_rows(found, member))


def _add(builder: FactBuilder, record: int, row: ResultRow, email: str | None) -> None:
    if "Source" in row.values and "Id" in row.values:
        _add_paste(builder, record, row, email)
        return
    values = row.values
    name = required_text(row, "Name")
    if not email and not _is_model(values):
        raise _unowned(row)
    if not email:
        builder.warn(_CATALOGUE)
    builder.record(record, row.line, {**values, "email": email} if email else values)
    confidence = CONFIDENCE[_standing(values)]
    facts = RecordFacts(builder, record, confidence, utc_time_of(values, "BreachDate"))
    properties = {
        "kind": "breach",
        "title": text_of(values, "Title"),
        "accounts": integer_of(values, "PwnCount"),
        "data_classes": texts_of(values, "DataClasses", most=500),
        "added": text_of(values, "AddedDate"),
        "modified": text_of(values, "ModifiedDate"),
        "breach_date": text_of(values, "BreachDate"),
        **{_snake(flag): values[flag] for flag in _FLAGS if isinstance(values.get(flag), bool)},
    }
    breach = facts.entity(
        "document",
        text_of(values, "Title") or name,
        f"hibp:{name}",
        required=True,
        method="breach_index",
        properties=properties,
    )
    domain = _add_domain(facts, breach, values)
    if email:
        _add_email(facts, breach, email, domain, values)


def _add_domain(facts: RecordFacts, breach: Reference, values: dict[str, Any]) -> Reference | None:
    name = text_of(values, "Domain")
    if not name:
        return None
    domain = facts.entity("domain", name, method="breached_site")
    facts.relate(breach, "ASSOCIATED_WITH", domain)
    return domain


def _add_email(
    facts: RecordFacts, breach: Reference, email: str, domain: Reference | None, values: dict[str, Any]
) -> None:
    person = facts.entity("email", email, required=True, confidence=0.9, method="search_address")
    exposed = {"data_classes": texts_of(values, "DataClasses", most=500) or None}
    facts.relate(breach, "MENTIONS", person, properties=exposed)
    if domain and not any(values.get(flag) is True for flag in _NO_ACCOUNT):
        facts.relate(person, "REGISTERED_WITH", domain, properties={"breach": text_of(values, "Name")})


def _add_paste(builder: FactBuilder, record: int, row: ResultRow, email: str | None) -> None:
    values = row.values
    source, identifier = required_text(row, "Source"), required_text(row, "Id")
    if not email:
        raise _unowned(row)
    builder.record(record, row.line, {**values, "email": email})
    facts = RecordFacts(builder, record, CONFIDENCE["paste"], utc_time_of(values, "Date"))
    authority = re.sub(r"[\s:]+", "-", source.casefold())[:64]
    paste = facts.entity(
        "document",
        text_of(values, "Title") or f"{source} {identifier}",
        f"{authority}:{identifier}",
        required=True,
        method="paste_index",
        properties={"kind": "paste", "source": source, "addresses": integer_of(values, "EmailCount")},
    )
    person = facts.entity("email", email, required=True, confidence=0.9, method="search_address")
    facts.relate(paste, "MENTIONS", person)


def _unowned(row: ResultRow) -> RefusedRowError:
    return RefusedRowError(
        "missing_subject",
        f"line {row.line}: whose breaches these are is not said; name the file <address>.json and read it again",
    )


def _standing(values: dict[str, Any]) -> str:
    if values.get("IsFabricated") is True:
        return "fabricated"
    if "IsVerified" not in values:
        return "unstated"
    return "verified" if values["IsVerified"] is True else "unverified"


def _snake(flag: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", flag).lower()
