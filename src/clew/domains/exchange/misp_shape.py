"""Events of MISP as documents with named parts, and what of one may go to whom."""

from typing import Any, Final

from clew.domains.exchange.marking import (
    INHERIT,
    Audience,
    distributed,
    level_of_tags,
    may_have,
)
from clew.domains.exchange.three_way import Fields, Shape

_UUID: Final = "uuid"
_LISTS: Final = {
    "Attribute": _UUID,
    "Object": _UUID,
    "ObjectReference": _UUID,
    "Galaxy": _UUID,
    "GalaxyCluster": _UUID,
    "Sighting": _UUID,
    "ShadowAttribute": _UUID,
    "EventReport": _UUID,
    "Note": _UUID,
    "Opinion": _UUID,
    "Relationship": _UUID,
    "Tag": "name",
}
_BOOKS: Final = frozenset(
    {
        "id", "event_id", "object_id", "attribute_id", "org_id", "orgc_id", "tag_id", "galaxy_id", "user_id",
        "galaxy_cluster_id", "referenced_id", "sharing_group_id", "old_id", "event_org_id", "timestamp",
        "date_sighting", "colour", "exportable", "numerical_value", "is_galaxy", "is_custom_galaxy", "local",
        "publish_timestamp", "sighting_timestamp", "attribute_count", "proposal_email_lock", "locked", "RelatedEvent",
        "RelatedAttribute", "RelatedShadowAttribute", "Feed", "Server", "Org", "event_creator_email", "local_only",
        "inherited", "is_default", "enabled", "hide_tag", "EventTag", "AttributeTag", "event_tag_id", "deleted",
        "event_uuid", "attribute_uuid", "Organisation", "published", "correlations", "warnings",
    }
)  # fmt: skip


def _is_gone(fields: Fields) -> bool:
    return _truth(fields.get("deleted"))


def _age(fields: Fields) -> float:
    try:
        return float(fields.get("timestamp") or 0)
    except (TypeError, ValueError):
        return 0.0


MISP: Final = Shape(_LISTS, _BOOKS, _is_gone, _age)


def event_for(event: Fields, audience: Audience, base: Fields | None = None) -> Fields | None:
    """The event as it may go there; None if it may not.

    What they already have (`base`) they keep as they have it, should it have been marked since. Tags that are only
    local here stay here, and so does who of us made the event.
    """
    level = level_of_tags(_tags(event))
    spread = distributed(event.get("distribution"), audience, _group(event))
    if spread is None or not may_have(level, audience):
        return None
    result = _part_for(event, audience, base or {}, spread)
    result.pop("event_creator_email", None)
    return result


def _part_for(part: Fields, audience: Audience, base: Fields, spread: int | None) -> Fields:
    result: Fields = {}
    for name, value in part.items():
        if name not in _LISTS or not isinstance(value, list):
            result[name] = value
            continue
        had = {each.get(_LISTS[name]): each for each in base.get(name) or () if isinstance(each, dict)}
        result[name] = [kept for each in value if (kept := _member_for(name, each, audience, had, spread)) is not None]
    if spread is not None and "distribution" in part:
        result["distribution"] = type(part["distribution"])(spread) if _is_plain(part["distribution"]) else spread
    return result


def _member_for(
    name: str, member: Any, audience: Audience, had: dict[Any, Fields], inherited: int | None
) -> Fields | None:
    if not isinstance(member, dict):
        return None if name == "Tag" else member
    known = had.get(member.get(_LISTS[name]))
    if name == "Tag":
        return None if _truth(member.get("local")) else member
    spread: int | None = inherited
    if "distribution" in member:
        spread = distributed(member["distribution"], audience, _group(member), inherited)
    if spread is None or not may_have(level_of_tags(_tags(member)), audience):
        return known
    own = spread if "distribution" in member else None
    return _part_for(member, audience, known or {}, INHERIT if own is None else own)


def _truth(value: Any) -> bool:
    return value is True or value in (1, "1")


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _tags(part: Fields) -> list[str]:
    """Names of the tags, galaxies' among them: a marking counts wherever it stands."""
    tags = part.get("Tag")
    return [str(each.get("name", "")) for each in tags if isinstance(each, dict)] if isinstance(tags, list) else []


def _group(part: Fields) -> str | None:
    group = part.get("SharingGroup")
    return group.get("uuid") if isinstance(group, dict) and isinstance(group.get("uuid"), str) else None
