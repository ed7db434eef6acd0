"""What campaign detection is compared with: three ways in common use, each at its best setting."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Final

import numpy as np
import polars as pl
import rustworkx as rx
from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]
from sklearn.cluster import DBSCAN  # type: ignore[import-untyped]
from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

Groups = list[tuple[str, ...]]
LEAST: Final = 3
EPSILONS: Final = (0.3, 0.6, 1.0, 1.5)
THRESHOLDS: Final = (0.3, 0.5, 0.7, 0.9)
PERMUTATIONS: Final = 64


def shared_hash(sessions: pl.DataFrame, _setting: float = 0.0) -> Groups:
    """Sources that have a file, a URL or a key in common, transitively."""
    holders: dict[Hashable, list[str]] = defaultdict(list)
    for column in ("downloads", "urls", "keys"):
        rows = sessions.filter(pl.col(column).list.len() > 0).select("source_ip", column)
        for source, value in rows.explode(column).unique().iter_rows():
            holders[column, value].append(source)
    return _connected((members[0], other) for members in holders.values() for other in members[1:])


def dbscan(sessions: pl.DataFrame, epsilon: float) -> Groups:
    """DBSCAN on numbers that describe a source and sixteen components of its words (TF-IDF)."""
    words = _words(sessions)
    numbers = _numbers(sessions)
    sources = numbers["source_ip"].to_list()
    matrix = TfidfVectorizer(analyzer=list, min_df=2).fit_transform([words[source] for source in sources])
    latent = TruncatedSVD(16, random_state=0).fit_transform(matrix)
    scaled = StandardScaler().fit_transform(numbers.drop("source_ip").to_numpy())
    labels = DBSCAN(eps=epsilon, min_samples=LEAST).fit_predict(np.hstack([scaled / 2, latent * 3]))
    groups: dict[int, list[str]] = defaultdict(list)
    for source, label in zip(sources, labels, strict=True):
        if label >= 0:
            groups[int(label)].append(source)
    return [tuple(group) for group in groups.values() if len(group) >= LEAST]


def minhash_lsh(sessions: pl.DataFrame, threshold: float) -> Groups:
    """datasketch: MinHash of each source's words, LSH at a threshold, connected components."""
    lsh = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    sketches = {}
    for source, some in _words(sessions).items():
        if some:
            sketches[source] = MinHash(num_perm=PERMUTATIONS)
            sketches[source].update_batch([word.encode() for word in set(some)])
            lsh.insert(source, sketches[source])
    return _connected((source, str(other)) for source, sketch in sketches.items() for other in lsh.query(sketch))


BASELINES: Final[dict[str, tuple[Callable[[pl.DataFrame, float], Groups], tuple[float, ...]]]] = {
    "shared hash": (shared_hash, (0.0,)), "DBSCAN": (dbscan, EPSILONS), "MinHash + LSH": (minhash_lsh, THRESHOLDS),
}  # fmt: skip


def _words(sessions: pl.DataFrame) -> dict[str, list[str]]:
    """All values of each source, as words that say their kind."""
    words: dict[str, list[str]] = {source: [] for source in sessions["source_ip"].unique().sort()}
    for column in ("credentials", "commands", "downloads", "urls", "keys", "http_paths", "payloads", "fingerprints"):
        rows = sessions.filter(pl.col(column).list.len() > 0).select("source_ip", column)
        for source, value in rows.explode(column).unique().sort("source_ip", column).iter_rows():
            words[source].append(f"{column}:{value}")
    return words


def _numbers(sessions: pl.DataFrame) -> pl.DataFrame:
    at = pl.col("started_at")
    hour = at.dt.hour() * (2 * np.pi / 24)
    return (
        sessions.group_by("source_ip")
        .agg(
            pl.len().log1p().alias("sessions"),
            (at.max() - at.min()).dt.total_seconds().log1p().alias("span"),
            at.dt.epoch("s").mean().alias("middle"),
            hour.sin().mean().alias("sine"),
            hour.cos().mean().alias("cosine"),
            pl.col("credentials").list.len().mean().log1p().alias("logins"),
            pl.col("commands").list.len().mean().log1p().alias("commands"),
            pl.col("downloads").list.len().sum().log1p().alias("downloads"),
            pl.col("succeeded").mean().alias("succeeded"),
            pl.col("target_port").n_unique().log1p().alias("ports"),
        )
        .fill_null(0.0)
        .sort("source_ip")
    )


def _connected(pairs: Iterable[tuple[str, str]]) -> Groups:
    graph: rx.PyGraph[str, None] = rx.PyGraph(multigraph=False)
    index: dict[str, int] = {}
    for one, other in pairs:
        for source in (one, other):
            if source not in index:
                index[source] = graph.add_node(source)
        if one != other:
            graph.add_edge(index[one], index[other], None)
    return [tuple(graph[node] for node in group) for group in rx.connected_components(graph) if len(group) >= LEAST]
