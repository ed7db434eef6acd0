"""jCard (RFC 7095), the contact cards of RDAP: who, of what organization, how to reach them, where they are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_MOST: Final = 200
_ADDRESS_PARTS: Final = ("", "", "street", "city", "region", "postal_code", "country")


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. `kind` is individual, org, group or location, None where it is not stated."""

    name: str | None = None
    organization: str | None = None
    kind: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    place: dict[str, str] = field(default_factory=dict)


def card_of(value: object) -> Card:
    """The card of a `vcardArray`; an empty one where it is none. Never raises."""
    found: dict[str, list[str]] = {"fn": [], "org": [], "kind": [], "email": [], "tel": []}
    place: dict[str, str] = {}
    for name, parameters, content in _properties(value):
        if name == "adr" and not place:
            place = _place(parameters, content)
        elif name in found:
            found[name] += _texts(content)
    return Card(
        next(iter(found["fn"]), None),
        next(iter(found["org"]), None),
        next((kind.casefold() for kind in found["kind"]), None),
        tuple(dict.fromkeys(found["email"]))[:_MOST],
        tuple(dict.fromkeys(phone.removeprefix("tel:") for phone in found["tel"]))[:_MOST],
        place,
    )


def _properties(value: object) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """(name, parameters, value) of each well-formed property."""
    if not isinstance(value, list) or len(value) < 2 or not isinstance(value[1], list):
        return
    for entry in value[1][:_MOST]:
        if isinstance(entry, list) and len(entry) >= 4 and isinstance(entry[0], str):
            yield entry[0].casefold(), entry[1] if isinstance(entry[1], dict) else {}, entry[3]


def _texts(content: object) -> list[str]:
    """Texts of a value, which may be structured: an organization's name is followed by its units."""
    items = content if isinstance(content, list) else [content]
    return [item.strip() for item in items[:_MOST] if isinstance(item, str) and item.strip()]


def _place(parameters: dict[str, Any], content: object) -> dict[str, str]:
    """The address by parts (RFC 6350, section 6.3.1); without parts, its label in one text."""
    place: dict[str, str] = {}
    if isinstance(content, list):
        for name, part in zip(_ADDRESS_PARTS, content[:7], strict=False):
            text = ", ".join(_texts(part))
            if name and text:
                place[name] = text
    label = parameters.get("label")
    if not place and isinstance(label, str) and label.strip():
        place["address"] = ", ".join(line.strip() for line in label[:1000].splitlines() if line.strip())
    code = parameters.get("cc")
    if isinstance(code, str) and code.strip():
        place["country_code"] = code.strip()
    return place
