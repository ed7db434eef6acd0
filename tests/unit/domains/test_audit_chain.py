"""Seals as pure functions: what any change to what they cover does to them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from clew.domains.audit.chain import End, Entry, Header, Keys, commitment_of, decode, digest_of, encode, is_signed
from clew.kernel.installation_secret import InstallationSecret
from tests.support.record import NOON

KEYS = Keys(InstallationSecret(b"a secret of at least thirty-two bytes", "here"))
entries = st.builds(
    Entry,
    kind=st.integers(1, 6),
    month=st.integers(0, 65_535),
    xid=st.integers(0, 2**63 - 1),
    id=st.integers(1, 2**63 - 1),
    commitment=st.binary(min_size=32, max_size=32),
)


def header_of(batch: list[Entry], number: int = 1) -> Header:
    return Header(UUID(int=7), number, NOON, len(batch), 0, batch[-1].id)


@given(st.lists(entries, min_size=1, max_size=20))
def test_entries_come_back_as_they_were(batch: list[Entry]) -> None:
    assert list(decode(encode(batch))) == batch


@given(st.lists(entries, min_size=1, max_size=5), st.data())
def test_any_changed_bit_of_the_entries_changes_the_digest(batch: list[Entry], data: st.DataObject) -> None:
    header, content = header_of(batch), bytearray(encode(batch))
    before = digest_of(bytes(32), header, bytes(content))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert digest_of(bytes(32), header, bytes(content)) != before


@given(st.lists(entries, min_size=1, max_size=3))
def test_each_part_of_a_seal_is_signed(batch: list[Entry]) -> None:
    seal = KEYS.link(End(), header_of(batch), encode(batch))
    assert is_signed(KEYS.public, seal)
    header = seal.header
    for other in (
        replace(header, organization_id=uuid4()),
        replace(header, number=header.number + 1),
        replace(header, sealed_at=header.sealed_at + timedelta(microseconds=1)),
        replace(header, rows=header.rows + 1),
        replace(header, rows_before=1),
        replace(header, last_id=header.last_id - 1),
    ):
        assert not is_signed(KEYS.public, replace(seal, header=other))
    assert not is_signed(KEYS.public, replace(seal, seal=bytes(32)))
    assert not is_signed(KEYS.public, replace(seal, digest=bytes(32)))


@given(st.lists(entries, min_size=2, max_size=2))
def test_a_chain_depends_on_all_before_and_on_the_secret(batch: list[Entry]) -> None:
    first, second = ([each] for each in batch)
    one = KEYS.link(End(), header_of(first), encode(first))
    two = KEYS.link(End.after(one), header_of(second, 2), encode(second))
    elsewhere = KEYS.link(End(), header_of(second, 2), encode(second))
    assert two.digest != elsewhere.digest
    assert two.seal != elsewhere.seal
    other = Keys(InstallationSecret(b"another secret of thirty-two bytes", "there"))
    forged = other.link(End.after(one), header_of(second, 2), encode(second))
    assert forged.digest == two.digest, "whoever has the rows can follow the digests"
    assert forged.seal != two.seal
    assert not is_signed(KEYS.public, forged)


def test_a_commitment_hides_what_it_commits_to() -> None:
    payload = '{"id": 1}'
    assert commitment_of(UUID(int=1), payload) != commitment_of(UUID(int=2), payload)
