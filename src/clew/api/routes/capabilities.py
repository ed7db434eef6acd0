"""What this server is and can do."""

from typing import TYPE_CHECKING, Annotated

from starlette.responses import Response

from clew import __version__
from clew.api.callers import Call, signed_in
from clew.api.models.operations import CapabilitiesModel, ReaderModel
from clew.api.representations import tagged
from clew.api.routing import router as routes
from clew.kernel.lazily import lazily
from clew.ontology import EntityType
from clew.ontology.types import RelationshipType
from clew.projections.search.fields import SearchIndex
from clew.projections.search_place import search_adapter

if TYPE_CHECKING:
    from clew.ingest.sources import registry
else:
    registry = lazily("clew.ingest.sources.registry")

router = routes("capabilities")


@router.get("/capabilities", response_model=CapabilitiesModel, summary="What this server can do")
def get_capabilities(call: Annotated[Call, signed_in()]) -> Response:
    """Its version, what the record can hold, which files it reads, and what can be searched."""
    found = CapabilitiesModel(
        version=__version__,
        api="v1",
        entity_types=[str(each) for each in EntityType],
        relationship_types=[str(each) for each in RelationshipType],
        readers=[ReaderModel(name=each.name, reads=each.reads) for each in registry.SOURCES],
        search_adapter=search_adapter(call.serving.settings),
        search_indices=[each.value for each in SearchIndex],
    )
    return tagged(call.request, found)
