"""What an act is, apart from how it is written: what tells of reads may not load a database driver for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from clew.kernel.stored_text import LONGEST_TOLD, storable

INSTALLATION: Final = UUID(int=0)
"""In place of an organization: whose trail tells what is of none, such as names that nobody has. No tenant is it."""
Action = Literal["CREATE", "READ", "UPDATE", "DELETE", "EXECUTE"]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did. `event_type` names it (investigation_start), `resource_type` says to what kind of thing."""

    event_type: str
    action: Action
    resource_type: str
    resource_id: str | UUID | None = None
    resource_name: str | None = None
    success: bool = True
    error_message: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] = field(default_factory=dict)
    milliseconds: float | None = None
    user_name: str | None = None  # None: as the user is called now
    user_agent: str | None = None
    at: datetime | None = None  # None, or a time to come: the start of the transaction


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """A setting that was changed, with what it was before. Values are JSON; secrets never belong into them."""

    component: str
    operation: Action
    resource_path: str
    old_value: Any = None
    new_value: Any = None
    reason: str | None = None
    approved_by: UUID | None = None


def told(text: str | None) -> str | None:
    """The text as the trail keeps it: no name from outside may keep an act untold, however long or odd it is."""
    return None if text is None else storable(text, LONGEST_TOLD)
