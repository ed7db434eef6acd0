"""What is guessed from a user name says nothing of who guesses."""

import polars as pl

from clew.analysis.coordination.commonplace import commonplace
from clew.analysis.coordination.kinds import BY_NAME


def known(kind: str, *texts: str) -> set[str]:
    """Which of these texts everybody knows."""
    rows = {"kind": BY_NAME[kind].number, "value": range(len(texts)), "text": texts}
    glossary = pl.DataFrame(rows, schema={"kind": pl.UInt8, "value": pl.UInt64, "text": pl.String})
    return {texts[value] for value in commonplace(glossary)["value"]}


def test_what_is_guessed_from_a_user_name_is_known_to_everybody() -> None:
    guessed = ["test\0test", "Oracle\0oracle", "deploy\0", "admin\0nimda", "pi\0raspberry"]
    assert known("credential", *guessed, "deploy\0tested", "test\0test1", "\0x") == set(guessed)
