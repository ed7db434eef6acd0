"""Access tokens that were tampered with, at the edge where they arrive."""

import base64
import json
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from clew.domains.identity.signing_keys import rotate_signing_keys, signing_sealer
from clew.kernel.roles import AUTHENTICATOR
from tests.support.api import Api, problem

SESSION = "/api/v1/session"


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def token_of(api: Api) -> str:
    person = api.person(api.organization(), "admin")
    return person.headers["token"]["Authorization"].removeprefix("Bearer ")


def refused(api: Api, token: str) -> None:
    problem(api.client.get(SESSION, headers={"Authorization": f"Bearer {token}"}), 401, "authentication")


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "HS256", "RS256", "EdDSA "])
def test_what_a_token_says_about_its_algorithm_changes_nothing(api: Api, algorithm: str) -> None:
    token = token_of(api)
    header, claims, signature = token.split(".")
    said = jwt.get_unverified_header(token) | {"alg": algorithm}
    refused(api, f"{part(said)}.{claims}.")
    refused(api, f"{part(said)}.{claims}.{signature}")
    assert header != part(said)


def test_the_public_key_is_no_shared_secret(api: Api) -> None:
    token = token_of(api)
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    public = next(key for key in api.client.get("/.well-known/jwks.json").json()["keys"] if key["kid"] == header["kid"])
    secret = base64.urlsafe_b64decode(public["x"] + "==").ljust(32, b"\0")
    refused(api, jwt.encode(claims, secret, "HS256", {"kid": header["kid"], "typ": header["typ"]}))


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "", "x" * 3000, None, 7])
def test_a_made_up_key_leads_nowhere(api: Api, kid: object) -> None:
    token = token_of(api)
    _, claims, signature = token.split(".")
    refused(api, f"{part(jwt.get_unverified_header(token) | {'kid': kid})}.{claims}.{signature}")


def test_changed_claims_need_a_new_signature(api: Api) -> None:
    token, other = token_of(api), token_of(api)
    header, _, signature = token.split(".")
    refused(api, f"{header}.{other.split('.')[1]}.{signature}")


def test_a_token_that_was_read_once_is_read_again_and_ends_with_its_session(api: Api) -> None:
    token = token_of(api)
    shown = {"Authorization": f"Bearer {token}"}
    for _ in range(2):
        assert api.client.get(SESSION, headers=shown).status_code == 200
    assert api.client.delete(SESSION, headers=shown).status_code == 204
    refused(api, token)


def test_after_the_keys_were_rotated_twice_old_tokens_count_only_as_long_as_they_live(api: Api) -> None:
    token = token_of(api)
    sealer = signing_sealer(api.serving.secret)
    with api.database.transaction(None, AUTHENTICATOR) as connection:
        assert rotate_signing_keys(connection, sealer)
    new = token_of(api)
    for each in (token, new):
        assert api.client.get(SESSION, headers={"Authorization": f"Bearer {each}"}).status_code == 200
    with api.database.transaction(None, AUTHENTICATOR) as connection:
        connection.execute(
            sa.text("UPDATE signing_keys SET retired_at = now() - interval '1 day' WHERE state = 'retired'")
        )
    api.serving.desk._read_at = None  # as a minute later
    refused(api, token)


@pytest.mark.parametrize(
    "shown", ["Bearer", "Bearer ", "Basic YTpi", "bearer\tx", "Bearer " + "a" * 5000, "Bearer a.b"]
)
def test_what_is_no_token_is_refused_like_any_other(api: Api, shown: str) -> None:
    problem(api.client.get(SESSION, headers={"Authorization": shown}), 401, "authentication")
