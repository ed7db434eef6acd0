"""How an entity's card is shown."""

from datetime import datetime
from typing import Any

from clew.cli.output import heading, line, pairs, table
from clew.records.cards import Card

COMMANDS_SHOWN = 3


def print_card(card: Card) -> None:
    """Values, facts, every source with file and line, neighbours and timeline."""
    line(f"{card.name}  ({card.type})", style="bold")
    pairs(_described(card))
    if card.properties:
        heading("Facts")
        pairs(card.properties)
    heading(_counted("Known from", len(card.sources), card.source_count))
    table(
        ("Source", "File", "Line", "Confidence", "How"),
        [(each.source, each.file, each.line, f"{each.confidence:.2f}", each.method) for each in card.sources],
        right=(2, 3),
    )
    heading(_counted("Related to", len(card.neighbours), card.neighbour_count))
    table(
        ("Relationship", "Name", "Type", "Confidence", "Last seen"),
        [
            (
                f"{'→' if each.direction == 'out' else '←'} {each.relationship_type}",
                f"{each.name} on {each.platform}" if each.platform else each.name,
                each.type,
                f"{each.confidence:.2f}",
                each.last_seen,
            )
            for each in card.neighbours
        ],
        right=(3,),
    )
    if card.timeline:
        heading("Timeline")
        table(
            ("When", "What"),
            [
                (datetime.fromisoformat(entry["at"]) if entry["at"] else None, _happening(entry))
                for entry in card.timeline
            ],
            whole=(0,),
        )
    if card.alternatives:
        heading("Also of this name; see --type")
        table(
            ("Name", "Type", "Platform", "Id"),
            [(r.name, r.type, r.platform, r.id) for r in card.alternatives],
            whole=(3,),
        )


def _described(card: Card) -> dict[str, object]:
    described: dict[str, object] = {
        "id": card.id,
        "normalised": card.normalized_name,
        "confidence": f"{card.confidence:.2f}",
        "first seen": card.first_seen,
        "last seen": card.last_seen,
        "flags": card.flags or None,
        "tags": card.tags or None,
        "risk score": card.risk_score or None,
        "posts": card.post_count or None,
        "also known as": [alias["id"] for alias in card.aliases] or None,
    }
    return {name: value for name, value in described.items() if value is not None}


def _counted(title: str, shown: int, count: int) -> str:
    return f"{title} ({count})" if shown == count else f"{title} ({shown} of {count} shown; see --limit)"


def _happening(entry: dict[str, Any]) -> str:
    if entry["kind"] == "relationship":
        arrow = "→" if entry["direction"] == "out" else "←"
        return f"{arrow} {entry['relationship_type']} {entry['name']} ({entry['type']})"
    if entry["kind"] == "post":
        return _posted(entry)
    parts = [f"{entry['protocol'] or 'session'} on {entry['sensor'] or 'a sensor'} ({entry['source']})"]
    if entry["attack_type"]:
        parts.append(str(entry["attack_type"]))
    if entry["login_failures"] or entry["login_successes"]:
        parts.append(f"{entry['login_failures']} failed and {entry['login_successes']} successful logins")
    if entry["commands"]:
        more = "; …" if entry["command_count"] > COMMANDS_SHOWN else ""
        parts.append("sent " + "; ".join(map(str, entry["commands"][:COMMANDS_SHOWN])) + more)
    return ", ".join(parts)


def _posted(entry: dict[str, Any]) -> str:
    parts = [f"posted on {entry['platform']}"]
    if entry["content"]:
        parts.append(str(entry["content"]))
    if entry["hashtags"]:
        parts.append(" ".join(f"#{tag}" for tag in entry["hashtags"]))
    if entry["stats"]:
        parts.append(", ".join(f"{value} {name}" for name, value in sorted(entry["stats"].items())))
    return "; ".join(parts)
