"""How `clew search` gets at the view: directly if it is surely up to date, else by way of the database."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from clew.cli.options import Invocation
from clew.cli.refusal import require_local
from clew.domains.audit.read_spool import Reader, leave_read
from clew.domains.identity.operator import operator_id
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings, load_settings
from clew.projections.search.port import SearchReader
from clew.projections.search_place import is_behind, organization_ids, search_view
from clew.records.act import Act


@dataclass(frozen=True, slots=True)
class OpenedSearch:
    """A reader of the view, and the organization to read."""

    reader: SearchReader
    organization_id: UUID
    settings: Settings

    def tell(self, event_type: str, asked: dict[str, object], found: int) -> None:
        """Tell the audit trail what was looked for, before it is shown.

        The line waits on disk for the next process that has the database open: no server is started for it. Raises
        DatabaseUnavailableError if it cannot be written.
        """
        reader = Reader(self.organization_id, operator_id(self.organization_id))
        act = Act(event_type, "READ", "search", request=asked, response={"found": found})
        leave_read(self.settings.data_dir, reader, act)


@contextlib.contextmanager
def opened_search(call: Invocation) -> Iterator[OpenedSearch]:
    """The view of the organization that the call names.

    With the embedded database everything that changes the record runs on this machine and notes it beside the view:
    where no note was left behind, the view is read as it is, and no server is started. Otherwise the view follows
    first, or is built. Raises ConfigurationError where search is switched off, and what `opened_record` raises.
    """
    require_local(call)
    # Nothing on the direct way logs, and logging is half of what this command would load.
    settings = load_settings(**({"data_dir": call.data_dir} if call.data_dir else {}))
    if settings.search == "none":
        raise ConfigurationError("search is switched off", where="CLEW_SEARCH", remedy='set it to "tantivy"')
    organization_id = _known_organization(settings, call.slug) or _followed(call)
    with search_view(settings).reader() as reader:
        yield OpenedSearch(reader, organization_id, settings)


def _known_organization(settings: Settings, slug: str) -> UUID | None:
    """The organization's id if the view can be read without asking the database."""
    if settings.database_url is not None or is_behind(settings) or search_view(settings).state() is None:
        return None
    identifier = organization_ids(settings).get(slug)
    return UUID(identifier) if identifier else None


def _followed(call: Invocation) -> UUID:
    from clew.cli.output import note, warn
    from clew.cli.session import opened_record
    from clew.domains.audit.reads import hand_over_reads
    from clew.projections.service import MOST_WAITED_FOR, catch_up, waiting

    with opened_record(call) as record:
        hand_over_reads(record.database)
        changes = waiting(record.database)
        if changes > MOST_WAITED_FOR:
            note(f"the search view takes over {changes:,} changes first")
        if catch_up(record.database) is None:
            warn("the search view is behind the record: `clew projection status` says why")
        return record.organization_id
