"""Operations of the API on: taxii.

Written by `make docs` from the API's description; edit that instead.
"""

from contextlib import AbstractContextManager
from uuid import UUID

from clew.client.operations import Calls, Stream
from clew.client.transport import asked, path_of


class TaxiiOperations(Calls):
    """Operations on: taxii."""

    def get_taxii_discovery(self) -> AbstractContextManager[Stream]:
        """Discovery of the TAXII server.

        Its one API root.
        """
        return self._stream(asked("GET", "/taxii2/"))

    def get_taxii_root(self) -> AbstractContextManager[Stream]:
        """The TAXII API root.

        What versions it speaks.
        """
        return self._stream(asked("GET", "/taxii2/root/"))

    def list_taxii_collections(self) -> AbstractContextManager[Stream]:
        """Shared collections.

        Every collection of the caller's organization.
        """
        return self._stream(asked("GET", "/taxii2/root/collections/"))

    def get_taxii_collection(self, shared_id: UUID) -> AbstractContextManager[Stream]:
        """A shared collection.

        Its title, and that it can be read.
        """
        return self._stream(asked("GET", path_of("/taxii2/root/collections/{shared_id}/", shared_id=shared_id)))

    def list_taxii_objects(
        self,
        shared_id: UUID,
        *,
        added_after: str | None = None,
        limit: int | None = None,
        next: str | None = None,
        match_id_: str | None = None,
        match_type_: str | None = None,
        match_version_: str | None = None,
        match_spec_version_: str | None = None,
    ) -> AbstractContextManager[Stream]:
        """Objects of a shared collection.

        A page of objects in the order in which they were added.
        """
        return self._stream(
            asked(
                "GET",
                path_of("/taxii2/root/collections/{shared_id}/objects/", shared_id=shared_id),
                query={
                    "added_after": added_after,
                    "limit": limit,
                    "next": next,
                    "match[id]": match_id_,
                    "match[type]": match_type_,
                    "match[version]": match_version_,
                    "match[spec_version]": match_spec_version_,
                },
            )
        )

    def get_taxii_manifest(
        self,
        shared_id: UUID,
        *,
        added_after: str | None = None,
        limit: int | None = None,
        next: str | None = None,
        match_id_: str | None = None,
        match_type_: str | None = None,
        match_version_: str | None = None,
        match_spec_version_: str | None = None,
    ) -> AbstractContextManager[Stream]:
        """Manifest of a shared collection.

        Ids, versions and times of adding, without the objects.
        """
        return self._stream(
            asked(
                "GET",
                path_of("/taxii2/root/collections/{shared_id}/manifest/", shared_id=shared_id),
                query={
                    "added_after": added_after,
                    "limit": limit,
                    "next": next,
                    "match[id]": match_id_,
                    "match[type]": match_type_,
                    "match[version]": match_version_,
                    "match[spec_version]": match_spec_version_,
                },
            )
        )

    def get_taxii_object(
        self,
        shared_id: UUID,
        stix_id: str,
        *,
        added_after: str | None = None,
        limit: int | None = None,
        next: str | None = None,
        match_version_: str | None = None,
        match_spec_version_: str | None = None,
    ) -> AbstractContextManager[Stream]:
        """An object of a shared collection.

        Its last version, or those that are asked for. 404 if it is not in the collection.
        """
        return self._stream(
            asked(
                "GET",
                path_of(
                    "/taxii2/root/collections/{shared_id}/objects/{stix_id}/", shared_id=shared_id, stix_id=stix_id
                ),
                query={
                    "added_after": added_after,
                    "limit": limit,
                    "next": next,
                    "match[version]": match_version_,
                    "match[spec_version]": match_spec_version_,
                },
            )
        )

    def list_taxii_versions(
        self,
        shared_id: UUID,
        stix_id: str,
        *,
        added_after: str | None = None,
        limit: int | None = None,
        next: str | None = None,
        match_spec_version_: str | None = None,
    ) -> AbstractContextManager[Stream]:
        """Versions of an object of a shared collection.

        The versions that the collection has of it. 404 if it is not there.
        """
        return self._stream(
            asked(
                "GET",
                path_of(
                    "/taxii2/root/collections/{shared_id}/objects/{stix_id}/versions/",
                    shared_id=shared_id,
                    stix_id=stix_id,
                ),
                query={
                    "added_after": added_after,
                    "limit": limit,
                    "next": next,
                    "match[spec_version]": match_spec_version_,
                },
            )
        )
