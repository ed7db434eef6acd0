"""SpiderFoot's kinds of event that stand for entities, by code and by the words that its command line prints.

Read in smicallef/spiderfoot, `spiderfoot/db.py` (eventDetails).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """What the data of an event is, how far it is believed, and how it relates to the source of the event.

    `relation` reads source RELATION data; `inverse` reads data RELATION source; `sources` are the entity types that a
    source must have for it.
    """

    entity: str
    confidence: float
    relation: str | None = None
    inverse: str | None = None
    sources: frozenset[str] = frozenset()
    qualifier: str | None = None


_HOSTS: Final = frozenset({"domain", "ip_address"})
_DOMAIN: Final = frozenset({"domain"})
_ADDRESS: Final = frozenset({"ip_address"})
_ANYTHING: Final = frozenset({"domain", "ip_address", "email", "url"})

KINDS: Final[dict[str, Kind]] = {
    "INTERNET_NAME": Kind("domain", 0.8, inverse="SUBDOMAIN_OF", sources=_DOMAIN),
    "INTERNET_NAME_UNRESOLVED": Kind("domain", 0.4, inverse="SUBDOMAIN_OF", sources=_DOMAIN),
    "DOMAIN_NAME": Kind("domain", 0.8),
    "DOMAIN_NAME_PARENT": Kind("domain", 0.8, relation="SUBDOMAIN_OF", sources=_DOMAIN),
    "AFFILIATE_INTERNET_NAME": Kind("domain", 0.5, inverse="ASSOCIATED_WITH", sources=_HOSTS),
    "AFFILIATE_INTERNET_NAME_UNRESOLVED": Kind("domain", 0.3, inverse="ASSOCIATED_WITH", sources=_HOSTS),
    "AFFILIATE_DOMAIN_NAME": Kind("domain", 0.5),
    "CO_HOSTED_SITE": Kind("domain", 0.5, inverse="RESOLVES_TO", sources=_ADDRESS),
    "CO_HOSTED_SITE_DOMAIN": Kind("domain", 0.4),
    "SIMILARDOMAIN": Kind("domain", 0.3, inverse="ASSOCIATED_WITH", sources=_DOMAIN),
    "PROVIDER_DNS": Kind("domain", 0.8, relation="USES", sources=_DOMAIN),
    "PROVIDER_MAIL": Kind("domain", 0.8, relation="USES", sources=_DOMAIN),
    "IP_ADDRESS": Kind("ip_address", 0.85, relation="RESOLVES_TO", sources=_DOMAIN),
    "IPV6_ADDRESS": Kind("ip_address", 0.85, relation="RESOLVES_TO", sources=_DOMAIN),
    "INTERNAL_IP_ADDRESS": Kind("ip_address", 0.7, relation="RESOLVES_TO", sources=_DOMAIN),
    "AFFILIATE_IPADDR": Kind("ip_address", 0.5, relation="RESOLVES_TO", sources=_DOMAIN),
    "AFFILIATE_IPV6_ADDRESS": Kind("ip_address", 0.5, relation="RESOLVES_TO", sources=_DOMAIN),
    "EMAILADDR": Kind("email", 0.6, inverse="ASSOCIATED_WITH", sources=_DOMAIN),
    "EMAILADDR_GENERIC": Kind("email", 0.6, inverse="ASSOCIATED_WITH", sources=_DOMAIN),
    "EMAILADDR_COMPROMISED": Kind("email", 0.6),
    "EMAILADDR_DELIVERABLE": Kind("email", 0.8),
    "AFFILIATE_EMAILADDR": Kind("email", 0.4),
    "PHONE_NUMBER": Kind("phone", 0.5, inverse="ASSOCIATED_WITH", sources=_ANYTHING),
    "USERNAME": Kind("username", 0.4, inverse="ASSOCIATED_WITH", sources=_ANYTHING),
    "BITCOIN_ADDRESS": Kind("cryptocurrency_address", 0.6, qualifier="bitcoin"),
    "ETHEREUM_ADDRESS": Kind("cryptocurrency_address", 0.6, qualifier="ethereum"),
    "BGP_AS_OWNER": Kind("asn", 0.8),
    "BGP_AS_MEMBER": Kind("asn", 0.7),
    "SOFTWARE_USED": Kind("software", 0.5, relation="USES", sources=_HOSTS),
    "WEBSERVER_BANNER": Kind("software", 0.7, relation="USES", sources=_HOSTS),
    "WEBSERVER_TECHNOLOGY": Kind("software", 0.6, relation="USES", sources=_HOSTS),
    "OPERATING_SYSTEM": Kind("software", 0.4, relation="USES", sources=_HOSTS),
    "TCP_PORT_OPEN_BANNER": Kind("software", 0.7, relation="USES", sources=_HOSTS),
    "VULNERABILITY": Kind("vulnerability", 0.5, relation="INDICATES", sources=_HOSTS),
    "VULNERABILITY_CVE_CRITICAL": Kind("vulnerability", 0.5, relation="INDICATES", sources=_HOSTS),
    "VULNERABILITY_CVE_HIGH": Kind("vulnerability", 0.5, relation="INDICATES", sources=_HOSTS),
    "VULNERABILITY_CVE_MEDIUM": Kind("vulnerability", 0.5, relation="INDICATES", sources=_HOSTS),
    "VULNERABILITY_CVE_LOW": Kind("vulnerability", 0.5, relation="INDICATES", sources=_HOSTS),
    "LINKED_URL_INTERNAL": Kind("url", 0.7),
    "LINKED_URL_EXTERNAL": Kind("url", 0.6, relation="MENTIONS", sources=frozenset({"url"})),
    "LEAKSITE_URL": Kind("url", 0.5),
    "DARKNET_MENTION_URL": Kind("url", 0.4),
    "SOCIAL_MEDIA": Kind("social_profile", 0.6, inverse="ASSOCIATED_WITH", sources=_DOMAIN),
    "ACCOUNT_EXTERNAL_OWNED": Kind("social_profile", 0.5),
    "SIMILAR_ACCOUNT_EXTERNAL": Kind("social_profile", 0.2),
    "TCP_PORT_OPEN": Kind("ip_address", 0.9),
    "UDP_PORT_OPEN": Kind("ip_address", 0.6),
    "MALICIOUS_IPADDR": Kind("ip_address", 0.6),
    "MALICIOUS_INTERNET_NAME": Kind("domain", 0.6),
    "MALICIOUS_EMAILADDR": Kind("email", 0.6),
    "BLACKLISTED_IPADDR": Kind("ip_address", 0.6),
    "BLACKLISTED_INTERNET_NAME": Kind("domain", 0.6),
}
REPORTED_MALICIOUS: Final = frozenset(code for code in KINDS if code.startswith(("MALICIOUS_", "BLACKLISTED_")))
OPEN_PORTS: Final = {"TCP_PORT_OPEN": "tcp", "UDP_PORT_OPEN": "udp"}

_DESCRIPTIONS: Final = {
    "internet name": "INTERNET_NAME",
    "internet name - unresolved": "INTERNET_NAME_UNRESOLVED",
    "domain name": "DOMAIN_NAME",
    "domain name (parent)": "DOMAIN_NAME_PARENT",
    "affiliate - internet name": "AFFILIATE_INTERNET_NAME",
    "affiliate - internet name - unresolved": "AFFILIATE_INTERNET_NAME_UNRESOLVED",
    "affiliate - domain name": "AFFILIATE_DOMAIN_NAME",
    "co-hosted site": "CO_HOSTED_SITE",
    "co-hosted site - domain name": "CO_HOSTED_SITE_DOMAIN",
    "co-hosted site - domain": "CO_HOSTED_SITE_DOMAIN",
    "similar domain": "SIMILARDOMAIN",
    "name server (dns ns records)": "PROVIDER_DNS",
    "name server (dns 'ns' records)": "PROVIDER_DNS",
    "email gateway (dns mx records)": "PROVIDER_MAIL",
    "email gateway (dns 'mx' records)": "PROVIDER_MAIL",
    "ip address": "IP_ADDRESS",
    "ipv6 address": "IPV6_ADDRESS",
    "ip address - internal network": "INTERNAL_IP_ADDRESS",
    "affiliate - ip address": "AFFILIATE_IPADDR",
    "affiliate - ipv6 address": "AFFILIATE_IPV6_ADDRESS",
    "email address": "EMAILADDR",
    "email address - generic": "EMAILADDR_GENERIC",
    "hacked email address": "EMAILADDR_COMPROMISED",
    "deliverable email address": "EMAILADDR_DELIVERABLE",
    "affiliate - email address": "AFFILIATE_EMAILADDR",
    "phone number": "PHONE_NUMBER",
    "username": "USERNAME",
    "bitcoin address": "BITCOIN_ADDRESS",
    "ethereum address": "ETHEREUM_ADDRESS",
    "bgp as ownership": "BGP_AS_OWNER",
    "bgp as membership": "BGP_AS_MEMBER",
    "software used": "SOFTWARE_USED",
    "web server": "WEBSERVER_BANNER",
    "web technology": "WEBSERVER_TECHNOLOGY",
    "operating system": "OPERATING_SYSTEM",
    "open tcp port banner": "TCP_PORT_OPEN_BANNER",
    "open tcp port": "TCP_PORT_OPEN",
    "open udp port": "UDP_PORT_OPEN",
    "vulnerability in public domain": "VULNERABILITY",
    "vulnerability - general": "VULNERABILITY",
    "vulnerability - cve critical": "VULNERABILITY_CVE_CRITICAL",
    "vulnerability - cve high": "VULNERABILITY_CVE_HIGH",
    "vulnerability - cve medium": "VULNERABILITY_CVE_MEDIUM",
    "vulnerability - cve low": "VULNERABILITY_CVE_LOW",
    "linked url - internal": "LINKED_URL_INTERNAL",
    "linked url - external": "LINKED_URL_EXTERNAL",
    "leak site url": "LEAKSITE_URL",
    "darknet mention url": "DARKNET_MENTION_URL",
    "social media presence": "SOCIAL_MEDIA",
    "account on external site": "ACCOUNT_EXTERNAL_OWNED",
    "similar account on external site": "SIMILAR_ACCOUNT_EXTERNAL",
    "malicious ip address": "MALICIOUS_IPADDR",
    "malicious internet name": "MALICIOUS_INTERNET_NAME",
    "malicious e-mail address": "MALICIOUS_EMAILADDR",
    "blacklisted ip address": "BLACKLISTED_IPADDR",
    "blacklisted internet name": "BLACKLISTED_INTERNET_NAME",
}


def event_code(text: str) -> str:
    """The code of a type given as code or in SpiderFoot's words; other words come back in upper case."""
    words = " ".join(text.split())
    return _DESCRIPTIONS.get(words.casefold(), words.upper())
