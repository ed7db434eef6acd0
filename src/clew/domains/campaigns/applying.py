"""Decisions by name, as the command line and the API are given them."""

from collections.abc import Sequence

from clew.domains.campaigns.deciding import Deciding
from clew.domains.campaigns.reading import Campaign
from clew.kernel.errors import InputError


def apply_decision(
    deciding: Deciding, campaign: str, kind: str, *, parts: Sequence[str] = (), name: str | None = None
) -> list[Campaign]:
    """Carry out pin, reject, undo, merge, split, rename or attribute; the campaigns that it concerned, this one first.

    Raises InputError for another kind, and what the decision raises.
    """
    match kind:
        case "pin":
            return [deciding.pin(campaign)]
        case "reject":
            return [deciding.reject(campaign)]
        case "undo":
            return [deciding.undo(campaign)]
        case "merge":
            return [deciding.merge(campaign, parts)]
        case "split":
            return deciding.split(campaign, parts)
        case "rename":
            return [deciding.rename(campaign, name or "")]
        case "attribute":
            return [deciding.attribute(campaign, name)]
    raise InputError(f"no decision {kind[:40]!r}", where="decision")
