"""Merging entities, relationships and where they were seen. Merging the same facts again changes nothing."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import polars as pl
import psycopg

from clew.kernel.ids import new_ids
from clew.ontology import relationship_id_bytes
from clew.records import merge_sql, stage
from clew.records.batch import Batch, FileItem


@dataclass(frozen=True, slots=True)
class FactMerger:
    """Merges facts of one file into an organization's record, within the caller's transaction."""

    connection: psycopg.Connection[Any]
    organization_id: UUID
    item: FileItem

    def merge(self, batch: Batch) -> tuple[list[str], list[str]]:
        """The ids of the entities, and of the relationships, that were not in the record before."""
        merge_sql.enter_merge(self.connection, self.organization_id, "facts")
        stage.copy(self.connection, "stage_entities", batch.entities)
        sightings, relationships = batch.entity_sightings, batch.relationships
        relationship_sightings = batch.relationship_sightings
        aliases = dict(self._execute(merge_sql.ALIASES).fetchall())
        if aliases:
            self._execute(merge_sql.MERGE_ALIASED_ENTITIES)
            sightings = _unique_sightings(sightings.with_columns(pl.col("id").replace(aliases)))
            relationships, renamed = _follow_aliases(self.organization_id, relationships, aliases)
            relationship_sightings = _unique_sightings(
                relationship_sightings.with_columns(pl.col("id").replace(renamed)).filter(
                    pl.col("id").is_in(relationships["id"].implode())
                )
            )
        fresh_entities = self._merged(merge_sql.MERGE_ENTITIES)
        stage.copy(self.connection, "stage_entity_sightings", _with_row_ids(sightings))
        self._execute(merge_sql.MERGE_ENTITY_SOURCES)
        stage.copy(self.connection, "stage_relationships", relationships)
        fresh_relationships = self._merged(merge_sql.MERGE_RELATIONSHIPS)
        located = relationship_sightings.drop("record", "method")
        stage.copy(self.connection, "stage_relationship_sightings", located)
        self._execute(merge_sql.MERGE_RELATIONSHIP_SOURCES)
        return fresh_entities, fresh_relationships

    def _merged(self, statement: str) -> list[str]:
        return [identifier for (identifier,) in self._execute(statement).fetchall()]

    def _execute(self, statement: str) -> psycopg.Cursor[Any]:
        return self.connection.execute(statement, {"organization": self.organization_id, "source": self.item.source})


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

    Two that become one share their times and keep the first's properties; one of an entity with itself is dropped.
    """
    moved = relationships.with_columns(pl.col("source_entity_id", "target_entity_id").replace(aliases))
    ids = relationship_id_bytes(
        organization_id,
        [bytes.fromhex(text) for text in moved["source_entity_id"]],
        moved["relationship_type"].to_list(),
        [bytes.fromhex(text) for text in moved["target_entity_id"]],
    )
    fresh = [identifier.hex() for identifier in ids]
    renamed = dict(zip(relationships["id"], fresh, strict=True))
    kept = (
        moved.with_columns(pl.Series("id", fresh, dtype=pl.String))
        .filter(pl.col("source_entity_id") != pl.col("target_entity_id"))
        .group_by("id", maintain_order=True)
        .agg(
            pl.exclude("confidence", "first_seen", "last_seen").first(),
            pl.col("confidence").max(),
            pl.col("first_seen").min(),
            pl.col("last_seen").max(),
        )
        .select(relationships.columns)
    )
    return kept, renamed
