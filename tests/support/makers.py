"""Real things for what paths name: for every name of a path parameter, how one is made in an organization.

A route whose path has a parameter that is missing here fails the matrix: add a line to MAKERS.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa

from clew.domains.identity.api_keys import create_key
from clew.domains.identity.invitations import invite
from clew.domains.identity.roles import add_role, create_role
from clew.domains.identity.sessions import begin_session
from clew.domains.identity.users import User
from clew.domains.investigations.cases import create_investigation
from clew.domains.investigations.targets import add_target
from clew.kernel.clock import system_clock
from tests.support.api import Api
from tests.support.asking import ask
from tests.support.identity import new_user, some_name
from tests.support.record import NOON, Tenant, Writer


class Workshop:
    """Makes things in one organization, one of each kind; what lies in another thing is made in the one made here."""

    def __init__(
        self, api: Api, tenant: Tenant, makers: "Mapping[str, Maker] | None" = None, owner: User | None = None
    ) -> None:
        self.api = api
        self.tenant = tenant
        self._makers = MAKERS if makers is None else makers
        self._made: dict[str, str] = {}
        self._owner = owner

    @property
    def owner(self) -> User:
        """To whom what needs an owner belongs: a new administrator if nobody was named."""
        if self._owner is None:
            self._owner = new_user(self.api.database, self.tenant, role="admin")
        return self._owner

    @property
    def named_user(self) -> UUID | None:
        """Whom the path named before: sessions and roles are looked for at that user."""
        return UUID(self._made["user_id"]) if "user_id" in self._made else None

    def thing(self, parameter: str) -> str:
        """What a path says in that place to mean a thing of this organization."""
        if parameter not in self._made:
            self._made[parameter] = self._makers[parameter].make(self)
        return self._made[parameter]

    def transaction(self) -> contextlib.AbstractContextManager[sa.Connection]:
        return self.api.database.transaction(self.tenant.context)

    @contextlib.contextmanager
    def writer(self) -> Iterator[Writer]:
        with self.transaction() as connection:
            yield Writer(connection, self.tenant)

    def row(self, table: str, **values: Any) -> str:
        """The id of a row of that table with these values."""
        identifier = uuid4()
        with self.writer() as writer:
            if table == "events":
                writer.connection.execute(sa.text("SELECT ensure_partitions('events', ARRAY[DATE '2025-03-01'])"))
            writer.insert(table, id=identifier, **values)
        return str(identifier)


def _absent_id() -> str:
    return str(uuid4())


@dataclass(frozen=True)
class Maker:
    """How a thing is made, and a name like those of such things that none has.

    `shared` is for what is the product's own and the same for every organization, such as the name of a view.
    """

    make: Callable[[Workshop], str]
    absent: Callable[[], str] = _absent_id
    shared: bool = False


def _session(workshop: Workshop) -> str:
    api, tenant = workshop.api, workshop.tenant
    user = workshop.named_user or workshop.owner.id
    with api.database.transaction(tenant.context) as connection:
        made = begin_session(connection, tenant.id, user, limits=api.serving.door.session_limits)
    return str(made.id)


def _api_key(workshop: Workshop) -> str:
    with workshop.transaction() as connection:
        return str(create_key(connection, workshop.tenant.id, workshop.owner.id, scopes=("read",)).id)


def _user(workshop: Workshop) -> str:
    return str(new_user(workshop.api.database, workshop.tenant).id)


def _role(workshop: Workshop) -> str:
    with workshop.transaction() as connection:
        made = create_role(connection, workshop.tenant.id, f"Role {some_name()}")
        if workshop.named_user is not None:
            add_role(connection, workshop.tenant.id, workshop.named_user, made.name)
        return str(made.id)


def _invitation(workshop: Workshop) -> str:
    with workshop.transaction() as connection:
        made, _ = invite(connection, workshop.tenant.id, f"{some_name()}@lantern.example")
        return str(made.id)


def _investigation(workshop: Workshop) -> str:
    with workshop.transaction() as connection:
        return str(create_investigation(connection, workshop.tenant.id, f"Case {some_name()}").id)


def _target(workshop: Workshop) -> str:
    case = UUID(workshop.thing("investigation_id"))
    with workshop.transaction() as connection:
        return str(add_target(connection, workshop.tenant.id, case, f"{some_name()}.example").id)


def _entity(workshop: Workshop) -> str:
    with workshop.writer() as writer:
        return str(writer.entity("domain", f"{some_name()}.example"))


def _relationship(workshop: Workshop) -> str:
    with workshop.writer() as writer:
        above, below = (writer.entity("domain", f"{some_name()}.example") for _ in range(2))
        return str(writer.relationship(below, "SUBDOMAIN_OF", above))


def _attack(workshop: Workshop) -> str:
    with workshop.writer() as writer:
        return str(writer.session("198.51.100.7"))


def _event(workshop: Workshop) -> str:
    return workshop.row("events", occurred_at=NOON, source="cowrie", kind="k", item_id=uuid4())


def _collection(workshop: Workshop) -> str:
    with workshop.writer() as writer:
        return str(writer.collection)


def _source(workshop: Workshop) -> str:
    with workshop.writer() as writer:
        return str(writer.source(f"Source {some_name()}"))


def _held_record(workshop: Workshop) -> str:
    told = {"file_name": "<a>.json", "source": "cowrie", "record": 1, "line": 2, "reason": "bad_json", "detail": "none"}
    return workshop.row("quarantine", collection_item_id=uuid4(), content=b"<script>", **told)


def _job(workshop: Workshop) -> str:
    # On a queue that no runner of these tests looks at, and for later: it stays as it is.
    return workshop.row("jobs", user_id=workshop.owner.id, kind="ingest", run_after=system_clock() + timedelta(days=1))


def _schedule(workshop: Workshop) -> str:
    # For later: no runner of these tests enqueues it.
    later = system_clock() + timedelta(days=1)
    return workshop.row("schedules", name=some_name(), kind="analyze", every_seconds=3600, next_at=later)


def _campaign(workshop: Workshop) -> str:
    made = workshop.row("campaigns", name=f"Campaign {some_name()}", confidence=0.9, first_seen=NOON, last_seen=NOON)
    with workshop.writer() as writer:
        for number in range(1, 5):
            writer.insert(
                "campaign_members",
                campaign_id=made,
                source_ip=f"198.51.100.{number}",
                confidence=0.9,
                first_seen=NOON,
                last_seen=NOON,
                session_ids=[uuid4()],
            )
    return made


def _analysis(workshop: Workshop) -> str:
    return workshop.row("analysis_sessions", status="completed", user_id=workshop.owner.id)


def _upload(workshop: Workshop) -> str:
    # By the API itself: an upload is a row and a place on the disk.
    headers = workshop.api.headers(
        workshop.tenant, new_user(workshop.api.database, workshop.tenant, role="admin"), "key"
    )
    made = ask(
        workshop.api,
        "POST",
        "/api/v1/uploads",
        headers | {"Content-Type": "application/json"},
        body=json.dumps({"file_name": "a.json"}).encode(),
    )
    assert made.status == 201, made.content
    return str(json.loads(made.content)["id"])


def _document(workshop: Workshop) -> str:
    entity = UUID(workshop.thing("entity_id"))
    return workshop.row("enriched_data", entity_id=entity, enrichment_type="registration", data='{"<b>": 1}')


def _name(text: str) -> Maker:
    return Maker(lambda _workshop: text, absent=lambda: f"no-{text}", shared=True)


MAKERS: Final[dict[str, Maker]] = {
    "analysis_id": Maker(_analysis),
    "attack_id": Maker(_attack),
    "campaign_id": Maker(_campaign),
    "collection": _name("enriched_data"),
    "collection_id": Maker(_collection),
    "document_id": Maker(_document),
    "entity_id": Maker(_entity),
    "event_id": Maker(_event),
    "investigation_id": Maker(_investigation),
    "invitation_id": Maker(_invitation),
    "job_id": Maker(_job),
    "key": _name("theme"),
    "key_id": Maker(_api_key),
    "name": _name("search"),
    "record_id": Maker(_held_record),
    "relationship_id": Maker(_relationship),
    "role_id": Maker(_role),
    "schedule_id": Maker(_schedule),
    "session_id": Maker(_session),
    "source_id": Maker(_source),
    "target_id": Maker(_target),
    "upload_id": Maker(_upload),
    "user_id": Maker(_user),
}
