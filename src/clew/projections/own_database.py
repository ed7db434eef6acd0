"""A database that a view opens for itself, because views are made from settings alone."""

import weakref

from clew.kernel.database import Database
from clew.kernel.settings import Settings


class OwnDatabase:
    """Opened when it is first asked for, and closed when nobody has this any more: views have no end of their own."""

    def __init__(self, settings: Settings, database: Database | None = None) -> None:
        self.settings = settings
        self._database = database

    @property
    def opened(self) -> Database:
        """The database."""
        if self._database is None:
            self._database = Database(self.settings)
            weakref.finalize(self, self._database.close)
        return self._database
