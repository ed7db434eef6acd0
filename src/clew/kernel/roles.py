"""The product's roles in PostgreSQL: who owns, who migrates, who works, and what each may do.

- clew_owner owns every table; nobody signs in as it.
- clew_migrator changes the schema, acting as clew_owner.
- clew_application does the product's work. It owns nothing and cannot bypass row-level security.
- clew_directory makes, lists and renames organizations; it sees nothing of what is in them.
- clew_authenticator finds out who is calling, before an organization is known: it looks up what people and programs
  sign in with, counts requests and failures, and keeps the signing keys.
- clew_projector reads what projections follow, of every organization, and keeps their books.
- clew_sealer reads the audit trail of every organization and adds the seals that chain it.
- clew_auditor reads the audit trail of every organization and changes nothing.
- clew_retention may give up whole expired months of the audit trail, and otherwise reads nothing.
- clew_runner hands out the jobs of every organization; it sees neither what they are about nor what came of them.
- clew_partitioner owns the functions that make partitions on demand; nobody signs in as it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql

from clew.kernel.errors import ConfigurationError

AnyConnection = psycopg.Connection[Any]

OWNER = "clew_owner"
MIGRATOR = "clew_migrator"
APPLICATION = "clew_application"
DIRECTORY = "clew_directory"
AUTHENTICATOR = "clew_authenticator"
PROJECTOR = "clew_projector"
SEALER = "clew_sealer"
AUDITOR = "clew_auditor"
RETENTION = "clew_retention"
RUNNER = "clew_runner"
PARTITIONER = "clew_partitioner"
LOGIN_ROLES = (MIGRATOR, APPLICATION, DIRECTORY, AUTHENTICATOR, PROJECTOR, SEALER, AUDITOR, RETENTION, RUNNER)
ALL_ROLES = (OWNER, PARTITIONER, *LOGIN_ROLES)
# Who may act as whom. The partitioner makes tables for the owner; the migrator hands functions to the partitioner.
MEMBERSHIPS = ((OWNER, MIGRATOR), (OWNER, PARTITIONER), (PARTITIONER, MIGRATOR))
# What a session of that login acts as.
ACTS_AS = {MIGRATOR: OWNER}
ATTRIBUTES = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# Roles are shared by all databases of a server, so no lock of one database keeps two installations apart: what the
# other one did first shows as one of these errors, and looking again finds it done.
ATTEMPTS = 20
DONE_BY_ANOTHER = (
    psycopg.errors.DuplicateObject,
    psycopg.errors.UniqueViolation,
    psycopg.errors.InternalError_,  # "tuple concurrently updated"
)


def bootstrap_roles(connection: AnyConnection, passwords: Mapping[str, str], *, login: str | None = None) -> None:
    """Make the roles that are missing and their memberships; roles in `passwords` can sign in with them.

    The others cannot sign in: `grant_roles` lets a login of the user's own act as them. May be called again, and by
    two at once. Raises ConfigurationError, with the SQL for an administrator (who is to grant the roles to `login`,
    by default the connection's own), if the connection may not make roles.
    """

    def make() -> None:
        present = {str(name) for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in ALL_ROLES:
            if role not in present:
                connection.execute(_create_role(role))
        for role, password in passwords.items():
            _set_login(connection, role, password)
        for group, member in _missing_memberships(connection, MEMBERSHIPS):
            connection.execute(_grant(group, member))

    _carry_out(connection, make, login or connection.info.user)


def grant_roles(connection: AnyConnection, login: str) -> None:
    """Let a login of the user's own act as every role of the product.

    Raises ConfigurationError, with the SQL for an administrator, if the connection may not grant them.
    """

    def grant() -> None:
        for group, member in _missing_memberships(connection, [(role, login) for role in ALL_ROLES]):
            connection.execute(_grant(group, member))

    _carry_out(connection, grant, login)


def create_database(connection: AnyConnection, database: str) -> None:
    """Make the database, owned by clew_owner, unless it is there. The connection must be in autocommit mode."""
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return
    statement = sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0")
    connection.execute(statement.format(sql.Identifier(database), sql.Identifier(OWNER)))


def grant_database(connection: AnyConnection, database: str, *, exclusive: bool) -> None:
    """Let the product's roles enter the database, make temporary tables (its stages are), and the owner make schemas.

    `exclusive` keeps everybody else out: right for a database of our own, not for one on somebody's server.
    """
    if exclusive:
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
    elif _may_use(connection, database):
        return
    try:
        for statement in _database_grants(database):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        lines = "".join(f"{line.as_string(None)};\n" for line in _database_grants(database))
        raise ConfigurationError(
            f"database login {connection.info.user} may not give clew's roles access to database {database}",
            where="CLEW_DATABASE_ADMIN_URL",
            remedy=f"let the database's owner run:\n{lines}",
        ) from error


def statements_for_administrator(login: str, database: str) -> str:
    """SQL that an administrator runs once, in that database, when the product's own login may not make roles."""
    lines = [_create_role(role) for role in ALL_ROLES]
    lines += [_grant(group, member) for group, member in MEMBERSHIPS]
    lines += [_grant(role, login) for role in ALL_ROLES]
    lines += _database_grants(database)
    return "".join(f"{line.as_string(None)};\n" for line in lines)


def _database_grants(database: str) -> list[sql.Composed]:
    name, owner = sql.Identifier(database), sql.Identifier(OWNER)
    roles = sql.SQL(", ").join(map(sql.Identifier, ALL_ROLES))
    return [
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, roles),
        sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(name, owner),
        sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(owner),
    ]


def _may_use(connection: AnyConnection, database: str) -> bool:
    row = connection.execute(
        "SELECT bool_and(has_database_privilege(role, %(database)s, 'CONNECT'))"
        " AND bool_and(has_database_privilege(role, %(database)s, 'TEMPORARY'))"
        " AND has_database_privilege(%(owner)s, %(database)s, 'CREATE')"
        " AND has_schema_privilege(%(owner)s, 'public', 'CREATE') FROM unnest(%(roles)s::text[]) AS role",
        {"database": database, "owner": OWNER, "roles": list(ALL_ROLES)},
    ).fetchone()
    return bool(row and row[0])


def _carry_out(connection: AnyConnection, change: Callable[[], None], login: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.transaction():
                change()
        except psycopg.errors.InsufficientPrivilege as error:
            statements = statements_for_administrator(login, connection.info.dbname)
            raise ConfigurationError(
                f"database login {connection.info.user} may not make and grant the roles that clew needs",
                where="CLEW_DATABASE_ADMIN_URL",
                remedy=f"let an administrator of that server run:\n{statements}",
            ) from error
        except DONE_BY_ANOTHER:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def _create_role(role: str) -> sql.Composed:
    return sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(role), sql.SQL(ATTRIBUTES))


def _grant(group: str, member: str) -> sql.Composed:
    return sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(member))


def _set_login(connection: AnyConnection, role: str, password: str) -> None:
    # The server gets the verifier only: the password itself shows in no log and no statistics.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(verifier.decode("ascii"))))


def _missing_memberships(connection: AnyConnection, wanted: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    # Since 16 whoever makes a role is a member of it, but not one who may act as it.
    needed = "SET" if connection.info.server_version >= 160_000 else "MEMBER"
    query = "SELECT pg_has_role(%s, %s, %s)"
    return [
        (group, member)
        for group, member in wanted
        if connection.execute(query, [member, group, needed]).fetchone() != (True,)
    ]
