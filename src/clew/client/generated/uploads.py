"""Operations of the API on: uploads.

Written by `make docs` from the API's description; edit that instead.
"""

from collections.abc import Iterator
from typing import Literal
from uuid import UUID

from clew.client import paging
from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class UploadsOperations(Calls):
    """Operations on: uploads."""

    def create_upload(self, body: models.UploadRequest, *, idempotency_key: str | None = None) -> models.Upload:
        """Begin an upload.

        An upload without bytes yet; they follow by PATCH to its Location.
        """
        return self._transport.fetch_resource(
            models.Upload, asked("POST", "/api/v1/uploads", body=body, once=idempotency_key or True)
        )

    def list_uploads(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["receiving", "completed", "cancelled", "expired"] | None = None,
    ) -> models.UploadPage:
        """Uploads, newest first.

        The organization's uploads, those that are over included.
        """
        return self._transport.fetch(
            models.UploadPage,
            asked("GET", "/api/v1/uploads", query={"limit": limit, "cursor": cursor, "status": status}),
        )

    def iterate_uploads(
        self,
        *,
        limit: int | None = None,
        status: Literal["receiving", "completed", "cancelled", "expired"] | None = None,
    ) -> Iterator[models.Upload]:
        """Every item of `list_uploads`, page after page; `limit` is the size of a page."""
        return paging.each(lambda cursor: self.list_uploads(limit=limit, status=status, cursor=cursor))

    def ingest_file(
        self,
        body: bytes,
        *,
        file_name: str,
        source: str | None = None,
        time_zone: str | None = None,
        region: str | None = None,
        case: str | None = None,
        upload_complete: str | None = None,
        upload_length: str | None = None,
        content_digest: str | None = None,
        repr_digest: str | None = None,
        idempotency_key: str | None = None,
    ) -> models.Upload:
        """Upload a file in one request.

        The body is the file, whatever it says its type is; a job loads it. `Upload-Complete: ?0`: more will follow.

        With an Idempotency-Key the same file sent again is not loaded twice; what was broken off begins anew.
        """
        return self._transport.fetch_resource(
            models.Upload,
            asked(
                "POST",
                "/api/v1/ingest",
                query={
                    "file_name": file_name,
                    "source": source,
                    "time_zone": time_zone,
                    "region": region,
                    "case": case,
                },
                headers={
                    "Upload-Complete": upload_complete,
                    "Upload-Length": upload_length,
                    "Content-Digest": content_digest,
                    "Repr-Digest": repr_digest,
                },
                content=body,
                content_type="application/octet-stream",
                once=idempotency_key or True,
            ),
        )

    def get_upload(self, upload_id: UUID) -> models.Upload:
        """One upload.

        Where it stands. To go on with it, ask with HEAD: that ends a request that still hangs.
        """
        return self._transport.fetch_resource(
            models.Upload, asked("GET", path_of("/api/v1/uploads/{upload_id}", upload_id=upload_id))
        )

    def head_upload(self, upload_id: UUID) -> None:
        """Where to go on.

        `Upload-Offset`: so many bytes are safe. A request that still adds to the upload is ended before.
        """
        self._transport.send(asked("HEAD", path_of("/api/v1/uploads/{upload_id}", upload_id=upload_id)))

    def append_upload(
        self,
        upload_id: UUID,
        body: bytes,
        *,
        upload_offset: str,
        upload_complete: str | None = None,
        upload_length: str | None = None,
        content_digest: str | None = None,
        repr_digest: str | None = None,
    ) -> models.Upload:
        """Send a part of an upload.

        The bytes from `Upload-Offset` on. 409 with the right offset for others. With the last part the job begins.
        """
        return self._transport.fetch_resource(
            models.Upload,
            asked(
                "PATCH",
                path_of("/api/v1/uploads/{upload_id}", upload_id=upload_id),
                headers={
                    "Upload-Offset": upload_offset,
                    "Upload-Complete": upload_complete,
                    "Upload-Length": upload_length,
                    "Content-Digest": content_digest,
                    "Repr-Digest": repr_digest,
                },
                content=body,
                content_type="application/partial-upload",
            ),
        )

    def cancel_upload(self, upload_id: UUID, *, if_match: str | None = None) -> None:
        """Give an upload up.

        What has arrived is removed. 409 if it is completed: then it is its job that can be cancelled.
        """
        self._transport.send(
            asked("DELETE", path_of("/api/v1/uploads/{upload_id}", upload_id=upload_id), if_match=if_match)
        )
