import pytest

from clew.analysis.coordination import Background, background_of, source_digest
from clew.analysis.coordination.background import nothing
from clew.analysis.coordination.kinds import BY_NAME
from tests.support.attack_frames import GROUP, Sheet


def test_a_sum_counts_every_source_once() -> None:
    whole = background_of(Sheet().ordinary(200).group().frame())
    assert whole + whole == whole
    assert whole + nothing() == whole == nothing() + whole


def test_counts_are_exact_for_few_sources_and_near_for_many() -> None:
    sheet = Sheet()
    for number in range(1_000):
        sheet.add(f"10.{number // 250}.{number % 250}.1", number, downloads=["aa"] if number < 50 else ["bb"])
    counts = background_of(sheet.frame()).counts()
    seen = sorted(counts.filter(counts["kind"] == BY_NAME["download"].number)["sources"])
    assert seen[0] == 50
    assert 700 < seen[1] <= 1_000


def test_it_is_read_as_it_was_written() -> None:
    some = background_of(Sheet().ordinary(50).frame())
    assert Background.from_bytes(some.to_bytes()) == some
    with pytest.raises(ValueError, match="background of version"):
        Background.from_bytes(b"another\n")


def test_it_tells_who_shared_a_value_before() -> None:
    known = background_of(Sheet().ordinary(50).group(GROUP[:4]).frame())
    sharing = set(known.sharing(background_of(Sheet(3).group(GROUP[4:]).frame())))
    assert {source_digest(address) for address in GROUP[:4]} <= sharing
