"""Access tokens: what is taken, and every way of forging one that is not."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from clew.domains.identity.access_tokens import TokenRules, issue_access_token, read_access_token
from clew.domains.identity.signing_keys import KeyRing
from clew.kernel.errors import AuthenticationError
from tests.support.identity import StoppedClock

RULES = TokenRules("https://clew.example", timedelta(minutes=5))
KEY = Ed25519PrivateKey.generate()
RING = KeyRing("one", KEY, {"one": KEY.public_key()}, datetime(2025, 1, 1, tzinfo=UTC))
CLOCK = StoppedClock()
WHO: dict[str, Any] = {"organization_id": uuid4(), "user_id": uuid4(), "session_id": uuid4()}


def issued(clock: StoppedClock = CLOCK) -> str:
    return issue_access_token(RING, RULES, **WHO, clock=clock)


def said(**changes: Any) -> dict[str, Any]:
    claims = jwt.decode(issued(), options={"verify_signature": False})
    return {name: value for name, value in (claims | changes).items() if value is not None}


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "EdDSA", **header: Any) -> str:
    return jwt.encode(claims, key, algorithm, {"kid": "one", "typ": "at+jwt"} | header)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def refused(token: str, clock: StoppedClock = CLOCK) -> None:
    with pytest.raises(AuthenticationError, match="not valid") as caught:
        read_access_token(RING, RULES, token, clock=clock)
    assert caught.value.__cause__ is None


def test_a_token_says_who_and_for_how_long() -> None:
    claims = read_access_token(RING, RULES, issued(), clock=CLOCK)
    assert {name: getattr(claims, name) for name in WHO} == WHO
    assert claims.expires_at == CLOCK() + RULES.lifetime
    assert jwt.get_unverified_header(issued()) == {"alg": "EdDSA", "kid": "one", "typ": "at+jwt"}
    assert said().keys() == {"iss", "aud", "sub", "org", "sid", "iat", "exp", "jti"}
    assert read_access_token(RING, RULES, issued(), clock=CLOCK).token_id != claims.token_id


def test_it_ends_by_the_clock_that_is_passed_in() -> None:
    clock = StoppedClock()
    token = issued(clock)
    clock.advance(minutes=4, seconds=59)
    read_access_token(RING, RULES, token, clock=clock)
    clock.advance(seconds=1)
    refused(token, clock)
    clock.advance(minutes=-10)
    refused(token, clock)  # from the future


def test_no_other_algorithm_is_taken_whatever_the_header_says() -> None:
    public = KEY.public_key()
    raw = public.public_bytes_raw()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("none", "None", "NONE", ""):
        refused(f"{part({'alg': algorithm, 'kid': 'one', 'typ': 'at+jwt'})}.{part(said())}.")
    for secret in (raw, pem, pem.strip(), base64.b64encode(raw)):  # the public key as the secret of an HMAC
        for algorithm in ("HS256", "EdDSA"):
            body = f"{part({'alg': algorithm, 'kid': 'one', 'typ': 'at+jwt'})}.{part(said())}"
            mac = base64.urlsafe_b64encode(hmac.digest(secret, body.encode(), hashlib.sha256)).rstrip(b"=").decode()
            refused(f"{body}.{mac}")
    refused(signed(said(), ec.generate_private_key(ec.SECP256R1()), "ES256"))


def test_no_key_is_taken_from_the_token_itself() -> None:
    forger = Ed25519PrivateKey.generate()
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(forger.public_key()))
    for header in ({}, {"jwk": jwk}, {"jku": "https://forger.example/keys"}, {"x5u": "https://forger.example/"}):
        refused(signed(said(), forger, **header))


@pytest.mark.parametrize("kid", ["two", "", "../one", "one ", "one' OR '1'='1", "\x00"])
def test_an_unknown_key_is_refused(kid: str) -> None:
    refused(signed(said(), kid=kid))


def test_a_token_of_another_kind_issuer_or_audience_is_refused() -> None:
    read_access_token(RING, RULES, signed(said()), clock=CLOCK)
    refused(signed(said(), typ="JWT"))
    refused(signed(said(iss="https://other.example")))
    refused(signed(said(aud="another-api")))
    refused(signed(said(aud=["another-api"])))
    refused(signed(said(), crit=["b64"], b64=False))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "org", "sid", "iat", "exp", "jti"])
def test_nothing_may_be_missing(name: str) -> None:
    refused(signed(said(**{name: None})))


@pytest.mark.parametrize(
    "changes",
    [{"exp": "soon"}, {"exp": 10**30}, {"exp": -1}, {"iat": "x"}, {"org": "nobody"}, {"sid": 7}, {"sub": "x"}],
)
def test_claims_of_the_wrong_form_are_refused_quietly(changes: dict[str, Any]) -> None:
    # PyJWT itself refuses to write some of them
    body = f"{part({'alg': 'EdDSA', 'kid': 'one', 'typ': 'at+jwt'})}.{part(said(**changes))}"
    signature = base64.urlsafe_b64encode(KEY.sign(body.encode())).rstrip(b"=").decode()
    refused(f"{body}.{signature}")


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda content: content.decode("latin-1")))
def test_garbage_is_refused_and_raises_nothing_else(text: str) -> None:
    refused(text)
    refused(f"{issued().rsplit('.', 1)[0]}.{text}")


@given(st.integers(0, 10_000), st.characters(codec="ascii", exclude_characters="."))
def test_no_character_can_be_changed(position: int, character: str) -> None:
    token = issued()
    place = position % (len(token) - 1)  # the last one carries bits that mean nothing
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        refused(changed)


def test_a_book_is_refused_unread() -> None:
    refused("a" * 5000)


def test_a_ring_shows_no_private_key() -> None:
    assert "private" not in repr(RING)
    assert {key["kty"] for key in RING.jwks()["keys"]} == {"OKP"}
    assert all("d" not in key for key in RING.jwks()["keys"])
