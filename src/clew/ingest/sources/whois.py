"""Whois: registrations of domains, in the JSON of three common writers, and as the whois command prints it.

From excerpts of richardpenman/whois (python-whois 0.9) and the expected output of its tests: one flat object for each
domain, texts or lists of texts by registry, the registrant as name and org or as registrant_*, others as admin_* and
tech_*, dates as "2002-07-01 09:31:21" with or without offset. The labels of the registries' own output as keys
("Domain Name", "Registrant Organization", as `jc --kv` makes them of the whois command, where a repeated label keeps
its last value): read as the same, for python-whois names its keys after them. WhoisXML API: a `WhoisRecord` with
nested contacts and `registryData`, which fills what the registrar left out, the bulk service's `whoisRecords` and the
history's `records`. What the command prints is read by `whois_text`.

Each domain is one record; `registrations` says how it reads as facts. Whois marks nobody as an individual: a contact
without an organization is taken for a person. A contact's identity is its registry id, by itself where it carries the
registry's mark ("C123-LROR"), else scoped by the top-level domain. Addresses in `emails` belong to the registrar where
they are abuse@, else to the domain. Creation, update and expiry are properties; only WhoisXML says when it asked
(`audit`). A time without a zone is read in the zone set for the file, else as UTC, with a warning.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.json_fields import object_of, objects_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.json_values import batch_rows, nested_rows, sample_objects, settle_rows
from clew.ingest.sources.plain_text import decode_text
from clew.ingest.sources.record_facts import RecordFacts
from clew.ingest.sources.registrations import (
    CONFIDENCE,
    Contact,
    Registrar,
    Registration,
    Withheld,
    add_registration,
    handle_identity,
)
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow
from clew.ingest.sources.times import RecordTimes
from clew.ingest.sources.whois_text import is_whois_text, whois_text_rows

_ENVELOPES: Final = ("WhoisRecord", "whoisRecord", "whoisRecords", "records")
_XML_CONTACTS: Final = {
    "registrant": ("registrant", "registrantContact"),
    "administrative": ("administrativeContact",),
    "technical": ("technicalContact",),
    "billing": ("billingContact",),
}
_FLAT_CONTACTS: Final = {
    "registrant": "registrant",
    "administrative": "admin",
    "technical": "tech",
    "billing": "billing",
}
_DATES: Final = {
    "created": ("creation_date", "created", "created_on"),
    "updated": ("updated_date", "updated", "last_updated"),
    "expires": ("expiration_date", "registry_expiry_date", "registrar_registration_expiration_date", "expires"),
}
_XML_DATES: Final = {
    "created": ("createdDateISO8601", "createdDateNormalized", "createdDate"),
    "updated": ("updatedDateISO8601", "updatedDateNormalized", "updatedDate"),
    "expires": ("expiresDateISO8601", "expiresDateNormalized", "expiresDate"),
}
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ABUSE: Final = re.compile(r"abuse|.*complaint|compliance|whois", re.IGNORECASE)
_HOST: Final = re.compile(r"([^\s,;]+)(?:[\s,;]+.*)?", re.DOTALL)  # some registries write the addresses behind the name
_MOST: Final = 200


class WhoisSource:
    """Reads whois answers as JSON; see the module's docstring for shapes and meaning."""

    name: ClassVar[str] = "whois"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "Whois of domains: what the whois command prints; JSON of python-whois, jc --kv (the same labels) and "
        "WhoisXML API. Times: as given, else UTC."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: a domain's name with its registrar, dates and servers, flat or inside an envelope."""
        sampled = sample_objects(sample)
        if not sampled.objects and is_whois_text(decode_text(sample.head)):
            return Recognition(0.85, Framing.DOCUMENT, "text")
        if sampled.share(_is_whois) <= 0.5:
            return None
        wrapped = any(key in values for values in sampled.objects for key in _ENVELOPES)
        lines = sampled.one_a_line and not wrapped
        return Recognition(0.85, Framing.LINES if lines else Framing.DOCUMENT, "json-lines" if lines else "json")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines, or of a whole document. Each domain is one record."""
        builder, withheld, times = FactBuilder(), Withheld(), RecordTimes(context.timezone)
        lines = context.variant == "json-lines"
        text = context.variant == "text"
        rows = list(whois_text_rows(b"\n".join(batch.records))) if text else batch_rows(batch, one_a_line=lines)
        if text and not rows:
            builder.reject(0, 1, "missing_field", "line 1: it names no domain", b"\n".join(batch.records))
        if not lines and not text:
            rows = [found for row in rows for found in _unwrapped(row)]

        def keep(record: int, row: ResultRow) -> None:
            registration = _registration(row, times)
            builder.record(record, row.line, row.values)
            add_registration(
                RecordFacts(builder, record, CONFIDENCE["contact"], registration.seen), registration, withheld
            )

        settle_rows(builder, rows, keep, first_record=batch.first_record)
        for warning in (withheld.warning(), times.warning()):
            if warning:
                builder.warn(warning)
        return builder.facts()


def _is_whois(values: dict[str, Any]) -> bool:
    record = values
    for _ in range(3):
        inner = next((found[0] for key in _ENVELOPES if (found := objects_of(record, key, most=1))), None)
        if inner is None:
            break
        record = inner
    if isinstance(record.get("domainName"), str):
        return bool(record.keys() & {"registryData", "registrarName", "nameServers", "createdDate", "whoisServer"})
    known = _snake_keys(record)
    named = "domain_name" in known and isinstance(known["domain_name"], str | list | None)  # None: the domain is free
    return (
        named and len(known.keys() & {"registrar", "creation_date", "name_servers", "name_server", "whois_server"}) > 1
    )


def _unwrapped(row: ResultRow, depth: int = 0) -> Iterator[ResultRow]:
    """The rows inside envelopes; a row that is no envelope is itself."""
    keys = [key for key in _ENVELOPES if row.fault is None and isinstance(row.values.get(key), list | dict)]
    if not keys or depth >= 3:
        yield row
        return
    for key in keys:
        for found in nested_rows(row, key):
            yield from _unwrapped(found, depth + 1)


def _registration(row: ResultRow, times: RecordTimes) -> Registration:
    if isinstance(row.values.get("domainName"), str):
        return _xml_registration(row, times)
    if "WhoisRecord" in row.values and isinstance(object_of(row.values, "WhoisRecord").get("domainName"), str):
        inner = object_of(row.values, "WhoisRecord")
        return _xml_registration(ResultRow(row.line, inner, row.raw), times)
    values = _snake_keys(row.values)
    domain = next(iter(texts_of(values, "domain_name")), None)
    if domain is None:
        raise RefusedRowError(
            "missing_field", f"line {row.line}: no 'domain_name': the domain may be free, or no whois answer came"
        )
    loose = texts_of(values, "emails", most=_MOST)
    abuse = [email for email in loose if _ABUSE.match(email)]
    contacts = [_flat_contact(values, role, prefix, domain) for role, prefix in _FLAT_CONTACTS.items()]
    named = {email for contact in contacts for email in contact.emails}
    general = Contact("contact", emails=tuple(email for email in loose if email not in abuse and email not in named))
    return Registration(
        domain,
        _flat_registrar(values, abuse),
        (*contacts, general),
        _servers(texts_of(values, "name_servers", "name_server", "nserver", most=_MOST)),
        properties={
            **{name: _first_time(values, keys, times) for name, keys in _DATES.items()},
            "status": _states(texts_of(values, "status", "domain_status", most=50)),
            "dnssec": text_of(values, "dnssec"),
            "registry_handle": text_of(values, "domain__id", "registry_domain_id", "domain_id"),
            "whois_server": text_of(values, "whois_server", "registrar_whois_server"),
        },
    )


def _flat_registrar(values: dict[str, Any], abuse: list[str]) -> Registrar:
    return Registrar(
        text_of(values, "registrar", "registrar_name", "sponsoring_registrar"),
        text_of(values, "registrar_iana_id", "registrar_id", "registrar_iana"),
        tuple(abuse + texts_of(values, "registrar_abuse_contact_email", "registrar_email", most=_MOST)),
        tuple(texts_of(values, "registrar_abuse_contact_phone", "registrar_phone", most=_MOST)),
        {"url": text_of(values, "registrar_url", "referral_url")},
    )


def _flat_contact(values: dict[str, Any], role: str, prefix: str, domain: str) -> Contact:
    bare = role == "registrant"  # whose name, organization and place many registries give without saying whose
    return Contact(
        role,
        text_of(values, *(("name",) if bare else ()), f"{prefix}_name"),
        text_of(values, *(("org", "organization") if bare else ()), f"{prefix}_organization", f"{prefix}_org"),
        _identity(text_of(values, f"{prefix}_id", f"registry_{prefix}_id"), domain),
        emails=tuple(texts_of(values, f"{prefix}_email", most=_MOST)),
        phones=tuple(texts_of(values, f"{prefix}_phone", f"{prefix}_phone_number", most=_MOST)),
        properties=_flat_place(values, f"{prefix}_") | (_flat_place(values, "") if bare else {}),
    )


def _flat_place(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    place = {
        "street": ", ".join(texts_of(values, f"{prefix}address", f"{prefix}street", most=10)) or None,
        "city": text_of(values, f"{prefix}city"),
        "region": text_of(values, f"{prefix}state", f"{prefix}state_province"),
        "postal_code": text_of(values, f"{prefix}postal_code", f"{prefix}zipcode"),
        "country": text_of(values, f"{prefix}country"),
    }
    return {name: text for name, text in place.items() if text}


def _xml_registration(row: ResultRow, times: RecordTimes) -> Registration:
    values = row.values
    registry = object_of(values, "registryData")
    domain = text_of(values, "domainName")
    if domain is None:
        raise RefusedRowError("missing_field", f"line {row.line}: 'domainName' is blank")
    contacts = [_xml_contact(values, registry, role, keys) for role, keys in _XML_CONTACTS.items()]
    servers = [
        name
        for record in (values, registry)
        for name in texts_of(record, "nameServers", most=_MOST)
        + texts_of(object_of(record, "nameServers"), "hostNames", most=_MOST)
    ]
    states = " ".join(texts_of(values, "status", most=50) or texts_of(registry, "status", most=50))
    return Registration(
        domain,
        Registrar(
            text_of(values, "registrarName") or text_of(registry, "registrarName"),
            text_of(values, "registrarIANAID") or text_of(registry, "registrarIANAID"),
        ),
        (*contacts, _xml_general(values, contacts)),
        _servers(list(dict.fromkeys(servers))),
        seen=utc_time_of({**object_of(registry, "audit"), **object_of(values, "audit")}, "updatedDate", "createdDate"),
        properties={
            **{
                name: _first_time(values, keys, times) or _first_time(registry, keys, times)
                for name, keys in _XML_DATES.items()
            },
            "status": _states([word for word in re.split(r"[\s,;]+", states) if "://" not in word and word]),
            "registry_handle": text_of(registry, "registryDomainId"),
            "whois_server": text_of(values, "whoisServer") or text_of(registry, "whoisServer"),
        },
    )


def _xml_contact(values: dict[str, Any], registry: dict[str, Any], role: str, keys: tuple[str, ...]) -> Contact:
    sides = [object_of(side, key) for side in (values, registry) for key in keys]
    stated = next((side for side in sides if text_of(side, "name", "organization")), sides[0])
    place = {
        "street": ", ".join(texts_of(stated, "street", "street1", "street2", "street3", most=10)) or None,
        "city": text_of(stated, "city"),
        "region": text_of(stated, "state"),
        "postal_code": text_of(stated, "postalCode"),
        "country": text_of(stated, "country"),
    }
    return Contact(
        role,
        text_of(stated, "name"),
        text_of(stated, "organization"),
        emails=tuple(texts_of(stated, "email", most=_MOST)),
        phones=tuple(f"+{phone}" if phone.isdigit() else phone for phone in texts_of(stated, "telephone", most=_MOST)),
        properties={name: text for name, text in place.items() if text},
    )


def _xml_general(values: dict[str, Any], contacts: list[Contact]) -> Contact:
    named = {email.casefold() for contact in contacts for email in contact.emails}
    email = text_of(values, "contactEmail")
    return Contact("contact", emails=(email,) if email and email.casefold() not in named else ())


def _identity(handle: str | None, domain: str) -> str | None:
    suffix = re.sub(r"[^a-z0-9-]", "", domain.rstrip(".").rpartition(".")[2].casefold())[:40]
    return handle_identity(handle, f"whois-{suffix}" if suffix else None)


def _servers(names: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    hosts = (match[1] for name in names if (match := _HOST.fullmatch(name)))
    return tuple((host, ()) for host in dict.fromkeys(host.casefold().rstrip(".") for host in hosts) if host)


def _states(words: list[str]) -> list[str]:
    """EPP states without the explanation's address that registries write behind them."""
    return list(dict.fromkeys(word.partition(" ")[0] for word in words))


def _first_time(values: dict[str, Any], keys: tuple[str, ...], times: RecordTimes) -> str | None:
    """The date under the first key that has a readable one; of several, the last update and else the earliest."""
    for key in keys:
        moments = [moment for text in texts_of(values, key, most=20) if (moment := _time(text, times)) is not None]
        if moments:
            return (max if key.startswith("updated") else min)(moments).isoformat()
    return None


def _time(text: str, times: RecordTimes) -> datetime | None:
    try:
        return times.read(f"{text}T00:00:00" if _DATE.fullmatch(text) else text)
    except ValueError:
        return None


def _snake_keys(values: dict[str, Any]) -> dict[str, Any]:
    """Registry labels as python-whois names them: "Registrant State/Province" is registrant_state_province."""
    if values.keys() & {"domain_name", "creation_date"}:
        return values
    return {re.sub(r"[^a-z0-9]+", "_", key.casefold()).strip("_"): value for key, value in values.items()}
