"""What is guessed from a user name says nothing of who guesses."""

import polars as pl

from clew.analysis.coordination.analysis import look
from clew.analysis.coordination.commonplace import commonplace
from clew.analysis.coordination.kinds import BY_NAME
from tests.support.attack_frames import DAY, Sheet


def known(kind: str, *texts: str) -> set[str]:
    """Which of these texts everybody knows."""
    rows = {"kind": BY_NAME[kind].number, "value": range(len(texts)), "text": texts}
    glossary = pl.DataFrame(rows, schema={"kind": pl.UInt8, "value": pl.UInt64, "text": pl.String})
    return {texts[value] for value in commonplace(glossary)["value"]}


def test_what_is_guessed_from_a_user_name_is_known_to_everybody() -> None:
    guessed = ["test\0test", "Oracle\0oracle", "deploy\0", "admin\0nimda", "pi\0raspberry"]
    assert known("credential", *guessed, "deploy\0tested", "test\0test1", "\0x") == set(guessed)


GUESSERS = tuple(f"203.0.{number}.9" for number in range(10))


def commonness(*logins: str) -> float:
    """How many sources the habit counts as having that ten of a thousand have, who all try these logins."""
    sheet = Sheet(5).ordinary(990)
    for source in GUESSERS:
        sheet.add(source, sheet.random.uniform(0, DAY), credentials=list(logins))
    found = look(sheet.frame())
    guesser = found.addresses.index_of(GUESSERS[0])
    rows = found.ready.weighed.habits.filter(
        pl.col("source") == guesser, pl.col("kind") == BY_NAME["credential"].number
    )
    (sources,) = rows["sources"]
    return float(sources)


def test_a_list_is_no_commoner_for_a_login_in_it_that_everybody_knows() -> None:
    assert commonness("postgres\0qwe-1", "postgres\0qwe-2", "postgres\0postgres") == len(GUESSERS)
    assert commonness("postgres\0qwe-1", "postgres\0qwe-2") == len(GUESSERS)


def test_a_list_of_nothing_but_what_everybody_knows_is_known_to_everybody() -> None:
    assert commonness("postgres\0postgres", "oracle\0oracle") == 50
