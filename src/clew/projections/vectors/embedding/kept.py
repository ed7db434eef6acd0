"""Embedding for the record: what an endpoint was paid for is kept by its content, and what it cost is noted."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import numpy as np

from clew.kernel.database_errors import database_errors
from clew.kernel.roles import PROJECTOR
from clew.projections.own_database import OwnDatabase
from clew.projections.vectors.embedding.port import Embedder, Spent
from clew.projections.vectors.port import Model, Vector
from clew.projections.vectors.precision import at_stored_precision

_FIND: Final = """
UPDATE embedding_cache SET used_at = now()
WHERE organization_id = %s AND model = %s AND content_hash = ANY(%s) RETURNING content_hash, embedding
"""
_KEEP: Final = """
INSERT INTO embedding_cache (organization_id, model, content_hash, embedding) VALUES (%s, %s, %s, %s)
ON CONFLICT (organization_id, model, content_hash) DO UPDATE SET used_at = now()
"""
_NOTE: Final = """
INSERT INTO embedding_costs AS known (organization_id, day, model, requests, texts, tokens, usd)
VALUES (%s, date_trunc('day', now(), 'UTC'), %s, %s, %s, %s, %s)
ON CONFLICT (organization_id, day, model) DO UPDATE SET requests = known.requests + excluded.requests,
    texts = known.texts + excluded.texts, tokens = known.tokens + excluded.tokens, usd = known.usd + excluded.usd
"""
_FORGET: Final = """
DELETE FROM embedding_cache WHERE model = ANY(%s) AND used_at < %s
"""


class KeptEmbedding:
    """Embeds texts of an organization, paying for each content once."""

    def __init__(self, database: OwnDatabase) -> None:
        self._database = database

    def vectors(self, organization_id: UUID, embedder: Embedder, texts: Sequence[str], hashes: Sequence[str]) -> Vector:
        """The vectors of the texts at stored precision, a row for each; `hashes` are those of the texts.

        What is made anew is kept at once, so that nothing that happens later lets it be paid for again. Raises what
        the embedder raises.
        """
        if not embedder.is_costly:
            return at_stored_precision(embedder.embed(texts).vectors)
        known = self.known(organization_id, embedder.model, hashes)
        missing = {each: text for each, text in zip(hashes, texts, strict=True) if each not in known}
        if missing:
            made = embedder.embed(list(missing.values()))
            rows = at_stored_precision(made.vectors)
            fresh = dict(zip(missing, rows, strict=True))
            self._keep(organization_id, embedder.model, fresh, made.spent)
            known |= fresh
        return np.stack([known[each] for each in hashes]) if hashes else np.zeros((0, embedder.model.dimension), "f4")

    def known(self, organization_id: UUID, model: Model, hashes: Sequence[str]) -> dict[str, Vector]:
        """The vectors that are kept of these contents."""
        database = self._database.opened
        with database_errors(database.address), database.transaction(None, PROJECTOR) as connection:
            rows = connection.exec_driver_sql(_FIND, (organization_id, str(model), list(set(hashes)))).all()
        return {row[0]: np.frombuffer(bytes(row[1]), "<f2").astype(np.float32) for row in rows}

    def forget_unused(self, models: Sequence[Model], since: object) -> None:
        """Forget what of these models nobody asked for since that time, after all of the record was embedded."""
        database = self._database.opened
        with database.transaction(None, PROJECTOR) as connection:
            connection.exec_driver_sql(_FORGET, (sorted({str(model) for model in models}), since))

    def note(self, organization_id: UUID, model: Model, spent: Spent) -> None:
        """Note what embedding cost, where it cost anything."""
        if spent.requests:
            database = self._database.opened
            with database.transaction(None, PROJECTOR) as connection:
                connection.exec_driver_sql(_NOTE, _row(organization_id, model, spent))

    def _keep(self, organization_id: UUID, model: Model, fresh: Mapping[str, Vector], spent: Spent) -> None:
        # Sorted, so that two who keep the same do not wait for each other in a circle.
        rows = [(organization_id, str(model), each, fresh[each].astype("<f2").tobytes()) for each in sorted(fresh)]
        database = self._database.opened
        with database.transaction(None, PROJECTOR) as connection:
            connection.exec_driver_sql(_KEEP, rows)
            if spent.requests:
                connection.exec_driver_sql(_NOTE, _row(organization_id, model, spent))


def _row(organization_id: UUID, model: Model, spent: Spent) -> tuple[object, ...]:
    return (organization_id, str(model), spent.requests, spent.texts, spent.tokens, spent.usd)
