"""How the trail is chained: pure functions from rows to entries, from entries to seals, and back.

Each seal covers a batch of rows of one organization. Its `digest` is plain SHA-256, so that whoever has the rows can
follow the chain; `seal` is an HMAC over the chain of seals, which nobody can continue without the installation's
secret; `signature` (Ed25519) makes the seal a checkpoint that anybody can check who knows the public key.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from clew.kernel.errors import ClewError
from clew.kernel.installation_secret import InstallationSecret

KINDS: Final = (
    "events",
    "row_history",
    "configuration_changes",
    "investigation_states",
    "risk_assessments",
    "compliance_assessments",
)
"""The sealed tables of the schema audit; `kind` in the view audit.trail counts them from 1."""

BEGINNING: Final = bytes(32)
"""What the first seal of a chain takes for the digest and the seal before it."""

ENTRY_BYTES: Final = 52

_ENTRY: Final = struct.Struct(">HHqq32s")
_HEADER: Final = struct.Struct(">16sqqiqq")
_DIGEST_OF: Final = b"clew audit digest v1\n"
_SEAL_OF: Final = b"clew audit seal v1\n"
_SIGNATURE_OF: Final = b"clew audit checkpoint v1\n"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AuditChainError(ClewError):
    """The audit trail is not as it was sealed, or cannot be sealed any further."""

    code = "audit_chain_broken"
    exit_code = 13


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as a seal knows it. `month` counts from January 2000; `commitment` is SHA-256 of salt and payload."""

    kind: int
    month: int
    xid: int
    id: int
    commitment: bytes

    @property
    def table(self) -> str:
        """The row's table."""
        return f"audit.{KINDS[self.kind - 1]}" if 0 < self.kind <= len(KINDS) else f"table {self.kind}"


@dataclass(frozen=True, slots=True)
class Header:
    """What a seal says of itself beside its entries. `last_id` is the number of the last row it covers."""

    organization_id: UUID
    number: int
    sealed_at: datetime
    rows: int
    rows_before: int
    last_id: int

    def encode(self) -> bytes:
        """The header as it is hashed and signed."""
        micros = (self.sealed_at - _EPOCH) // timedelta(microseconds=1)
        return _HEADER.pack(self.organization_id.bytes, self.number, micros, self.rows, self.rows_before, self.last_id)


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of an organization's chain."""

    header: Header
    digest: bytes
    seal: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain ends: what the next seal is chained to."""

    number: int = 0
    rows: int = 0
    digest: bytes = BEGINNING
    seal: bytes = BEGINNING

    @classmethod
    def after(cls, seal: Seal) -> Self:
        """The end of a chain whose last link is that seal."""
        return cls(seal.header.number, seal.header.rows_before + seal.header.rows, seal.digest, seal.seal)


class Keys:
    """The two keys of the chain, derived from the installation's secret."""

    def __init__(self, secret: InstallationSecret) -> None:
        self._chain = secret.key("audit")
        self._signing = Ed25519PrivateKey.from_private_bytes(secret.key("audit checkpoint"))
        self.public = self._signing.public_key()

    @property
    def public_hex(self) -> str:
        """The public key, by which others check signatures, as 64 hexadecimal digits."""
        return self.public.public_bytes_raw().hex()

    def link(self, end: End, header: Header, entries: bytes) -> Seal:
        """The seal that continues a chain."""
        digest = digest_of(end.digest, header, entries)
        seal = self.seal_of(end.seal, digest)
        return Seal(header, digest, seal, self._signing.sign(_signed(header, digest, seal)))

    def seal_of(self, before: bytes, digest: bytes) -> bytes:
        """HMAC-SHA-256 over the seal before and this digest."""
        return hmac.digest(self._chain, _SEAL_OF + before + digest, "sha256")

    def sign(self, purpose: str, content: bytes) -> bytes:
        """A signature for something that is no seal."""
        return self._signing.sign(_purposed(purpose, content))


def public_key(hexadecimal: str) -> Ed25519PublicKey:
    """The public key of 64 hexadecimal digits. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(hexadecimal))


def is_signed(public: Ed25519PublicKey, seal: Seal) -> bool:
    """Whether the seal's signature is that key's."""
    return _is_valid(public, seal.signature, _signed(seal.header, seal.digest, seal.seal))


def is_signed_content(public: Ed25519PublicKey, signature: bytes, purpose: str, content: bytes) -> bool:
    """Whether `Keys.sign` made the signature."""
    return _is_valid(public, signature, _purposed(purpose, content))


def digest_of(before: bytes, header: Header, entries: bytes) -> bytes:
    """SHA-256 over the digest before, the header and the entries."""
    return hashlib.sha256(_DIGEST_OF + before + header.encode() + entries).digest()


def commitment_of(salt: UUID, payload: str) -> bytes:
    """What audit.commitment computes in the database: SHA-256 of the salt's 16 bytes and the payload's text."""
    return hashlib.sha256(salt.bytes + payload.encode()).digest()


def encode(entries: Iterable[Entry]) -> bytes:
    """Entries as a seal stores them."""
    return b"".join(_ENTRY.pack(each.kind, each.month, each.xid, each.id, each.commitment) for each in entries)


def decode(entries: bytes) -> Iterator[Entry]:
    """The entries that `encode` wrote. Raises struct.error for a length that is none of theirs."""
    return (Entry(*fields) for fields in _ENTRY.iter_unpack(entries))


def _signed(header: Header, digest: bytes, seal: bytes) -> bytes:
    return _SIGNATURE_OF + header.encode() + digest + seal


def _purposed(purpose: str, content: bytes) -> bytes:
    return f"clew audit {purpose} v1\n".encode() + content


def _is_valid(public: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    try:
        public.verify(signature, content)
    except InvalidSignature:
        return False
    return True
