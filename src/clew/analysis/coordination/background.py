"""What is common: how many sources have each value, kept so that it can be added to without what it came from.

Of each value the 64 sources with the least digest are kept (a KMV sketch: Bar-Yossef et al., "Counting distinct
elements in a data stream", 2002). Up to 63 sources the count is exact and the list is an index from values to sources;
beyond, it is an estimate within about an eighth. The union of two sketches is the sketch of the union, so sums do not
depend on order, on overlap or on how often a part is added: `a + a == a`.
"""

import io
from dataclasses import dataclass
from typing import Final

import polars as pl

from clew.analysis.coordination.compute import LOCAL, Compute
from clew.analysis.coordination.digests import digest, digests
from clew.analysis.coordination.sessions import prepare
from clew.analysis.coordination.sketches import POSTINGS, SKETCH, counted, estimated, sketched
from clew.analysis.coordination.timing import spans

VERSION: Final = "background-v1"


@dataclass(frozen=True, slots=True)
class Background:
    """Postings (kind, value, source digest), sorted; digests of all sources seen; first and last second seen."""

    postings: pl.DataFrame
    sources: pl.Series
    span: tuple[int, int]

    def __add__(self, other: "Background") -> "Background":
        """The background of both: what was seen in either."""
        if not other.size:
            return self
        if not self.size:
            return other
        touched = other.postings.select("kind", "value").unique()
        rest = self.postings.join(touched, on=["kind", "value"], how="anti")
        mine = self.postings.join(touched, on=["kind", "value"], how="semi")
        both = sketched(pl.concat([mine, other.postings]))
        sources = pl.concat([self.sources, other.sources]).unique().sort()
        span = min(self.span[0], other.span[0]), max(self.span[1], other.span[1])
        return Background(pl.concat([rest, both]).sort(POSTINGS.names()), sources, span)

    def __eq__(self, other: object) -> bool:
        """Whether both were seen the same."""
        if not isinstance(other, Background):
            return NotImplemented
        same = self.postings.equals(other.postings) and self.sources.equals(other.sources)
        return same and self.span == other.span

    __hash__ = None  # type: ignore[assignment]

    @property
    def size(self) -> int:
        """Number of sources seen."""
        return len(self.sources)

    @property
    def seconds(self) -> float:
        """How long it was looked at, at least a second."""
        return float(max(self.span[1] - self.span[0], 1))

    def counts(self, compute: Compute | None = None) -> pl.DataFrame:
        """Kind · value · sources (Float64, exact below 64, else estimated)."""
        kept = compute.counted(self.postings) if compute else counted(self.postings)
        return estimated(kept, self.size)

    def to_bytes(self) -> bytes:
        """Arrow IPC, compressed, with its version."""
        kinds = pl.concat([self.postings, _as_postings(self.sources)])
        buffer = io.BytesIO()
        buffer.write(f"{VERSION} {self.span[0]} {self.span[1]}\n".encode())
        kinds.write_ipc(buffer, compression="zstd")
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Background":
        """What `to_bytes` wrote. Raises ValueError for another version."""
        head, _, frame = content.partition(b"\n")
        version, *span = head[:80].split()
        if version != VERSION.encode() or len(span) != 2:
            raise ValueError(f"a background of version {version[:40]!r}; this release reads {VERSION}")
        rows = pl.read_ipc(io.BytesIO(frame))
        return cls(
            rows.filter(pl.col("kind") > 0), rows.filter(pl.col("kind") == 0)["source"], (int(span[0]), int(span[1]))
        )

    def sharing(self, traits: "Background") -> pl.Series:
        """Digests of the sources known to share a value (of at most 63 sources) with those of another background."""
        rare = self.postings.join(traits.postings.select("kind", "value").unique(), on=["kind", "value"], how="semi")
        rare = rare.filter(pl.len().over("kind", "value") < SKETCH)
        return rare["source"].unique().sort()


def nothing() -> Background:
    """The background of no sessions."""
    return Background(pl.DataFrame(schema=POSTINGS), pl.Series("source", [], pl.UInt64), (0, 0))


def background_of(sessions: pl.DataFrame) -> Background:
    """What these sessions show. Columns as `sessions.SCHEMA`."""
    ready = prepare(sessions)
    return from_traits(LOCAL.observe(ready, timed=True).traits, source_digests(ready), spans(ready))


def source_digests(sessions: pl.DataFrame) -> pl.Series:
    """Digest of each source of prepared sessions, by `source`."""
    return digests(sessions["source_ip"].unique(maintain_order=True)).alias("source")


def source_digest(address: str) -> int:
    """How a background names an address."""
    return digest(address)


def from_traits(traits: pl.DataFrame, digest_of: pl.Series, seen: pl.DataFrame, compute: Compute = LOCAL) -> Background:
    """The background of observed traits; `digest_of` gives each source's digest by its position, `seen` its times."""
    if not seen.height:
        return nothing()
    postings = traits.select("kind", "value", digest_of.gather(traits["source"]).alias("source"))
    span = seen.select(pl.col("first").min(), pl.col("last").max()).row(0)
    return Background(compute.sketched(postings), digest_of.unique().sort(), span)


def _as_postings(sources: pl.Series) -> pl.DataFrame:
    kind, value = pl.lit(0, pl.UInt8()).alias("kind"), pl.lit(0, pl.UInt64()).alias("value")
    return pl.DataFrame({"source": sources}).select(kind, value, "source")
