"""Registrations of names and numbers as facts: who registered, through whom, with what servers.

Whois and RDAP say the same in different shapes; both become a `Registration` first. How it reads as facts:

- the domain is REGISTERED_WITH its registrar, an organization identified by its IANA number ("iana-registrar:376"),
  else by its folded name ("registrar:…"); the registrar's abuse address belongs to the registrar, not to the domain;
- the registrant OWNS the domain and is REGISTERED_WITH the registrar; other contacts are ASSOCIATED_WITH the domain.
  A contact is identified by its handle, within the registry that gave it; without a handle by the role in that one
  registration ("registrant-of:example.com"), since a name alone identifies nobody;
- a contact with an organization's name is that organization; the person it names WORKS_FOR it only where the source
  says that it is an individual. Mail addresses and phone numbers are ASSOCIATED_WITH the contact;
- the domain USES its name servers, which RESOLVES_TO the addresses given with them.

Withheld values and those of privacy services are dropped and counted (see `redaction`), and the domain says so in its
property `registrant_withheld`.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from clew.ingest.facts import Reference
from clew.ingest.sources.record_facts import RecordFacts, dns_name, is_address
from clew.ingest.sources.redaction import is_privacy_address, is_withheld

CONFIDENCE: Final = {
    "registry": 0.9,  # what the registry itself is responsible for: the name, its servers, its registrar
    "contact": 0.7,  # what registrants say of themselves; few registries check it
}
OWNERS: Final = frozenset({"registrant", "sponsor"})
_CONTACT_METHOD: Final = "registration_contact"
_MARK: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{1,7}")
_PHONE_RUBBISH: Final = re.compile(r"^tel:|;ext=.*$|\s+ext\.?.*$", re.IGNORECASE)
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Contact:
    """Who a registration names. `identity` is a discriminator, None where the source gives the contact no handle."""

    role: str  # registrant, administrative, technical, billing, abuse …
    name: str | None = None
    organization: str | None = None
    identity: str | None = None
    is_individual: bool | None = None  # None: the source does not say
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)  # place and the like


@dataclass(frozen=True, slots=True)
class Registrar:
    """Through whom a name was registered."""

    name: str | None
    iana_number: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered domain. `seen` is when the registry was asked, where the source says so."""

    domain: str
    registrar: Registrar | None = None
    contacts: tuple[Contact, ...] = ()
    name_servers: tuple[tuple[str, tuple[str, ...]], ...] = ()  # each with its addresses
    seen: datetime | None = None
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Withheld:
    """Counts what was left out."""

    values: int = 0

    def texts(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The addresses or numbers that stand for somebody."""
        kept = tuple(text for text in texts if not (is_privacy_address(text) if "@" in text else is_withheld(text)))
        self.values += len(texts) - len(kept)
        return kept

    def text(self, text: str | None) -> str | None:
        """The name if it stands for somebody."""
        if text is None or not is_withheld(text):
            return text
        self.values += 1
        return None

    def warning(self) -> str | None:
        """What to say of them."""
        return f"withheld or privacy-service values left out: {self.values}" if self.values else None


def add_registration(facts: RecordFacts, registration: Registration, withheld: Withheld) -> Reference:
    """Add what a registration says to its announced record; returns the domain."""
    before = withheld.values
    contacts = [without_withheld(contact, withheld) for contact in registration.contacts]
    properties = dict(registration.properties)
    if withheld.values > before:
        properties["registrant_withheld"] = not any(
            contact.role in OWNERS and (contact.name or contact.organization) for contact in contacts
        )
    domain = facts.entity(
        "domain",
        dns_name(registration.domain),
        required=True,
        confidence=CONFIDENCE["registry"],
        method="registration",
        properties=properties,
    )
    registrar = _add_registrar(facts, registration.registrar, withheld) if registration.registrar else None
    if registrar:
        facts.relate(domain, "REGISTERED_WITH", registrar, confidence=CONFIDENCE["registry"])
    _add_name_servers(facts, domain, registration)
    for contact in contacts:
        who = add_contact(facts, contact, registration.domain)
        if who is None:
            for email in contact.emails:  # somebody without a name, but not without an address
                _associate(facts, domain, "email", email, contact.role)
        elif contact.role in OWNERS:
            facts.relate(who, "OWNS", domain, properties={"role": contact.role})
            if registrar:
                facts.relate(who, "REGISTERED_WITH", registrar)
        else:
            facts.relate(who, "ASSOCIATED_WITH", domain, properties={"role": contact.role})
    return domain


def handle_identity(handle: str | None, authority: str | None) -> str | None:
    """The discriminator of a registry's handle; `authority` scopes one that does not carry its registry's mark.

    A mark is what RFC 5730 puts behind a repository object's number ("C123-LROR") and address registries behind
    theirs ("AB1-RIPE"); a handle without any digit, such as DOMAIN-ADMIN, is a word that many may use.
    """
    if not handle or len(handle) > 200 or re.search(r"\s", handle) or is_withheld(handle):
        return None
    number, _, mark = handle.rpartition("-")
    if re.search(r"\d", number) and _MARK.fullmatch(mark):
        return f"handle:{handle.upper()}"
    return f"{authority}:{handle}" if authority else None


def add_contact(facts: RecordFacts, contact: Contact, subject: str) -> Reference | None:
    """Add a contact without withheld values to `subject`'s record; None where it has no name left."""
    name = contact.organization or contact.name
    if not name:
        return None
    individual = contact.is_individual if contact.is_individual is not None else not contact.organization
    identity = contact.identity or f"{contact.role}-of:{dns_name(subject).casefold()}"
    properties = {**contact.properties, "contact_name": contact.name if contact.name != name else None}
    kind = "organization" if contact.organization or not individual else "person"
    who = facts.entity(kind, name, identity, method=_CONTACT_METHOD, properties=properties)
    if contact.organization and contact.is_individual and contact.name and contact.name != contact.organization:
        person = facts.entity("person", contact.name, identity, method=_CONTACT_METHOD)
        facts.relate(person, "WORKS_FOR", who)
    for email in contact.emails:
        _associate(facts, who, "email", email, contact.role)
    for phone in contact.phones:
        _associate(facts, who, "phone", _PHONE_RUBBISH.sub("", phone.strip()), contact.role)
    return who


def _associate(facts: RecordFacts, subject: Reference, kind: str, value: str, role: str) -> None:
    if value:
        target = facts.entity(kind, value, method=_CONTACT_METHOD)
        facts.relate(subject, "ASSOCIATED_WITH", target, properties={"role": role})


def without_withheld(contact: Contact, withheld: Withheld) -> Contact:
    """The contact without what stands for nobody, which is counted."""
    stands_in = contact.organization is not None and is_withheld(contact.organization)
    properties = contact.properties
    if stands_in or (contact.name is not None and is_withheld(contact.name) and contact.organization is None):
        properties = {}  # the privacy service's own place
    return Contact(
        contact.role,
        withheld.text(contact.name),
        withheld.text(contact.organization),
        contact.identity,
        contact.is_individual,
        withheld.texts(contact.emails[:_MOST]),
        () if stands_in else withheld.texts(contact.phones[:_MOST]),
        {key: held for key, held in properties.items() if not (isinstance(held, str) and is_withheld(held))},
    )


def _add_registrar(facts: RecordFacts, registrar: Registrar, withheld: Withheld) -> Reference | None:
    name = registrar.name or (f"IANA registrar {registrar.iana_number}" if registrar.iana_number else None)
    if not name or (name and not registrar.iana_number and is_withheld(name)):
        return None
    folded = "".join(character for character in name.casefold() if character.isalnum())
    number = (registrar.iana_number or "").strip()
    if not folded and not number:
        return None
    identity = f"iana-registrar:{number}" if number.isascii() and number.isdigit() else f"registrar:{folded or number}"
    properties = {**registrar.properties, "iana_number": number or None}
    who = facts.entity(
        "organization", name, identity, confidence=CONFIDENCE["registry"], method="registrar", properties=properties
    )
    for kind, values in (("email", registrar.emails), ("phone", registrar.phones)):
        for value in withheld.texts(values[:_MOST]):
            _associate(facts, who, kind, _PHONE_RUBBISH.sub("", value) if kind == "phone" else value, "abuse")
    return who


def _add_name_servers(facts: RecordFacts, domain: Reference, registration: Registration) -> None:
    for name, addresses in registration.name_servers[:_MOST]:
        if not dns_name(name) or is_address(name):
            continue
        server = facts.entity(
            "domain", dns_name(name), confidence=CONFIDENCE["registry"], method="registration_name_server"
        )
        facts.relate(domain, "USES", server, confidence=CONFIDENCE["registry"], properties={"record_type": "NS"})
        for address in addresses[:_MOST]:
            glue = facts.entity("ip_address", address, method="registration_name_server")
            facts.relate(server, "RESOLVES_TO", glue)
