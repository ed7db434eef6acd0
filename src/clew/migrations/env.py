"""Alembic's entry point: runs on the connection that `clew.migrations` hands over."""

from alembic import context
from sqlalchemy import Connection, text

from clew import migrations


def run() -> None:
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=migrations.metadata(),
        version_table="schema_version",
        include_object=migrations.include_object,
        compare_server_default=True,
        transactional_ddl=True,
    )
    connection.execute(text(f"SET LOCAL ROLE {migrations.OWNER}"))
    connection.execute(text("SET LOCAL lock_timeout = '10s'"))
    with context.begin_transaction():
        context.run_migrations()


run()
