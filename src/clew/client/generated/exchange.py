"""Operations of the API on: exchange.

Written by `make docs` from the API's description; edit that instead.
"""

from typing import Any
from uuid import UUID

from clew.client.generated import models
from clew.client.operations import Calls
from clew.client.transport import asked, path_of


class ExchangeOperations(Calls):
    """Operations on: exchange."""

    def list_peers(self) -> models.PeerList:
        """List peers.

        Every peer by name.
        """
        return self._transport.fetch_resource(models.PeerList, asked("GET", "/api/v1/exchange/peers"))

    def add_peer(self, body: models.NewPeer, *, idempotency_key: str | None = None) -> models.Peer:
        """Add a peer.

        A server of the public internet, or one that outbound_allowed_hosts names. Nothing is exchanged yet.
        """
        return self._transport.fetch_resource(
            models.Peer, asked("POST", "/api/v1/exchange/peers", body=body, once=idempotency_key or True)
        )

    def get_peer(self, peer_id: UUID) -> models.Peer:
        """Read a peer.

        A peer, and what the last exchange with it came to.
        """
        return self._transport.fetch_resource(
            models.Peer, asked("GET", path_of("/api/v1/exchange/peers/{peer_id}", peer_id=peer_id))
        )

    def change_peer(self, peer_id: UUID, body: models.PeerChange, *, if_match: str | None = None) -> models.Peer:
        """Change a peer.

        Its settings, or whether anything is exchanged with it. For another address or key, add another peer.
        """
        return self._transport.fetch_resource(
            models.Peer,
            asked("PATCH", path_of("/api/v1/exchange/peers/{peer_id}", peer_id=peer_id), body=body, if_match=if_match),
        )

    def remove_peer(self, peer_id: UUID) -> None:
        """Remove a peer.

        Forget it, its key and how far it was in step. What came from it stays.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/exchange/peers/{peer_id}", peer_id=peer_id)))

    def start_sync(self, peer_id: UUID, body: models.NewSync, *, idempotency_key: str | None = None) -> models.Job:
        """Exchange with a peer.

        A job that takes and sends; its result says what went which way.
        """
        return self._transport.fetch_resource(
            models.Job,
            asked(
                "POST",
                path_of("/api/v1/exchange/peers/{peer_id}/sync", peer_id=peer_id),
                body=body,
                once=idempotency_key or True,
            ),
        )

    def list_conflicts(self, *, all: bool | None = None) -> models.ConflictList:
        """List conflicts with peers.

        The newest first, at most a thousand.
        """
        return self._transport.fetch_resource(
            models.ConflictList, asked("GET", "/api/v1/exchange/conflicts", query={"all": all})
        )

    def settle_conflict(self, conflict_id: UUID, body: models.Settlement) -> models.Conflict:
        """Settle a conflict.

        Take our side or theirs; the next exchange carries it over. 409 if it is settled.
        """
        return self._transport.fetch_resource(
            models.Conflict,
            asked(
                "POST", path_of("/api/v1/exchange/conflicts/{conflict_id}/settle", conflict_id=conflict_id), body=body
            ),
        )

    def get_exchanged(self, exchanged_id: str) -> dict[str, Any]:
        """Read what is exchanged.

        Our copy, word for word: an event of MISP by its uuid, an object of STIX by its id (type--uuid).
        """
        return self._transport.fetch(
            dict[str, Any],
            asked("GET", path_of("/api/v1/exchange/documents/{exchanged_id}", exchanged_id=exchanged_id)),
        )

    def put_exchanged(self, exchanged_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change what is exchanged.

        Make our copy this document. Peers that have it, or are chosen for it, get the change with the next exchange.
        """
        return self._transport.fetch(
            dict[str, Any],
            asked("PUT", path_of("/api/v1/exchange/documents/{exchanged_id}", exchanged_id=exchanged_id), body=body),
        )

    def delete_exchanged(self, exchanged_id: str) -> None:
        """Delete what is exchanged.

        Delete our copy; with the next exchange it is deleted at the peers that have it.
        """
        self._transport.send(
            asked("DELETE", path_of("/api/v1/exchange/documents/{exchanged_id}", exchanged_id=exchanged_id))
        )

    def list_shared_collections(self) -> models.SharedCollectionList:
        """List shared collections.

        What others may read by TAXII.
        """
        return self._transport.fetch_resource(models.SharedCollectionList, asked("GET", "/api/v1/exchange/collections"))

    def add_shared_collection(
        self, body: models.NewSharedCollection, *, idempotency_key: str | None = None
    ) -> models.SharedCollection:
        """Add a shared collection.

        An empty one: nothing is shared until it is put in.
        """
        return self._transport.fetch_resource(
            models.SharedCollection,
            asked("POST", "/api/v1/exchange/collections", body=body, once=idempotency_key or True),
        )

    def remove_shared_collection(self, shared_id: UUID) -> None:
        """Remove a shared collection.

        Stop sharing it. What was in it stays here.
        """
        self._transport.send(asked("DELETE", path_of("/api/v1/exchange/collections/{shared_id}", shared_id=shared_id)))

    def share_objects(self, shared_id: UUID, body: models.NewShares) -> models.Shared:
        """Share objects.

        Put objects or campaigns into a collection. 403 for what is marked stricter than it.
        """
        return self._transport.fetch_resource(
            models.Shared,
            asked("POST", path_of("/api/v1/exchange/collections/{shared_id}/objects", shared_id=shared_id), body=body),
        )

    def unshare_object(self, shared_id: UUID, stix_id: str) -> None:
        """Stop sharing an object.

        Take every version of it out of the collection. 404 if it is not in it.
        """
        self._transport.send(
            asked(
                "DELETE",
                path_of(
                    "/api/v1/exchange/collections/{shared_id}/objects/{stix_id}", shared_id=shared_id, stix_id=stix_id
                ),
            )
        )

    def get_technique(self, technique: str) -> models.TechniqueChain:
        """Look up a technique of ATT&CK.

        As the newest bundle that was loaded describes it, then what it was revoked by. 404 if none does.
        """
        return self._transport.fetch_resource(
            models.TechniqueChain, asked("GET", path_of("/api/v1/techniques/{technique}", technique=technique))
        )
