"""The indexes in MongoDB, as numbered migrations: each adds or removes some, and none is ever changed.

Collections of an older number are brought up by whoever writes next; nothing is rebuilt for an index.
"""

from dataclasses import dataclass
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database

from clew.projections.documents.fields import FIELDS, Kind
from clew.projections.documents.port import DocumentCollection

Keys = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index that leads with the organization."""

    collection: DocumentCollection
    keys: Keys
    unique: bool = False

    @property
    def name(self) -> str:
        """Follows from its keys."""
        return "_".join(f"{path}_{'asc' if order == ASCENDING else 'desc'}" for path, order in self.keys)

    @property
    def model(self) -> IndexModel:
        """As the driver takes it."""
        return IndexModel([("organization_id", ASCENDING), *self.keys], name=self.name, unique=self.unique)


@dataclass(frozen=True, slots=True)
class IndexMigration:
    """One step."""

    number: int
    adds: tuple[Index, ...] = ()
    drops: tuple[Index, ...] = ()


_NEWEST: Final[Keys] = (("at", DESCENDING), ("id", DESCENDING))
_UNIQUE: Final = ((DocumentCollection.RAW_DOCUMENTS, "hash"), (DocumentCollection.ANALYSIS_RESULTS, "analysis_id"))


def _first() -> tuple[Index, ...]:
    """What is looked up by equal values, of these the newest first; everything by time; and what is unique."""
    found = []
    for collection, fields in FIELDS.items():
        found.append(Index(collection, _NEWEST))
        found.append(Index(collection, (("created_at", DESCENDING),)))
        found += [
            Index(collection, ((field.name, ASCENDING), *_NEWEST))
            for field in fields
            if field.indexed and field.kind is not Kind.TIME and (collection, field.name) not in _UNIQUE
        ]
    return (*found, *(Index(collection, ((name, ASCENDING),), unique=True) for collection, name in _UNIQUE))


MIGRATIONS: Final[tuple[IndexMigration, ...]] = (IndexMigration(1, adds=_first()),)
NEWEST: Final = MIGRATIONS[-1].number


def migrate(mongo: Database[dict[str, Any]], names: dict[DocumentCollection, str], present: int) -> None:
    """Bring the indexes of these collections from a number to the newest. Doing so twice does no harm."""
    for migration in MIGRATIONS:
        if migration.number <= present:
            continue
        for index in migration.drops:
            if index.name in mongo[names[index.collection]].index_information():
                mongo[names[index.collection]].drop_index(index.name)
        for collection in DocumentCollection:
            models = [index.model for index in migration.adds if index.collection is collection]
            if models:
                mongo[names[collection]].create_indexes(models)
