"""The user in whose name the command line works."""

from uuid import UUID, uuid5


def operator_id(organization_id: UUID) -> UUID:
    """Follows from the organization, so that two processes that complete it make the same user."""
    return uuid5(organization_id, "user:operator")
