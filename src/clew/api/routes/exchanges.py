"""Peers, exchanges with them, conflicts, and what is shared by TAXII."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from fastapi import Body, Query
from starlette.responses import Response

from clew.api import examples
from clew.api.callers import Call, needs
from clew.api.models.exchange import (
    ConflictList,
    ConflictModel,
    NewPeerModel,
    NewSharedCollection,
    NewShares,
    NewSync,
    PeerChange,
    PeerList,
    PeerModel,
    Settlement,
    SharedCollectionList,
    SharedCollectionModel,
    SharedModel,
    TechniqueChain,
)
from clew.api.models.jobs import JobModel
from clew.api.repeating import IdempotencyKey, once
from clew.api.representations import CHECKED, created, require_match, shown, tagged, tagged_bytes
from clew.api.routing import PREFIX
from clew.api.routing import router as routes
from clew.domains.campaigns.reading import campaign_details, find_campaign
from clew.domains.exchange import sharing
from clew.domains.exchange.attack import find_technique
from clew.domains.exchange.campaign_bundles import objects_of_campaign
from clew.domains.jobs.service import NewJob, enqueue
from clew.kernel.errors import NotFoundError
from clew.kernel.lazily import lazily
from clew.records.acts import Act

if TYPE_CHECKING:
    from clew.domains.exchange import service
else:
    service = lazily("clew.domains.exchange.service")

router = routes("exchange")

Reader = Annotated[Call, needs("exchange:read")]
Writer = Annotated[Call, needs("exchange:write")]
Administrator = Annotated[Call, needs("exchange:admin")]


@router.get("/exchange/peers", response_model=PeerList, summary="List peers")
def list_peers(call: Reader) -> Response:
    """Every peer by name."""
    with call.reading() as connection:
        found = service.list_peers(connection, call.principal.organization_id)
    return shown(PeerList(items=[PeerModel.model_validate(each) for each in found]))


@router.post("/exchange/peers", status_code=201, response_model=PeerModel, summary="Add a peer")
def add_peer(call: Administrator, new: NewPeerModel, key: IdempotencyKey = None) -> Response:
    """A server of the public internet, or one that outbound_allowed_hosts names. Nothing is exchanged yet."""

    def make(connection: sa.Connection) -> Response:
        wanted = service.NewPeer(new.name, new.kind, new.base_url, new.key, new.settings.model_dump())
        settings = call.serving.database.settings
        made = service.add_peer(connection, call.principal.organization_id, settings, wanted)
        return created(PeerModel.model_validate(made), f"{PREFIX}/exchange/peers/{made.id}")

    return once(call, key, make)


@router.get("/exchange/peers/{peer_id}", response_model=PeerModel, summary="Read a peer")
def get_peer(call: Reader, peer_id: UUID) -> Response:
    """A peer, and what the last exchange with it came to."""
    with call.reading() as connection:
        found = service.find_peer(connection, call.principal.organization_id, peer_id)
    return tagged(call.request, PeerModel.model_validate(found))


@router.patch("/exchange/peers/{peer_id}", response_model=PeerModel, summary="Change a peer", openapi_extra=CHECKED)
def change_peer(call: Administrator, peer_id: UUID, change: PeerChange) -> Response:
    """Its settings, or whether anything is exchanged with it. For another address or key, add another peer."""
    organization = call.principal.organization_id
    with call.transaction() as connection:
        found = service.find_peer(connection, organization, peer_id, to_change=True)
        require_match(call.request, PeerModel.model_validate(found))
        after = service.change_peer(connection, organization, found, change.settings, is_active=change.is_active)
    return tagged(call.request, PeerModel.model_validate(after))


@router.delete("/exchange/peers/{peer_id}", status_code=204, summary="Remove a peer")
def remove_peer(call: Administrator, peer_id: UUID) -> Response:
    """Forget it, its key and how far it was in step. What came from it stays."""
    with call.transaction() as connection:
        found = service.find_peer(connection, call.principal.organization_id, peer_id)
        service.remove_peer(connection, call.principal.organization_id, found)
    return Response(status_code=204)


@router.post("/exchange/peers/{peer_id}/sync", status_code=202, response_model=JobModel, summary="Exchange with a peer")
def start_sync(call: Writer, peer_id: UUID, new: NewSync, key: IdempotencyKey = None) -> Response:
    """A job that takes and sends; its result says what went which way."""

    def make(connection: sa.Connection) -> Response:
        found = service.find_peer(connection, call.principal.organization_id, peer_id)
        asked = {"peer_id": str(found.id), "dry_run": new.dry_run}
        job = enqueue(connection, call.principal.organization_id, NewJob("sync", asked, queue="enrichment"))
        return shown(JobModel.of(job), 202)

    return once(call, key, make)


@router.get("/exchange/conflicts", response_model=ConflictList, summary="List conflicts with peers")
def list_conflicts(
    call: Reader, everything: Annotated[bool, Query(alias="all", description="Also settled ones.")] = False
) -> Response:
    """The newest first, at most a thousand."""
    with call.reading() as connection:
        found = service.list_conflicts(connection, call.principal.organization_id, everything=everything)
    return shown(ConflictList(items=[ConflictModel.model_validate(each) for each in found]))


@router.post("/exchange/conflicts/{conflict_id}/settle", response_model=ConflictModel, summary="Settle a conflict")
def settle_conflict(call: Writer, conflict_id: UUID, settlement: Settlement) -> Response:
    """Take our side or theirs; the next exchange carries it over. 409 if it is settled."""
    with call.transaction() as connection:
        now = call.serving.clock()
        found = service.settle(connection, call.principal.organization_id, conflict_id, settlement.side, now)
    return shown(ConflictModel.model_validate(found))


@router.get(
    "/exchange/documents/{exchanged_id}",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}, "example": examples.INDICATOR}}}},
    summary="Read what is exchanged",
)
def get_exchanged(call: Reader, exchanged_id: str) -> Response:
    """Our copy, word for word: an event of MISP by its uuid, an object of STIX by its id (type--uuid)."""
    with call.reading() as connection:
        kept = service.find_exchanged(connection, call.principal.organization_id, _form(exchanged_id), exchanged_id)
    call.tell_read(Act("exchanged_read", "READ", "exchanged", None, exchanged_id))
    return tagged_bytes(call.request, kept.content or b"{}")


@router.put(
    "/exchange/documents/{exchanged_id}",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}, "example": examples.INDICATOR}}}},
    summary="Change what is exchanged",
)
def put_exchanged(
    call: Writer,
    exchanged_id: str,
    document: Annotated[dict[str, Any], Body(examples=[{"uuid": "5acc88e9-265c-4f22-9d2b-b702950d210f"}])],
) -> Response:
    """Make our copy this document. Peers that have it, or are chosen for it, get the change with the next exchange."""
    with call.transaction() as connection:
        now = call.serving.clock()
        kept = service.put_exchanged(
            connection, call.principal.organization_id, _form(exchanged_id), exchanged_id, document, now
        )
    return Response(kept.content, media_type="application/json")


@router.delete("/exchange/documents/{exchanged_id}", status_code=204, summary="Delete what is exchanged")
def delete_exchanged(call: Writer, exchanged_id: str) -> Response:
    """Delete our copy; with the next exchange it is deleted at the peers that have it."""
    with call.transaction() as connection:
        now = call.serving.clock()
        service.delete_exchanged(connection, call.principal.organization_id, _form(exchanged_id), exchanged_id, now)
    return Response(status_code=204)


@router.get("/exchange/collections", response_model=SharedCollectionList, summary="List shared collections")
def list_shared_collections(call: Reader) -> Response:
    """What others may read by TAXII."""
    with call.reading() as connection:
        found = sharing.collections_of(connection, call.principal.organization_id)
    return shown(SharedCollectionList(items=[SharedCollectionModel.model_validate(each) for each in found]))


@router.post(
    "/exchange/collections", status_code=201, response_model=SharedCollectionModel, summary="Add a shared collection"
)
def add_shared_collection(call: Administrator, new: NewSharedCollection, key: IdempotencyKey = None) -> Response:
    """An empty one: nothing is shared until it is put in."""

    def make(connection: sa.Connection) -> Response:
        organization = call.principal.organization_id
        made = sharing.add_collection(connection, organization, new.title, new.description, new.maximum_tlp)
        return created(SharedCollectionModel.model_validate(made), f"/taxii2/root/collections/{made.id}/")

    return once(call, key, make)


@router.delete("/exchange/collections/{shared_id}", status_code=204, summary="Remove a shared collection")
def remove_shared_collection(call: Administrator, shared_id: UUID) -> Response:
    """Stop sharing it. What was in it stays here."""
    with call.transaction() as connection:
        found = sharing.find_collection(connection, call.principal.organization_id, shared_id)
        sharing.remove_collection(connection, call.principal.organization_id, found)
    return Response(status_code=204)


@router.post("/exchange/collections/{shared_id}/objects", response_model=SharedModel, summary="Share objects")
def share_objects(call: Writer, shared_id: UUID, new: NewShares) -> Response:
    """Put objects or campaigns into a collection. 403 for what is marked stricter than it."""
    organization, settings = call.principal.organization_id, call.serving.database.settings
    with call.transaction() as connection:
        collection = sharing.find_collection(connection, organization, shared_id)
        found = [service.find_exchanged(connection, organization, "stix", each).document for each in new.ids]
        for each in new.campaigns:
            details = campaign_details(connection, organization, find_campaign(connection, organization, each))
            found += objects_of_campaign(details, call.serving.clock(), tlp=settings.misp_tlp)
        added = sharing.share(connection, organization, collection, found)
    return shown(SharedModel(added=added))


@router.delete("/exchange/collections/{shared_id}/objects/{stix_id}", status_code=204, summary="Stop sharing an object")
def unshare_object(call: Writer, shared_id: UUID, stix_id: str) -> Response:
    """Take every version of it out of the collection. 404 if it is not in it."""
    organization = call.principal.organization_id
    with call.transaction() as connection:
        collection = sharing.find_collection(connection, organization, shared_id)
        if not sharing.unshare(connection, organization, collection, stix_id):
            raise NotFoundError(f"no {stix_id[:100]} in this collection", remedy="look into its manifest")
    return Response(status_code=204)


@router.get("/techniques/{technique}", response_model=TechniqueChain, summary="Look up a technique of ATT&CK")
def get_technique(call: Annotated[Call, needs("analysis:read")], technique: str) -> Response:
    """As the newest bundle that was loaded describes it, then what it was revoked by. 404 if none does."""
    with call.reading() as connection:
        found = find_technique(connection, call.principal.organization_id, technique)
    if not found:
        remedy = "load a bundle of ATT&CK, as `clew ingest FILE`"
        raise NotFoundError(f"no technique {technique[:60]!r}", remedy=remedy)
    return tagged_bytes(call.request, orjson.dumps(TechniqueChain.of(found).model_dump(mode="json")))


def _form(exchanged_id: str) -> str:
    return "stix" if "--" in exchanged_id else "misp"
