"""Tables that the adapter makes for itself, in a schema of their own: `clew_vectors`.

A generation is a table for each collection, with row-level security like every table of the record, and a row in
`clew_vectors.generations`. No migration knows of them: they are made with each rebuild, for the lengths of vectors that
the models want, on any server that has pgvector.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.roles import APPLICATION, MIGRATOR, PROJECTOR
from clew.projections.vectors.errors import PgvectorMissingError
from clew.projections.vectors.port import Collection, Model

SCHEMA: Final = "clew_vectors"
OLDEST: Final = (0, 8)
EXACT_UP_TO: Final = 20_000
"""So many vectors are compared one by one; of more, neighbours are looked up."""
_SHORT: Final[Mapping[Collection, str]] = {
    Collection.INVESTIGATIONS: "investigations",
    Collection.SOCIAL_PROFILES: "profiles",
    Collection.CONTENT: "content",
    Collection.DOMAINS: "domains",
    Collection.KNOWLEDGE: "knowledge",
}
_CHOICES: Final = (
    "install pgvector 0.8 or newer on the database server (the package postgresql-NN-pgvector of PostgreSQL's own"
    " repository for Debian), or name a Qdrant in CLEW_VECTORS_URL, or do without vectors: CLEW_VECTORS=none"
)
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('clew vectors schema', 0))"
_MAKE: Final = f"""
CREATE SCHEMA IF NOT EXISTS {SCHEMA};
GRANT USAGE ON SCHEMA {SCHEMA} TO {PROJECTOR}, {APPLICATION};
CREATE TABLE IF NOT EXISTS {SCHEMA}.generations (
    place text NOT NULL,
    id text NOT NULL,
    schema_version integer NOT NULL,
    position text NOT NULL DEFAULT '',
    rows bigint NOT NULL DEFAULT 0,
    models jsonb NOT NULL,
    published boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (place, id)
);
GRANT SELECT ON {SCHEMA}.generations TO {APPLICATION};
GRANT SELECT, INSERT, UPDATE, DELETE ON {SCHEMA}.generations TO {PROJECTOR};
"""
# Vectors are never compressed nor moved out of their rows: a search reads them all. The longest takes 7,800 of the
# 8,160 bytes that fit, so texts may be moved.
_TABLE: Final = """
CREATE TABLE {table} (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    source_table text NOT NULL,
    kind text NOT NULL,
    platform text,
    first_seen bigint,
    last_seen bigint,
    content_hash text NOT NULL,
    name text NOT NULL,
    excerpt text NOT NULL,
    embedding halfvec({dimension}) STORAGE PLAIN NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX ON {table} (organization_id, kind);
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON {table} FOR SELECT TO {application} USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
CREATE POLICY projector_keeps ON {table} TO {projector} USING (true) WITH CHECK (true);
GRANT SELECT ON {table} TO {application};
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {projector};
"""
_STORAGE: Final = "ALTER TABLE {table} ALTER embedding SET STORAGE PLAIN"


def new_generation() -> str:
    """A name that no generation has."""
    return secrets.token_hex(5)


def table_name(generation: str, collection: Collection) -> str:
    """The table of a collection, within the schema."""
    return f"g{generation}_{_SHORT[collection]}"


def table_of(generation: str, collection: Collection) -> sql.Identifier:
    """The same as SQL."""
    return sql.Identifier(SCHEMA, table_name(generation, collection))


def graph_name(generation: str, collection: Collection, organization_id: UUID) -> str:
    """The name of an organization's own index of neighbours: 60 characters at most, of the 63 that names may have."""
    return f"{table_name(generation, collection)}_{organization_id.hex}"


def ensure_schema(database: Database) -> None:
    """Make sure that pgvector and the schema are there. May be called again, and by two at once.

    Raises PgvectorMissingError, which names the choices, if the server has no pgvector, or one that is too old.
    """
    _ensure_pgvector(database)
    with database_errors(database.address), database.connect_raw(MIGRATOR) as connection, connection.transaction():
        connection.execute(_LOCK)
        connection.execute(_MAKE)


def make_tables(connection: psycopg.Connection[Any], generation: str, models: Mapping[Collection, Model]) -> None:
    """Make a generation's tables. The connection is the migrator's."""
    for collection, model in models.items():
        # PostgreSQL 15 knows no STORAGE in CREATE TABLE.
        for statement in (_TABLE.replace(" STORAGE PLAIN", ""), _STORAGE):
            connection.execute(
                sql.SQL(statement).format(
                    table=table_of(generation, collection),
                    dimension=sql.Literal(model.dimension),
                    application=sql.Identifier(APPLICATION),
                    projector=sql.Identifier(PROJECTOR),
                )
            )


def drop_tables(connection: psycopg.Connection[Any], generation: str) -> None:
    """Remove a generation's tables, if they are there. The connection is the migrator's."""
    for collection in Collection:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table_of(generation, collection)))


def make_graph(
    connection: psycopg.Connection[Any],
    generation: str,
    collection: Collection,
    organization_id: UUID,
    *,
    memory_bytes: int,
) -> None:
    """Make an organization's own index of neighbours. The connection is the migrator's.

    HNSW (Malkov and Yashunin, 2016) with m = 16; ef_construction = 80 gave the recall that is promised.
    """
    with connection.transaction():
        connection.execute("SELECT set_config('maintenance_work_mem', %s, true)", (f"{max(64, memory_bytes >> 20)}MB",))
        connection.execute(
            sql.SQL(
                "CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (embedding halfvec_ip_ops)"
                " WITH (m = 16, ef_construction = 80) WHERE organization_id = {}::uuid"
            ).format(
                sql.Identifier(graph_name(generation, collection, organization_id)),
                table_of(generation, collection),
                sql.Literal(str(organization_id)),
            )
        )


def _ensure_pgvector(database: Database) -> None:
    with database_errors(database.address), database.connect_raw(PROJECTOR) as connection:
        connection.autocommit = True
        found = _pgvector(connection)
        if found is None and not _is_available(connection):
            raise PgvectorMissingError("this server has no pgvector", where=database.address, remedy=_CHOICES)
    if found is None:
        found = _install(database)
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        raise PgvectorMissingError(f"pgvector {found} is too old", where=database.address, remedy=_CHOICES)


def _install(database: Database) -> str:
    """Make the extension in the record's database; its version."""
    with database_errors(database.address), database.admin_engine().connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("SELECT pg_advisory_lock(hashtextextended('clew vectors extension', 0))")
            driver.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
            driver.commit()
        except psycopg.errors.InsufficientPrivilege as error:
            driver.rollback()
            raise PgvectorMissingError(
                f"database login {driver.info.user} may not make the extension pgvector",
                where=database.address,
                remedy=f"let an administrator run, in the database {driver.info.dbname}: CREATE EXTENSION vector; or"
                " name a Qdrant in CLEW_VECTORS_URL, or do without vectors: CLEW_VECTORS=none",
            ) from error
        finally:
            driver.execute("SELECT pg_advisory_unlock_all()")
            driver.commit()
        return _pgvector(driver) or "0"


def _pgvector(connection: psycopg.Connection[Any]) -> str | None:
    """The version that this database has, where the product's roles find it."""
    row = connection.execute(
        "SELECT extversion FROM pg_extension WHERE extname = 'vector' AND to_regtype('halfvec') IS NOT NULL"
    ).fetchone()
    return str(row[0]) if row else None


def _is_available(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    return row is not None
