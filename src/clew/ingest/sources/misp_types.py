"""What attribute types and galaxies of MISP name, in the ontology's words."""

from typing import Final, NamedTuple


class Named(NamedTuple):
    """One part of an attribute's value: the part's number (composite values are joined by `|`) and what it is."""

    part: int
    entity_type: str


_HASHES: Final = (
    "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha512/224", "sha512/256", "sha3-224", "sha3-256",
    "sha3-384", "sha3-512",
)  # fmt: skip
_ONE: Final = {
    "ip-src": "ip_address",
    "ip-dst": "ip_address",
    "domain": "domain",
    "hostname": "domain",
    "url": "url",
    "link": "url",
    "email": "email",
    "email-src": "email",
    "email-dst": "email",
    "email-reply-to": "email",
    "target-email": "email",
    "whois-registrant-email": "email",
    "dns-soa-email": "email",
    "whois-registrant-phone": "phone",
    "phone-number": "phone",
    "AS": "asn",
    "vulnerability": "vulnerability",
    "btc": "cryptocurrency_address",
    "xmr": "cryptocurrency_address",
    "user-agent": "user_agent",
    "http-user-agent": "user_agent",
    "threat-actor": "threat_actor",
    "campaign-name": "campaign",
    "malware-type": "malware",
}

ATTRIBUTES: Final[dict[str, tuple[Named, ...]]] = {
    **{kind: (Named(0, entity_type),) for kind, entity_type in _ONE.items()},
    **{kind: (Named(0, "file_hash"),) for kind in _HASHES},
    **{f"filename|{kind}": (Named(1, "file_hash"),) for kind in _HASHES},
    "malware-sample": (Named(1, "file_hash"),),
    "ip-src|port": (Named(0, "ip_address"),),
    "ip-dst|port": (Named(0, "ip_address"),),
    "hostname|port": (Named(0, "domain"),),
    "domain|ip": (Named(0, "domain"), Named(1, "ip_address")),
}
"""Which entities an attribute of a type names. Other types are kept, and name none."""

GALAXIES: Final[dict[str, str]] = {
    **dict.fromkeys(
        ("threat-actor", "mitre-intrusion-set", "mitre-enterprise-attack-intrusion-set", "microsoft-activity-group",
         "360net-threat-actor", "intrusion-set"),
        "threat_actor",
    ),
    **dict.fromkeys(
        ("mitre-malware", "mitre-enterprise-attack-malware", "malpedia", "ransomware", "rat", "banker", "botnet",
         "stealer", "cryptominers", "backdoor", "android", "exploit-kit"),
        "malware",
    ),
    **dict.fromkeys(
        ("mitre-attack-pattern", "mitre-enterprise-attack-attack-pattern", "mitre-mobile-attack-attack-pattern"),
        "attack_pattern",
    ),
    **dict.fromkeys(("tool", "mitre-tool", "mitre-enterprise-attack-tool"), "software"),
}  # fmt: skip
"""Which entity a cluster of a galaxy is. Other galaxies are kept, and name none."""

RELATIONS: Final = {
    "threat_actor": "ATTRIBUTED_TO",
    "malware": "MENTIONS",
    "attack_pattern": "MENTIONS",
    "software": "MENTIONS",
}
"""How an event relates to what its clusters and tags name."""
