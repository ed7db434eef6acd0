"""Operations of the API on: targets.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class TargetsOperations(Calls):
    """Operations on: targets."""

    def list_targets(
        self, investigation_id: UUID, *, limit: int | None = None, cursor: str | None = None
    ) -> models.TargetPage:
        """List a case's targets.

        What a case is about, in the order in which it was added, with what the record knows of it now.
        """
        return self._transport.fetch(
            models.TargetPage,
            asked(
                "GET",
                path_of("/api/v1/investigations/{investigation_id}/targets", investigation_id=investigation_id),
                query={"limit": limit, "cursor": cursor},
            ),
        )

    def iterate_targets(self, investigation_id: UUID, *, limit: int | None = None) -> Iterator[models.Target]:
        """Every item of `list_targets`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.list_targets(investigation_id, limit=limit, cursor=cursor))

    def add_target(
        self, investigation_id: UUID, body: models.NewTarget, *, idempotency_key: str | None = None
    ) -> models.Target:
        """Add a target.

        Make a value a target of a case, whether the record knows it yet or not. One that was there is given back.
        """
        return self._transport.fetch_resource(
            models.Target,
            asked(
                "POST",
                path_of("/api/v1/investigations/{investigation_id}/targets", investigation_id=investigation_id),
                body=body,
                once=idempotency_key or True,
            ),
        )

    def get_target(self, investigation_id: UUID, target_id: UUID) -> models.Target:
        """Read a target.

        One target with its ETag.
        """
        return self._transport.fetch_resource(
            models.Target,
            asked(
                "GET",
                path_of(
                    "/api/v1/investigations/{investigation_id}/targets/{target_id}",
                    investigation_id=investigation_id,
                    target_id=target_id,
                ),
            ),
        )

    def change_target(
        self, investigation_id: UUID, target_id: UUID, body: models.TargetChanges, *, if_match: str | None = None
    ) -> models.Target:
        """Change a target.

        Change what is noted about a target. With If-Match only the state that the caller saw is changed.
        """
        return self._transport.fetch_resource(
            models.Target,
            asked(
                "PATCH",
                path_of(
                    "/api/v1/investigations/{investigation_id}/targets/{target_id}",
                    investigation_id=investigation_id,
                    target_id=target_id,
                ),
                body=body,
                if_match=if_match,
            ),
        )

    def remove_target(self, investigation_id: UUID, target_id: UUID, *, if_match: str | None = None) -> None:
        """Remove a target.

        Take a target out of its case.
        """
        self._transport.send(
            asked(
                "DELETE",
                path_of(
                    "/api/v1/investigations/{investigation_id}/targets/{target_id}",
                    investigation_id=investigation_id,
                    target_id=target_id,
                ),
                if_match=if_match,
            )
        )
