"""Peers over the API: a change is made only to the state that its caller has seen."""

import sqlalchemy as sa

from clew.domains.exchange.tables import peers
from tests.support.api import Api, problem


def test_a_peer_is_changed_only_in_the_state_that_was_seen(api: Api) -> None:
    admin = api.person(api.organization(), "admin")
    with api.database.transaction(admin.tenant.context) as connection:
        row = {"organization_id": admin.tenant.id, "name": "theirs", "kind": "misp", "base_url": "https://x.example/"}
        peer = connection.scalar(sa.insert(peers).values(row).returning(peers.c.id))
    place, headers = f"/api/v1/exchange/peers/{peer}", admin.headers["key"]
    seen = api.client.get(place, headers=headers)
    match = headers | {"If-Match": seen.headers["etag"]}
    changed = api.client.patch(place, json={"is_active": False}, headers=match)
    assert (changed.status_code, changed.json()["is_active"]) == (200, False), changed.text
    problem(api.client.patch(place, json={"is_active": True}, headers=match), 412, "precondition")
    after = api.client.get(place, headers=headers)
    assert (after.json(), after.headers["etag"]) == (changed.json(), changed.headers["etag"])
