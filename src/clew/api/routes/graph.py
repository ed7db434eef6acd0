"""The graph: what is around an entity, ways between two, who is central, who belongs together. Read from its view."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from clew.api import examples
from clew.api.callers import Call, needs
from clew.api.models import graph as models
from clew.api.problems import MISSING
from clew.api.representations import shown
from clew.api.routing import router as routes
from clew.kernel.lazily import lazily
from clew.projections.graph.formats import MEDIA
from clew.records.acts import Act
from clew.records.finding import found_entities
from clew.records.lookup import EntityRow

if TYPE_CHECKING:
    from clew.domains.graph import measuring
    from clew.projections.graph import answers, export
    from clew.records import graph
else:
    measuring = lazily("clew.domains.graph.measuring")
    answers = lazily("clew.projections.graph.answers")
    export = lazily("clew.projections.graph.export")
    graph = lazily("clew.records.graph")

router = routes("graph")

Reader = Annotated[Call, needs("relationship:read")]


@router.get(
    "/graph/neighbours", response_model=models.GraphNeighboursModel, responses=MISSING, summary="List neighbours"
)
def list_neighbours(call: Reader, query: Annotated[models.NeighboursQuery, Query()]) -> Response:
    """The entities next to one, those of the surest relationships first, however many it has."""
    (here,) = _found(call, query.entity)
    question = query.question(entity_types=tuple(query.entity_type), limit=query.limit)
    with call.serving.graph.reader() as reader:
        found = answers.ask_neighbours(reader, call.principal.organization_id, here.id, question)
    _tell(call, "neighbours_read", here, query.asked())
    return shown(models.GraphNeighboursModel.model_validate(found))


@router.get("/graph/ego", response_model=models.GraphSurroundingsModel, responses=MISSING, summary="Show surroundings")
def get_ego(call: Reader, query: Annotated[models.EgoQuery, Query()]) -> Response:
    """All within some steps of an entity. Hubs are reached, but not gone through; see `truncated` and `is_hub`."""
    (here,) = _found(call, query.entity)
    question = query.question(
        entity_types=tuple(query.entity_type),
        limit=query.limit,
        depth=query.depth,
        between=query.between,
        max_degree=_max_degree(call, query.max_degree),
    )
    with call.serving.graph.reader() as reader:
        found = answers.ask_around(reader, call.principal.organization_id, here.id, question)
    _tell(call, "surroundings_read", here, query.asked())
    return shown(models.GraphSurroundingsModel.model_validate(found))


@router.get("/graph/path", response_model=models.GraphWaysModel, responses=MISSING, summary="Find the best path")
def get_way(call: Reader, query: Annotated[models.WayQuery, Query()]) -> Response:
    """The shortest path between two entities, or the surest; none, or one. Finding none is an answer."""
    here, there = _found(call, query.start, query.goal)
    question = query.question(
        max_length=query.max_length, surest=query.surest, max_degree=_max_degree(call, query.max_degree)
    )
    with call.serving.graph.reader() as reader:
        found = answers.ask_path(reader, call.principal.organization_id, here.id, there.id, question)
    _tell(call, "path_read", here, query.asked())
    return shown(models.GraphWaysModel.model_validate(found))


@router.get("/graph/paths", response_model=models.GraphWaysModel, responses=MISSING, summary="Find all paths")
def list_ways(call: Reader, query: Annotated[models.WaysQuery, Query()]) -> Response:
    """All simple paths between two entities up to a length, the shortest and of these the surest first."""
    here, there = _found(call, query.start, query.goal)
    question = query.question(
        max_length=query.max_length, limit=query.limit, max_degree=_max_degree(call, query.max_degree)
    )
    with call.serving.graph.reader() as reader:
        found = answers.ask_paths(reader, call.principal.organization_id, here.id, there.id, question)
    _tell(call, "paths_read", here, query.asked())
    return shown(models.GraphWaysModel.model_validate(found))


@router.get(
    "/graph/central",
    response_model=models.GraphCentralModel,
    responses=MISSING,
    summary="List the most central entities",
)
def list_central(call: Reader, query: Annotated[models.CentralQuery, Query()]) -> Response:
    """By PageRank or betweenness, as last measured. Nothing is listed before the first measuring."""
    organization = call.principal.organization_id
    with call.serving.graph.reader() as reader:
        found = answers.ask_central(reader, organization, query.measure, limit=query.limit, type_=query.type)
    with call.reading() as connection:
        measurement = graph.last_measurement(connection, organization)
    call.tell_read(Act("central_entities_listed", "READ", "graph", request=query.model_dump(mode="json")))
    return shown(models.GraphCentralModel.model_validate({"entities": found, "measurement": measurement}))


@router.get(
    "/graph/communities", response_model=models.GraphCommunitiesModel, responses=MISSING, summary="List communities"
)
def list_communities(call: Reader, query: Annotated[models.CommunitiesQuery, Query()]) -> Response:
    """The largest communities, as last measured, with their most central members."""
    organization = call.principal.organization_id
    with call.serving.graph.reader() as reader:
        found = answers.ask_communities(reader, organization, limit=query.limit, members=query.members)
    with call.reading() as connection:
        measurement = graph.last_measurement(connection, organization)
    call.tell_read(Act("communities_listed", "READ", "graph", request=query.model_dump(mode="json")))
    return shown(models.GraphCommunitiesModel.model_validate({"communities": found, "measurement": measurement}))


@router.post(
    "/graph/measurements",
    status_code=201,
    response_model=models.GraphMeasurementModel,
    summary="Measure the graph",
    name="measure_graph",
)
def measure(call: Annotated[Call, needs("analysis:write")]) -> Response:
    """PageRank, betweenness and communities of all that is there now, kept as facts. The views follow in a moment.

    Takes some seconds for each 100,000 relationships; one at a time.
    """
    with call.serving.slots.taken("graph measures"), call.transaction() as connection:
        caller = call.principal
        found = measuring.measure_graph(
            connection, caller.organization_id, measured_by=caller.user_id, clock=call.serving.clock
        )
    return shown(models.GraphMeasurementModel.model_validate(found), 201)


@router.get(
    "/graph/export",
    response_class=Response,
    responses={
        200: {
            "description": "The graph, as an attachment.",
            "content": {each: {"example": examples.GRAPHS[each]} for each in MEDIA.values()},
        },
        **MISSING,
    },
    summary="Export the graph",
)
def export_graph(call: Reader, query: Annotated[models.ExportQuery, Query()]) -> Response:
    """All entities and relationships, or what is around one, as a file that is sent while it is read."""
    organization = call.principal.organization_id
    with contextlib.ExitStack() as opened:
        opened.enter_context(call.serving.slots.taken("graph export"))
        reader = opened.enter_context(call.serving.graph.reader())
        if query.entity is None:
            pieces = export.exported(reader, organization, query.format)
        else:
            (here,) = _found(call, query.entity)
            max_degree = call.serving.settings.graph_max_degree
            question = answers.Question(depth=query.depth, limit=query.limit, between=True, max_degree=max_degree)
            pieces = export.exported_around(reader, organization, here.id, question, query.format)
        call.tell_read(Act("graph_exported", "READ", "graph", request=query.model_dump(mode="json", exclude_none=True)))
        held = opened.pop_all()
    name = f"graph.{query.format.value.partition('-')[0]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(
        _held(pieces, held), 200, headers, media_type=MEDIA[query.format], background=BackgroundTask(held.close)
    )


def _held(pieces: Iterator[bytes], held: contextlib.ExitStack) -> Iterator[bytes]:
    """The pieces; what they are read from is let go of also if whoever asked has gone."""
    with held:
        yield from pieces


def _found(call: Call, *values: str) -> list[EntityRow]:
    with call.reading() as connection:
        organization = call.principal.organization_id
        return [found_entities(connection, organization, value, None)[0] for value in values]


def _tell(call: Call, event_type: str, here: EntityRow, asked: dict[str, Any]) -> None:
    call.tell_read(Act(event_type, "READ", "entity", here.id, here.name, request=asked))


def _max_degree(call: Call, asked: int | None) -> int:
    return asked or call.serving.settings.graph_max_degree
