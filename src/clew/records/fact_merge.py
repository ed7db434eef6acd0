"""Merging entities, relationships and where they were seen. Merging the same facts again changes nothing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import polars as pl
import psycopg

from clew.kernel.ids import new_ids
from clew.ontology import relationship_id_texts
from clew.records import merge_sql, stage
from clew.records.aliases import follow
from clew.records.batch import Batch, FileItem
from clew.records.observed import merge_observed
from clew.records.post_merge import PostMerger


@dataclass(frozen=True, slots=True)
class Fresh:
    """The ids of what was not in the record before."""

    entities: list[str]
    relationships: list[str]
    posts: list[str]

    @property
    def all(self) -> list[str]:
        """The ids of everything that is new."""
        return self.entities + self.relationships + self.posts


@dataclass(frozen=True, slots=True)
class FactMerger:
    """Merges facts of one file into an organization's record, within the caller's transaction."""

    connection: psycopg.Connection[Any]
    organization_id: UUID
    item: FileItem

    def merge(self, batch: Batch) -> Fresh:
        """Merge the facts of a batch; what of them was not in the record before."""
        merge_sql.enter_merge(self.connection, self.organization_id, "facts")
        stage.copy(self.connection, "stage_entities", batch.entities)
        sightings, relationships = batch.entity_sightings, batch.relationships
        relationship_sightings, posts = batch.relationship_sightings, batch.posts
        aliases = self._aliases()
        if aliases:
            self._execute(
                merge_sql.MERGE_ALIASED_ENTITIES, aliases=list(aliases.keys()), entities=list(aliases.values())
            )
            sightings = _unique_sightings(sightings.with_columns(pl.col("id").replace(aliases)))
            relationships, renamed = _follow_aliases(self.organization_id, relationships, aliases)
            relationship_sightings = _unique_sightings(
                relationship_sightings.with_columns(pl.col("id").replace(renamed)).filter(
                    pl.col("id").is_in(relationships["id"].implode())
                )
            )
            posts = posts.with_columns(pl.col("profile_id", "document_id").replace(aliases))
        fresh_entities = self._merged(merge_sql.MERGE_ENTITIES)
        stage.copy(self.connection, "stage_entity_sightings", _with_row_ids(sightings))
        self._execute(merge_sql.MERGE_ENTITY_SOURCES)
        stage.copy(self.connection, "stage_relationships", relationships)
        fresh_relationships = self._merged(merge_sql.MERGE_RELATIONSHIPS)
        located = relationship_sightings.drop("record", "method")
        stage.copy(self.connection, "stage_relationship_sightings", located)
        self._execute(merge_sql.MERGE_RELATIONSHIP_SOURCES)
        if batch.enrichments.height:
            self._enrich(
                batch.enrichments.with_columns(pl.col("id").replace(aliases)) if aliases else batch.enrichments
            )
        fresh_posts = PostMerger(self.connection, self.organization_id).merge(posts, batch.post_sightings)
        return Fresh(fresh_entities, fresh_relationships, fresh_posts)

    def _enrich(self, enrichments: pl.DataFrame) -> None:
        """Keep what each row told of each entity; of several names of one entity the first in the file."""
        told = enrichments.unique(["id", "item_id"], keep="first", maintain_order=True)
        stage.copy(self.connection, "stage_enrichments", told)
        self._execute(merge_sql.MERGE_ENRICHMENTS, type=self.item.enrichment, version=str(self.item.reader_version))

    def _aliases(self) -> dict[str, str]:
        """The staged entities that were merged into others, with what stands for each now."""
        first = dict(self._execute(merge_sql.ALIASES).fetchall())
        if not first:
            return {}

        def merged_into(ids: set[str]) -> dict[str, str]:
            known = {alias: first[alias] for alias in ids & first.keys()}
            asked = sorted(ids - first.keys())
            found = self._execute(merge_sql.FURTHER_ALIASES, ids=asked).fetchall() if asked else []
            return known | dict(found)

        return follow(first, merged_into)

    def _merged(self, statement: str) -> list[str]:
        return [identifier for (identifier,) in self._execute(statement).fetchall()]

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        common = {"organization": self.organization_id, "source": self.item.source}
        return self.connection.execute(statement, common | parameters)


def _with_row_ids(sightings: pl.DataFrame) -> pl.DataFrame:
    return sightings.drop("record").with_columns(pl.Series("source_row", new_ids(sightings.height), dtype=pl.String))


def _unique_sightings(sightings: pl.DataFrame) -> pl.DataFrame:
    return sightings.group_by("id", "item_id").agg(
        pl.col("record").min(), pl.col("line").min(), pl.col("confidence").max(), pl.col("method").min()
    )


def _follow_aliases(
    organization_id: UUID, relationships: pl.DataFrame, aliases: dict[str, str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Relationships between what their ends were merged into, and how their ids changed.

    Two that become one share their times, and of their properties the newest; one of an entity with itself is dropped.
    """
    moved = relationships.with_columns(pl.col("source_entity_id", "target_entity_id").replace(aliases))
    fresh = relationship_id_texts(
        organization_id,
        moved["source_entity_id"].to_list(),
        moved["relationship_type"].to_list(),
        moved["target_entity_id"].to_list(),
    )
    renamed = dict(zip(relationships["id"], fresh, strict=True))
    named = moved.with_columns(pl.Series("id", fresh, dtype=pl.String)).filter(
        pl.col("source_entity_id") != pl.col("target_entity_id")
    )
    kept = named.group_by("id", maintain_order=True).agg(
        pl.exclude("confidence", "first_seen", "last_seen").first(),
        pl.col("confidence").max(),
        pl.col("first_seen").min(),
        pl.col("last_seen").max(),
    )
    return _with_merged_properties(kept, named).select(relationships.columns), renamed


def _with_merged_properties(kept: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Relationships with the properties of all that became one of them; most come from one only."""
    several = named.filter(pl.col("id").is_duplicated())
    if several.is_empty():
        return kept
    merged: dict[str, tuple[dict[str, Any], dict[str, int]]] = {}
    for identifier, properties, observed in several.select("id", "properties", "observed").iter_rows():
        side = orjson.loads(properties), orjson.loads(observed) if observed else {}
        merged[identifier] = merge_observed(merged.get(identifier, ({}, {})), side)
    texts = {identifier: orjson.dumps(properties).decode() for identifier, (properties, _) in merged.items()}
    times = {identifier: orjson.dumps(seen).decode() if seen else None for identifier, (_, seen) in merged.items()}
    return kept.with_columns(
        pl.col("id").replace_strict(texts, default=pl.col("properties"), return_dtype=pl.String).alias("properties"),
        pl.col("id").replace_strict(times, default=pl.col("observed"), return_dtype=pl.String).alias("observed"),
    )
