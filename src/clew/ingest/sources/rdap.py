"""RDAP: registrations of domains, addresses and autonomous systems, as registries and registrars answer.

From knowledge of, and excerpts from, RFC 9083 (and 7483, its predecessor: the same objects), RFC 7095 for jCard, RFC
9537 for `redacted`, the NRO's extensions cidr0_cidrs and arin_originas0_originautnums, and STD 95's roles. Taken are
the classes domain, nameserver, entity, ip network and autnum, alone, one after the other, in arrays, a line each, or
as the results of a search; an error answer is rejected with what it says.

Each object is one record; `registrations` says how a registration reads as facts. A contact's identity is its handle:
by itself where it ends in the mark of a registry ("292-VRSN", "ABC1-RIPE"), which makes it unique everywhere, else
scoped by the server that gave it (port43, or the host of the object's own link). There is no entity for a network: the
address that was asked for (from the link's context), else the network's first one, carries it as properties, is OWNed
by the registrant and MEMBER_OF the originating systems. `registration`, `last changed` and `expiration` are properties;
"last update of RDAP database" is when the registry was asked.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.jcard import card_of
from clew.ingest.sources.json_fields import integer_of, object_of, objects_of, text_of, texts_of, utc_time_of
from clew.ingest.sources.json_values import batch_rows, nested_rows, sample_objects, settle_rows
from clew.ingest.sources.record_facts import RecordFacts, dns_name, host_of_url, is_address
from clew.ingest.sources.registrations import (
    CONFIDENCE,
    OWNERS,
    Contact,
    Registrar,
    Registration,
    Withheld,
    add_contact,
    add_registration,
    handle_identity,
    without_withheld,
)
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow

CLASSES: Final = frozenset({"domain", "nameserver", "entity", "ip network", "autnum"})
_RESULTS: Final = ("domainSearchResults", "nameserverSearchResults", "entitySearchResults", "ipSearchResults")
_EVENTS: Final = {
    "registration": "created",
    "last changed": "updated",
    "expiration": "expires",
    "registrar expiration": "registrar_expires",
    "transfer": "transferred",
    "deletion": "deleted",
}
_ASKED: Final = "last update of rdap database"
_QUERIED: Final = re.compile(r"/ip/([^/?#]{2,80})")
_DEEPEST: Final = 4
_MOST: Final = 500


class RdapSource:
    """Reads RDAP answers; see the module's docstring for classes and meaning."""

    name: ClassVar[str] = "rdap"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = (
        "RDAP (RFC 9083, 7483): domain, nameserver, entity, ip network, autnum, searches. Times carry an offset."
    )
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """By content: the class name each object has to carry, or a search's results of such."""
        sampled = sample_objects(sample)
        if sampled.share(_is_rdap) <= 0.5:
            return None
        wrapped = any(key in values for values in sampled.objects for key in _RESULTS)
        lines = sampled.one_a_line and not wrapped
        return Recognition(0.95, Framing.LINES if lines else Framing.DOCUMENT, "json-lines" if lines else "json")

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines, or of a whole document. Each object is one record."""
        builder, withheld = FactBuilder(), Withheld()
        lines = context.variant == "json-lines"
        rows = batch_rows(batch, one_a_line=lines)
        if not lines:
            rows = [found for row in rows for found in _results(row)]

        def keep(record: int, row: ResultRow) -> None:
            _add(builder, record, row, withheld)

        settle_rows(builder, rows, keep, first_record=batch.first_record)
        warning = withheld.warning()
        if warning:
            builder.warn(warning)
        return builder.facts()


def _is_rdap(values: dict[str, Any]) -> bool:
    if text_of(values, "objectClassName") in CLASSES:
        return True
    if any(isinstance(values.get(key), list) for key in _RESULTS):
        return True
    return "rdapConformance" in values and bool(values.keys() & {"errorCode", "handle", "ldhName", "startAddress"})


def _results(row: ResultRow) -> Iterator[ResultRow]:
    keys = [key for key in _RESULTS if row.fault is None and isinstance(row.values.get(key), list)]
    if not keys:
        yield row
    for key in keys:
        yield from nested_rows(row, key)


def _add(builder: FactBuilder, record: int, row: ResultRow, withheld: Withheld) -> None:
    values = row.values
    if "errorCode" in values:
        stated = " ".join(texts_of(values, "title", "description"))[:200]
        raise RefusedRowError(
            "error_answer", f"line {row.line}: the server answered {values['errorCode']!r:.20}: {stated}"
        )
    kind = text_of(values, "objectClassName")
    if kind not in CLASSES:
        raise RefusedRowError("unsupported_object", f"line {row.line}: {kind!r:.60} is no RDAP class that is read")
    subject = _subject(values, kind)
    if subject is None:
        raise RefusedRowError("missing_field", f"line {row.line}: the {kind} has nothing that names it")
    builder.record(record, row.line, values)
    facts = RecordFacts(builder, record, CONFIDENCE["contact"], _times(values)[1])
    match kind:
        case "domain":
            _add_domain(facts, values, subject, withheld)
        case "nameserver":
            _add_nameserver(facts, values, subject)
        case "ip network":
            _add_network(facts, values, subject, withheld)
        case "autnum":
            _add_autnum(facts, values, subject, withheld)
        case _:
            _add_entity(facts, values, subject, withheld)


def _subject(values: dict[str, Any], kind: str) -> str | None:
    match kind:
        case "domain" | "nameserver":
            return text_of(values, "ldhName", "unicodeName")
        case "ip network":
            return _asked_address(values) or text_of(values, "startAddress")
        case "autnum":
            return text_of(values, "startAutnum", "handle")
        case _:
            return handle_identity(text_of(values, "handle"), _server(values))  # a name alone identifies nobody


def _times(values: dict[str, Any]) -> tuple[dict[str, str], Any]:
    """The dates of a registration as properties, and when the registry was asked."""
    dates: dict[str, str] = {}
    asked = None
    for event in objects_of(values, "events", most=_MOST):
        action, moment = (text_of(event, "eventAction") or "").casefold(), utc_time_of(event, "eventDate")
        if moment is not None and action == _ASKED:
            asked = moment
        elif moment is not None and action in _EVENTS:
            dates[_EVENTS[action]] = moment.isoformat()
    return dates, asked


def _common(values: dict[str, Any]) -> dict[str, Any]:
    return {"status": texts_of(values, "status", most=50), "registry_handle": text_of(values, "handle")} | _times(
        values
    )[0]


def _add_domain(facts: RecordFacts, values: dict[str, Any], name: str, withheld: Withheld) -> None:
    members = list(_entities(values, _server(values)))
    redacted = objects_of(values, "redacted", most=_MOST)
    withheld.values += sum(text_of(field, "method") in {None, "removal", "emptyValue"} for field in redacted)
    servers = []
    for server in objects_of(values, "nameservers", most=_MOST):
        server_name = text_of(server, "ldhName", "unicodeName")
        if server_name:
            servers.append((server_name, tuple(_addresses(server))))
    signed = object_of(values, "secureDNS").get("delegationSigned")
    properties = {
        **_common(values),
        "dnssec": signed if isinstance(signed, bool) else None,
        "redacted_fields": texts_of({"types": [object_of(field, "name").get("type") for field in redacted]}, "types"),
    }
    registration = Registration(
        name,
        registrar=next((_registrar(card, below) for roles, card, below in members if "registrar" in roles), None),
        contacts=tuple(_contacts(members)),
        name_servers=tuple(servers),
        seen=facts.seen,
        properties=properties,
    )
    add_registration(facts, registration, withheld)


def _add_nameserver(facts: RecordFacts, values: dict[str, Any], name: str) -> None:
    server = facts.entity(
        "domain",
        dns_name(name),
        required=True,
        confidence=CONFIDENCE["registry"],
        method="registration",
        properties=_common(values),
    )
    for address in _addresses(values):
        facts.relate(server, "RESOLVES_TO", facts.entity("ip_address", address, method="registration_name_server"))


def _add_network(facts: RecordFacts, values: dict[str, Any], address: str, withheld: Withheld) -> None:
    blocks = [
        f"{prefix}/{length}"
        for block in objects_of(values, "cidr0_cidrs", most=_MOST)
        if (prefix := text_of(block, "v4prefix", "v6prefix")) and (length := integer_of(block, "length")) is not None
    ]
    first, last = text_of(values, "startAddress"), text_of(values, "endAddress")
    properties = {
        **_common(values),
        "network": blocks or (f"{first} - {last}" if first and last else first),
        "network_name": text_of(values, "name"),
        "network_type": text_of(values, "type"),
        "network_parent": text_of(values, "parentHandle"),
        "country_code": text_of(values, "country"),
    }
    subject = facts.entity(
        "ip_address",
        address,
        required=True,
        confidence=CONFIDENCE["registry"],
        method="registration",
        properties=properties,
    )
    origins = values.get("arin_originas0_originautnums")
    for number in origins[:_MOST] if isinstance(origins, list) else ():
        if isinstance(number, int) and not isinstance(number, bool):
            facts.relate(subject, "MEMBER_OF", facts.entity("asn", str(number), method="registration"))
    _add_contacts(facts, subject, values, withheld)


def _add_autnum(facts: RecordFacts, values: dict[str, Any], number: str, withheld: Withheld) -> None:
    last = text_of(values, "endAutnum")
    properties = {
        **_common(values),
        "name": text_of(values, "name"),
        "country_code": text_of(values, "country"),
        "last_of_block": last if last != number else None,
    }
    subject = facts.entity(
        "asn",
        number,
        required=True,
        confidence=CONFIDENCE["registry"],
        method="registration",
        properties=properties,
    )
    _add_contacts(facts, subject, values, withheld)


def _add_entity(facts: RecordFacts, values: dict[str, Any], subject: str, withheld: Withheld) -> None:
    contact = without_withheld(_contact("registrant", values, _server(values)), withheld)
    who = add_contact(facts, contact, subject)
    if who is None:
        return
    for network in objects_of(values, "networks", most=_MOST):
        address = text_of(network, "startAddress")
        if address:
            block = facts.entity("ip_address", address, method="registration", properties=_common(network))
            facts.relate(who, "OWNS", block)
    for system in objects_of(values, "autnums", most=_MOST):
        number = text_of(system, "startAutnum")
        if number:
            facts.relate(who, "OWNS", facts.entity("asn", number, method="registration"))


def _add_contacts(facts: RecordFacts, subject: Reference, values: dict[str, Any], withheld: Withheld) -> None:
    for contact in _contacts(list(_entities(values, _server(values)))):
        known = without_withheld(contact, withheld)
        who = add_contact(facts, known, subject[1])
        if who and known.role in OWNERS:
            facts.relate(who, "OWNS", subject, properties={"role": known.role})
        elif who:
            facts.relate(who, "ASSOCIATED_WITH", subject, properties={"role": known.role})


_Member = tuple[list[str], Contact, dict[str, Any]]


def _entities(values: dict[str, Any], server: str | None) -> Iterator[_Member]:
    """The entities of an object with their roles, and those inside them but for a registrar's own."""
    pending = [(entity, 1) for entity in objects_of(values, "entities", most=_MOST)]
    seen = 0
    while pending and seen < _MOST:
        entity, depth = pending.pop(0)
        seen += 1
        roles = [role.casefold() for role in texts_of(entity, "roles", most=20)]
        yield roles, _contact(roles[0] if roles else "contact", entity, server), entity
        if depth < _DEEPEST and "registrar" not in roles:
            pending += [(inner, depth + 1) for inner in objects_of(entity, "entities", most=_MOST)]


def _contacts(members: list[_Member]) -> Iterator[Contact]:
    """A contact for each role; a registrar is none."""
    for roles, contact, _ in members:
        role = next((role for role in roles if role in OWNERS), contact.role)
        if "registrar" not in roles:
            yield Contact(
                role,
                contact.name,
                contact.organization,
                contact.identity,
                contact.is_individual,
                contact.emails,
                contact.phones,
                {**contact.properties, "roles": roles if len(roles) > 1 else None},
            )


def _contact(role: str, entity: dict[str, Any], server: str | None) -> Contact:
    card = card_of(entity.get("vcardArray"))
    handle = text_of(entity, "handle")
    organization = card.organization or (card.name if card.kind in {"org", "group"} else None)
    return Contact(
        role,
        card.name,
        organization,
        handle_identity(handle, server),
        {"individual": True, "org": False, "group": False}.get(card.kind or ""),
        card.emails,
        card.phones,
        card.place,
    )


def _registrar(card: Contact, entity: dict[str, Any]) -> Registrar:
    number = next(
        (
            text_of(public, "identifier")
            for public in objects_of(entity, "publicIds", most=20)
            if (text_of(public, "type") or "").casefold() == "iana registrar id"
        ),
        None,
    )
    abuse = [
        card_of(inner.get("vcardArray"))
        for inner in objects_of(entity, "entities", most=20)
        if "abuse" in texts_of(inner, "roles")
    ]
    return Registrar(
        card.organization or card.name or text_of(entity, "handle"),
        number,
        tuple(email for found in abuse for email in found.emails),
        tuple(phone for found in abuse for phone in found.phones),
    )


def _server(values: dict[str, Any]) -> str | None:
    """The host of the registry that answered, which scopes its handles."""
    own = [link for link in objects_of(values, "links", most=50) if text_of(link, "rel") == "self"]
    for host in [text_of(values, "port43"), *(host_of_url(text_of(link, "href") or "") for link in own)]:
        if host and len(host) <= 64 and not re.search(r"[\s:]", host):
            return host.casefold()
    return None


def _asked_address(values: dict[str, Any]) -> str | None:
    for link in objects_of(values, "links", most=50):
        match = _QUERIED.search(text_of(link, "value") or "")
        if match and is_address(unquote(match[1])):
            return unquote(match[1])
    return None


def _addresses(server: dict[str, Any]) -> list[str]:
    return texts_of(object_of(server, "ipAddresses"), "v4", "v6", most=_MOST)
