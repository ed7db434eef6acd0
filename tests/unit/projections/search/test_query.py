import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import SETS, DocumentSet
from clew.projections.search.port import MAXIMUM_CLAUSES, MAXIMUM_DEPTH
from clew.projections.search.query import Both, Either, Node, Phrase, Without, Word, parse

FIELDS = SETS[DocumentSet.OSINT_ENTITIES]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("  \n ", None),
        ("a", Word("a")),
        ("a b", Both((Word("a"), Word("b")))),
        ("a AND b", Both((Word("a"), Word("b")))),
        ("a OR b c", Either((Word("a"), Both((Word("b"), Word("c")))))),
        ("(a OR b) c", Both((Either((Word("a"), Word("b"))), Word("c")))),
        ("a -b", Both((Word("a"), Without(Word("b"))))),
        ("NOT (a b)", Without(Both((Word("a"), Word("b"))))),
        ("--a", Without(Without(Word("a")))),
        ('"a b"', Phrase("a b")),
        ('name:"a b"', Phrase("a b", "name")),
        ("NAME:a", Word("a", "name")),
        ("nothing:a", Word("nothing:a")),
        ("https://a.example/b", Word("https://a.example/b")),
        ("content://x", Word("content://x")),
        ("a*", Word("a", prefix=True)),
        ("alice~", Word("alice", fuzzy=1)),
        ("alice~2", Word("alice", fuzzy=2)),
        ("tags:red*", Word("red", "tags", prefix=True)),
        ("a-b", Word("a-b")),
        ("a - b", Both((Word("a"), Word("b")))),
        ("ORacle ANDy NOTe", Both((Word("ORacle"), Word("ANDy"), Word("NOTe")))),
        ("or and not", Both((Word("or"), Word("and"), Word("not")))),
        ("a OR", Word("a")),
        ("OR a", Word("a")),
        ("a !!! b", Both((Word("a"), Word("b")))),
    ],
)
def test_texts_become_trees(text: str, tree: Node | None) -> None:
    assert parse(text, FIELDS) == tree


def test_fuzzy_applies_to_plain_words_that_are_long_enough() -> None:
    tree = parse('abc alice constantinople name:alice "alice" ali*', FIELDS, 2)
    assert tree == Both(
        (
            Word("abc"),
            Word("alice", fuzzy=1),
            Word("constantinople", fuzzy=2),
            Word("alice", "name"),
            Phrase("alice"),
            Word("ali", prefix=True),
        )
    )


def test_the_limits_are_what_is_said() -> None:
    assert parse("(" * MAXIMUM_DEPTH + "a" + ")" * MAXIMUM_DEPTH, FIELDS) == Word("a")
    assert parse("a " * MAXIMUM_CLAUSES, FIELDS) is not None
    with pytest.raises(SearchQueryError):
        parse("(" * (MAXIMUM_DEPTH + 1) + "a" + ")" * (MAXIMUM_DEPTH + 1), FIELDS)
    with pytest.raises(SearchQueryError, match="character"):
        parse("a " * (MAXIMUM_CLAUSES + 1), FIELDS)


@given(st.text(alphabet='ab1é東 ():"*~-\t.@ORANDNT', max_size=80))
def test_any_text_is_parsed_or_refused_with_its_place(text: str) -> None:
    try:
        tree = parse(text, FIELDS, 2)
    except SearchQueryError as error:
        assert str(error.where).startswith("text, character ")  # noqa: PT017 - most texts are not refused
    else:
        assert (tree is None) == (not text.strip())
