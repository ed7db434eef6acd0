"""clew-ngrams on the kinds of texts that it is for: what a person would call alike comes first."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.vectors.embedding.ngrams import NgramEmbedder, fold
from clew.projections.vectors.precision import at_stored_precision, digest_of

DOMAINS = (
    "paypal.com", "paypa1.com", "paypal-login.com", "secure-paypal.net", "google.com", "gooogle.com", "mail.google.com",
    "example.com", "lantern-harbour.example", "lanternharbour.example", "harbour-lantern.org", "amazon.com",
    "amaz0n-secure.com", "facebook.com", "faceb00k.com", "bank-of-america.com", "wickandwax.test", "microsoft.com",
    "rnicrosoft.com", "update-microsoft.net", "github.com", "gitlab.com", "raw.githubusercontent.com",
)  # fmt: skip
NAMES = (
    "lanternkeeper", "lanternkeeper_example", "lantern.keeper", "lanternkeeper99", "lkeeper", "keeper_of_lanterns",
    "johnsmith", "john_smith", "j.smith", "darkwolf", "d4rkw0lf", "dark_wolf_77", "xXdarkwolfXx", "alice", "alicia",
    "bob", "crypto_queen", "cryptoqueen2021", "CryptoQueen", "night.owl", "nightowl", "owl_at_night",
)  # fmt: skip
POSTS = (
    "Selling fresh combo lists, 2.3 million lines, contact on Telegram @harbourcombo",
    "SELLING FRESH combo lists: 2.5 million lines – contact via telegram @harbour_combo",
    "fresh combo list for sale, 2.3M lines, telegram only",
    "The lighthouse will be closed for repairs until the end of March.",
    "Our lighthouse is closed for repairs; it opens again at the end of March",
    "New exploit for the router's web interface, proof of concept attached",
    "Proof of concept for an exploit of the web interface of routers",
    "Recipe: boil the potatoes, add butter and salt, mash, serve hot.",
    "Wir verkaufen frische Kombolisten, Kontakt über Telegram",
    "Boat for sale, two engines, three berths, lying in the harbour",
)


def best(question: str, texts: tuple[str, ...], count: int, dimension: int = 384) -> set[str]:
    """The texts most like the question, without itself."""
    vectors = at_stored_precision(NgramEmbedder(dimension).embed([*texts, question]).vectors)
    order = np.argsort(-(vectors[:-1] @ vectors[-1]), kind="stable")
    return set([texts[number] for number in order if texts[number] != question][:count])


@pytest.mark.parametrize(
    ("question", "alike"),
    [
        ("paypal.com", {"paypa1.com", "paypal-login.com"}),
        ("gogle.com", {"google.com", "gooogle.com"}),
        ("faceboook.com", {"facebook.com", "faceb00k.com"}),
        ("lantern-harbour.example", {"lanternharbour.example", "harbour-lantern.org"}),
        ("www.amazon-secure.com", {"amazon.com", "amaz0n-secure.com"}),
        ("microsoft-update.com", {"update-microsoft.net", "microsoft.com"}),
    ],
)
def test_look_alike_domains_come_first(question: str, alike: set[str]) -> None:
    assert best(question, DOMAINS, len(alike)) == alike


@pytest.mark.parametrize(
    ("question", "alike"),
    [
        ("lanternkeeper_", {"lanternkeeper", "lanternkeeper_example", "lanternkeeper99", "lantern.keeper"}),
        ("darkwolf", {"d4rkw0lf", "xXdarkwolfXx", "dark_wolf_77"}),
        ("john.smith", {"john_smith", "johnsmith", "j.smith"}),
        ("cryptoqueen", {"CryptoQueen", "cryptoqueen2021", "crypto_queen"}),
        ("night_owl", {"night.owl", "nightowl", "owl_at_night"}),
    ],
)
def test_variants_of_a_user_name_come_first(question: str, alike: set[str]) -> None:
    assert best(question, NAMES, len(alike)) == alike


@pytest.mark.parametrize(("question", "alike"), [(0, {1, 2}), (3, {4}), (5, {6})])
def test_near_duplicate_texts_come_first(question: int, alike: set[int]) -> None:
    assert best(POSTS[question], POSTS, len(alike), 768) == {POSTS[number] for number in alike}


def test_the_vectors_are_these_very_numbers_on_every_machine() -> None:
    vectors = at_stored_precision(
        NgramEmbedder(384).embed(["lantern-harbour.example", "Ünïcode 日本語 paypa1"]).vectors
    )
    assert [digest_of(vector).hex() for vector in vectors] == [
        "ed549fdf50d4154d96dbf72756a42cf3",
        "5168a4601129eaa9fcc4e6da715d5276",
    ]


@given(st.lists(st.text(max_size=60), max_size=12))
def test_a_text_has_one_vector_whatever_is_embedded_beside_it(texts: list[str]) -> None:
    embedder = NgramEmbedder(64)
    together = embedder.embed(texts).vectors
    assert together.shape == (len(texts), 64)
    for text, vector in zip(texts, together, strict=True):
        assert np.array_equal(embedder.embed([text]).vectors[0], vector)
        assert vector.any() == bool(fold(text))


@given(st.text(max_size=60))
def test_case_and_accents_do_not_count(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded or any(each.isdigit() for each in folded)
    decomposed = unicodedata.normalize("NFD", text)
    assert fold(decomposed) == fold(unicodedata.normalize("NFC", text)) == folded


def test_long_texts_are_cut_and_many_texts_are_taken_in_pieces() -> None:
    embedder = NgramEmbedder(64)
    long = "harbour lantern " * 100_000
    assert np.array_equal(embedder.embed([long]).vectors, embedder.embed([long[:32_768]]).vectors)
    many = [f"text {number} " * 40 for number in range(4_000)]
    assert np.array_equal(embedder.embed(many).vectors[3_999], embedder.embed(many[3_999:]).vectors[0])
