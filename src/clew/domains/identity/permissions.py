"""What can be allowed: every permission of the product, and which of them each built-in role has.

One table, read from top to bottom. The database holds the same (migration 0005 and later ones put it there), so that
custom roles can name only what exists and whoever reads the database sees what roles allow; a test holds the two
together. A permission that is added here needs a migration that adds it there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ADMIN: Final = "admin"
ANALYST: Final = "analyst"
USER: Final = "user"
READONLY: Final = "readonly"

READ: Final = "read"
WRITE: Final = "write"
ADMINISTER: Final = "admin"
SCOPES: Final = (READ, WRITE, ADMINISTER)
"""Words that an API key's scopes may use in place of codes; each stands for the permissions with that scope below."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that can be allowed. `scope` is the word by which an API key asks for it and its like."""

    code: str
    description: str
    scope: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role that every organization has and none can change."""

    name: str
    description: str


ROLES: Final = (
    BuiltInRole(ADMIN, "Everything, people and settings included"),
    BuiltInRole(ANALYST, "Loads, corrects and analyses; manages cases and collections"),
    BuiltInRole(USER, "Works on cases with what is there"),
    BuiltInRole(READONLY, "Looks, and changes nothing"),
)

_EVERYBODY: Final = (ADMIN, ANALYST, USER, READONLY)
_WORKERS: Final = (ADMIN, ANALYST, USER)
_ANALYSTS: Final = (ADMIN, ANALYST)
_ADMINS: Final = (ADMIN,)

PERMISSIONS: Final = (
    # the record
    Permission("entity:read", "See entities and where each fact comes from", READ, _EVERYBODY),
    Permission("entity:write", "Correct, tag and verify entities", WRITE, _ANALYSTS),
    Permission("entity:delete", "Delete entities", WRITE, _ADMINS),
    Permission("relationship:read", "See relationships and paths", READ, _EVERYBODY),
    Permission("relationship:write", "Make and correct relationships", WRITE, _ANALYSTS),
    Permission("search:read", "Search the record", READ, _EVERYBODY),
    Permission("ingest:write", "Load files into the record", WRITE, _ANALYSTS),
    Permission("quarantine:read", "See rejected records with their bytes", READ, _ANALYSTS),
    Permission("quarantine:write", "Retry and drop rejected records", WRITE, _ANALYSTS),
    Permission("document:read", "See documents as they were collected, and the content of files", READ, _WORKERS),
    Permission("source:read", "See sources", READ, _EVERYBODY),
    Permission("source:write", "Add and change sources and their credentials", ADMINISTER, _ADMINS),
    # work
    Permission("investigation:read", "See cases and their targets", READ, _EVERYBODY),
    Permission("investigation:write", "Open and change cases and their targets", WRITE, _WORKERS),
    Permission("investigation:delete", "Delete cases", WRITE, _ADMINS),
    Permission("collection:read", "See collections and scans", READ, _EVERYBODY),
    Permission("collection:write", "Define, run and cancel collections and scans", WRITE, _ANALYSTS),
    Permission("analysis:read", "See analyses and their results", READ, _EVERYBODY),
    Permission("analysis:write", "Start and cancel analyses", WRITE, _WORKERS),
    Permission("job:read", "See jobs and how far they are", READ, _EVERYBODY),
    Permission("job:write", "Cancel and retry jobs", WRITE, _ANALYSTS),
    Permission("report:read", "See reports", READ, _EVERYBODY),
    Permission("report:write", "Write and delete reports", WRITE, _WORKERS),
    Permission("series:read", "See measured values over time", READ, _EVERYBODY),
    Permission("series:write", "Write and delete measured values", WRITE, _ANALYSTS),
    Permission("projection:read", "See how the views fare", READ, _ANALYSTS),
    Permission("projection:write", "Verify and rebuild views", ADMINISTER, _ADMINS),
    # people; everybody's own profile, sessions, second factor and settings need no permission
    Permission("user:read", "See the organization's users", READ, _ANALYSTS),
    Permission("user:write", "Add, invite, change and deactivate users", ADMINISTER, _ADMINS),
    Permission("role:read", "See roles and what they allow", READ, _ANALYSTS),
    Permission("role:write", "Make custom roles and give roles to users", ADMINISTER, _ADMINS),
    Permission("key:write", "Make, list and revoke API keys of one's own", WRITE, _WORKERS),
    Permission("key:admin", "List and revoke everybody's API keys, set their limits", ADMINISTER, _ADMINS),
    Permission("session:admin", "List and revoke everybody's sessions", ADMINISTER, _ADMINS),
    Permission("organization:read", "See the organization", READ, _EVERYBODY),
    Permission("organization:write", "Change the organization", ADMINISTER, _ADMINS),
    Permission("configuration:read", "See the organization's configuration", READ, _ADMINS),
    Permission("configuration:write", "Change the organization's configuration", ADMINISTER, _ADMINS),
    # what was done
    Permission("audit:read", "See and search the audit trail", READ, _ADMINS),
    Permission("audit:export", "Export the audit trail", ADMINISTER, _ADMINS),
    Permission("usage:read", "See how API keys were used", READ, _ADMINS),
)

CODES: Final = frozenset(permission.code for permission in PERMISSIONS)
BUILT_IN: Final = {
    role.name: frozenset(permission.code for permission in PERMISSIONS if role.name in permission.roles)
    for role in ROLES
}
_BY_SCOPE: Final = {
    scope: frozenset(permission.code for permission in PERMISSIONS if permission.scope == scope) for scope in SCOPES
}


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those that are neither a word of SCOPES nor a permission's code, in order."""
    return sorted(set(scopes) - CODES - set(SCOPES))


def expand_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """The codes that scopes stand for. What no longer exists stands for nothing."""
    return frozenset().union(*(_BY_SCOPE.get(scope, frozenset({scope}) & CODES) for scope in scopes))
