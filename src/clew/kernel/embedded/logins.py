"""Roles, passwords and the database of a freshly started embedded server."""

import psycopg

from clew.kernel.embedded.cluster import SUPERUSER
from clew.kernel.embedded.layout import Layout
from clew.kernel.embedded.passwords import ensure_password, password_of
from clew.kernel.embedded.process import Postmaster
from clew.kernel.roles import LOGIN_ROLES, bootstrap_roles, create_database, grant_database


def set_up_logins(layout: Layout, running: Postmaster, database: str) -> None:
    """Make what is missing of the roles and the database; cheap when nothing is. Under the start lock.

    A login whose password file was lost gets a new password.
    """
    passwords = {role: ensure_password(layout, role) for role in LOGIN_ROLES}
    connection = psycopg.connect(
        host=str(running.socket_directory),
        port=running.port,
        user=SUPERUSER,
        password=password_of(layout, SUPERUSER),
        dbname="postgres",
        autocommit=True,
    )
    with connection:
        bootstrap_roles(connection, passwords)
        create_database(connection, database)
        grant_database(connection, database, exclusive=True)
