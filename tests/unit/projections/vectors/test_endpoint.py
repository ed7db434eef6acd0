"""Vectors from an endpoint: a real server on loopback that speaks the protocol, well and in every bad way."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.embedding.endpoint import Endpoint, EndpointEmbedder
from clew.projections.vectors.embedding.ngrams import NgramEmbedder
from clew.projections.vectors.embedding.port import Spent
from clew.projections.vectors.errors import EmbeddingError, EmbeddingUnavailableError
from clew.projections.vectors.port import Model
from clew.projections.vectors.precision import at_stored_precision
from tests.support.embedding_server import KEY, Answer, EmbeddingServer, embedding_server, told

MODEL = Model("suite", 16, "1")
TEXTS = [f"the harbour lantern {number}" for number in range(10)]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as served:
        yield served


def embedder(server: EmbeddingServer, **rest: Any) -> closing[EndpointEmbedder]:
    given: dict[str, Any] = {"url": server.url, "key": KEY, "batch": 4, "pause_seconds": 0.001}
    return closing(EndpointEmbedder(Endpoint(**(given | rest)), MODEL))


def test_texts_are_sent_in_batches_and_vectors_put_in_the_order_of_the_texts(server: EmbeddingServer) -> None:
    with embedder(server, usd_per_million_tokens=2.0) as made:
        embedded = made.embed([*TEXTS, "", "  \n"])
    expected = at_stored_precision(NgramEmbedder(16).embed(TEXTS).vectors)
    assert np.allclose(at_stored_precision(embedded.vectors[:10]), expected, atol=1e-3)
    assert not embedded.vectors[10:].any()
    assert [len(body["input"]) for body in server.asked] == [4, 4, 2]
    assert server.asked[0]["model"] == "suite"
    assert "dimensions" not in server.asked[0]
    assert embedded.spent == Spent(3, 10, 40, embedded.spent.usd)
    assert embedded.spent.usd == pytest.approx(40 * 2.0 / 1e6)


def test_shorter_vectors_are_asked_for(server: EmbeddingServer) -> None:
    with embedder(server, shortens=True) as made:
        made.embed(TEXTS[:1])
    assert server.asked[0]["dimensions"] == 16


@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_what_may_pass_is_tried_again(server: EmbeddingServer, status: int) -> None:
    server.faults += [lambda _: told(status, {}, Retry_After="0"), lambda _: told(502, "busy")]
    with embedder(server) as made:
        assert made.embed(TEXTS[:2]).vectors.any(axis=1).all()
    assert len(server.asked) == 3


def test_an_endpoint_that_stays_away_is_told_so(server: EmbeddingServer) -> None:
    server.faults += [lambda _: told(503, {"error": {"message": "overloaded"}})] * 5
    with embedder(server) as made, pytest.raises(EmbeddingUnavailableError, match="answers 503: overloaded") as away:
        made.embed(TEXTS[:1])
    assert away.value.transient
    assert len(server.asked) == 5


def test_a_closed_port_is_an_endpoint_that_is_away() -> None:
    with embedding_server() as served:
        url = served.url
    endpoint = Endpoint(url=url, pause_seconds=0.001)
    with closing(EndpointEmbedder(endpoint, MODEL)) as made, pytest.raises(EmbeddingUnavailableError, match="Connect"):
        made.embed(TEXTS[:1])


def test_a_wrong_key_or_model_is_a_matter_of_the_settings(server: EmbeddingServer) -> None:
    with embedder(server, key="wrong") as made, pytest.raises(ConfigurationError, match="refuses the key") as refused:
        made.embed(TEXTS[:1])
    assert "wrong" not in str(refused.value)
    server.faults.append(lambda _: told(404, {"error": {"message": "model not found"}}))
    with embedder(server) as made, pytest.raises(ConfigurationError, match="no model 'suite'"):
        made.embed(TEXTS[:1])
    with embedder(server, url=f"{server.url}/nowhere") as made, pytest.raises(ConfigurationError, match="no model"):
        made.embed(TEXTS[:1])
    assert len(server.asked) == 2


def entry(index: object, embedding: object) -> dict[str, object]:
    return {"index": index, "embedding": embedding}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"data": []}, "0 vectors for 1"),
        ({"data": "none"}, "no list of vectors"),
        ([], "no list of vectors"),
        ({}, "no list of vectors"),
        ({"data": [entry(0, [1.0] * 15)]}, "15 numbers where"),
        ({"data": [entry(0, [1.0] * 15 + [None])]}, "not|points nowhere|something else"),
        ({"data": [entry(0, [float("nan")] * 16)]}, "points nowhere"),
        ({"data": [entry(0, [1e300] * 16)]}, "points nowhere|something else"),
        ({"data": [entry(0, [0.0] * 16)]}, "points nowhere"),
        ({"data": [entry(0, [[1.0]] * 16)]}, "points nowhere|something else"),
        ({"data": [entry(0, "AAAA")]}, "no list of numbers"),
        ({"data": [entry(1, [1.0] * 16)]}, "names text 1 of 1"),
        ({"data": [entry(-1, [1.0] * 16)]}, "names text -1 of 1"),
        ({"data": [entry("0", [1.0] * 16)]}, "names text '0' of 1"),
        ({"data": ["x"]}, "names text None of 1"),
        ({"data": [entry(0, [1.0] * 16)] * 2}, "2 vectors for 1"),
    ],
)
def test_nothing_of_a_bad_answer_is_believed(server: EmbeddingServer, content: object, reason: str) -> None:
    server.faults.append(lambda _: told(200, content))
    with embedder(server) as made, pytest.raises(EmbeddingError, match=reason):
        made.embed(TEXTS[:1])
    assert len(server.asked) == 1


def test_the_same_text_twice_in_an_answer_is_refused(server: EmbeddingServer) -> None:
    server.faults.append(lambda _: told(200, {"data": [entry(0, [1.0] * 16)] * 2}))
    with embedder(server) as made, pytest.raises(EmbeddingError, match="names text 0 of 2"):
        made.embed(TEXTS[:2])


@pytest.mark.parametrize(("status", "content"), [(200, b"<html>"), (400, b'{"error": "too long"}'), (422, b"")])
def test_what_is_no_answer_is_not_tried_again(server: EmbeddingServer, status: int, content: bytes) -> None:
    server.faults.append(lambda _: (status, {}, content))
    with embedder(server) as made, pytest.raises(EmbeddingError):
        made.embed(TEXTS[:1])
    assert len(server.asked) == 1


def test_a_usage_that_is_none_counts_nothing(server: EmbeddingServer) -> None:
    usages: list[object] = [{"total_tokens": -5}, {"total_tokens": "many"}, None, {"total_tokens": True}]

    def odd(body: dict[str, Any]) -> Answer:
        return told(200, server.good(body) | {"usage": usages.pop()})

    server.faults += [odd] * 4
    with embedder(server) as made:
        assert [made.embed(TEXTS[:1]).spent.tokens for _ in range(4)] == [0, 0, 0, 0]
