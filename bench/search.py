"""The search view: how fast it is built, how fast it answers, and how soon a new process can ask it.

Documents are made up from a vocabulary with the frequencies of a natural language (Zipf-Mandelbrot), four entities to
one post. The baseline of every question is one bare Tantivy term query in the same index, in the same run.
"""

import itertools
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psutil
import tantivy

from bench.places import run_module
from bench.results import MEBIBYTE, Measure, Result
from clew.projections.search.fields import DocumentSet, SearchIndex
from clew.projections.search.port import GeoRadius, SearchReader, SearchRequest, Sort
from clew.projections.search.tantivy.view import TantivySearchView

ORGANIZATION: Final = UUID(int=7)
SET: Final = DocumentSet.OSINT_ENTITIES
_WORDS: Final = 150_000
_BATCH: Final = 10_000
_QUESTIONS: Final = 200
_STARTS: Final = 5
_START: Final = """
import sys, time
began = time.perf_counter()
from pathlib import Path
from uuid import UUID
from clew.projections.search.port import SearchRequest
from clew.projections.search.tantivy.view import TantivySearchView
imported = time.perf_counter()
with TantivySearchView(Path(sys.argv[1])).reader() as reader:
    reader.search(UUID(sys.argv[2]), SearchRequest(text=sys.argv[3], facets=("entity_type",), highlight=True))
print(imported - began, time.perf_counter() - imported)
"""


class Text:
    """Words of a made-up language, from the most frequent to the rarest."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
        syllables = [a + b for a in consonants for b in vowels] + [
            a + b + c for a in "bdgklmnrst" for b in vowels for c in "lnrs"
        ]
        words: dict[str, None] = {}
        while len(words) < _WORDS:
            words["".join(self._random.choices(syllables, k=self._random.choice((1, 2, 2, 3, 3, 4))))] = None
        self.words = sorted(words, key=len)
        tail = self.words[200:]
        self._random.shuffle(tail)
        self.words[200:] = tail
        self._cumulative = list(itertools.accumulate(1 / (rank + 2.7) ** 1.07 for rank in range(1, _WORDS + 1)))

    def some(self, count: int) -> list[str]:
        """Words as often as they occur in text."""
        return self._random.choices(self.words, cum_weights=self._cumulative, k=count)

    def name(self) -> str:
        """Two rare words."""
        return f"{self._random.choice(self.words[1000:9000])} {self._random.choice(self.words[2000:60000])}".title()


def documents(count: int, seed: int = 11) -> Iterator[dict[str, Any]]:
    """So many documents as the projector makes them: four entities, then a post."""
    text, chance = Text(seed), random.Random(seed)
    types = ("person", "username", "domain", "email", "social_profile")
    for number in range(count):
        day = f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}"
        when = f"{day}T{number % 24:02}:{number % 60:02}:00.{number % 1_000_000:06}Z"
        document: dict[str, Any] = {
            "id": str(UUID(int=chance.getrandbits(128))),
            "doc_type": "entity",
            "tags": ["case-7"] if number % 3 == 0 else [],
            "sources": ["sherlock"],
            "risk_score": chance.randrange(101),
            "confidence": 0.5,
            "first_seen": when,
            "last_seen": when,
            "created_at": when,
            "updated_at": when,
        }
        if number % 5 == 4:
            content = " ".join(text.some(chance.randrange(8, 45)))
            document |= {"doc_type": "social_post", "platform": "mastodon", "content": content, "language": "en"}
        else:
            name, kind = text.name(), types[number % 5]
            if kind in ("domain", "email"):
                name = name.lower().replace(" ", "." if kind == "domain" else "@") + ".example"
            document |= {
                "entity_type": kind,
                "name": name,
                "normalized_name": name.lower(),
                "properties": {"n": number},
            }
            if kind == "username":
                document["username"] = f"{name.replace(' ', '_').lower()}{number % 100}"
            if number % 20 == 0:
                document["location"] = {"lat": chance.uniform(-60, 70), "lon": chance.uniform(-180, 180)}
        yield document


def search(place: Path, count: int) -> Result:
    """Everything about the search view, `count` documents in it, in a process of its own."""
    (found,) = run_module("bench.search", [str(place / "view"), str(count)])
    bare = found["bare"]
    measures = [
        Measure("put, until committed", found["put_rate"], "documents/s", least=25_000),
        Measure("put, until merged and published", found["published_rate"], "documents/s"),
        Measure("putting a tenth of them again", found["again_rate"], "documents/s"),
        Measure("reading everything back", found["stored_rate"], "documents/s", least=100_000),
        Measure("peak memory of the writer's process", found["peak_bytes"] / MEBIBYTE, "MiB"),
        Measure("size on disk", found["disk_bytes"] / MEBIBYTE, "MiB"),
        Measure("segments", found["segments"]),
        Measure("bare Tantivy: a mid-frequency term, ten addresses, p95", bare, "ms"),
    ]
    promised = {
        "two mid-frequency words, highlight, facet": 5.0,
        "each of the 20 commonest words": 25.0,
        "autocomplete": 3.0,
    }
    for name, (middle, high) in found["questions"].items():
        measures.append(Measure(f"{name}, median", middle, "ms"))
        measures.append(Measure(f"{name}, p95", high, "ms", most=promised.get(name)))
        measures.append(Measure(f"{name}, p95 / bare", high / bare))
    measures += [
        Measure("new process: import", found["import_ms"], "ms"),
        Measure("new process: open and search once", found["first_ms"], "ms", most=200),
    ]
    return Result("search", f"{count:,} documents, four entities to one post", tuple(measures))


def main() -> None:
    """Build a view at argv[1] with argv[2] documents; print what was found as JSON."""
    root, count = Path(sys.argv[1]), int(sys.argv[2])
    view = TantivySearchView(root)
    found: dict[str, Any] = _build(view, count)
    found["peak_bytes"] = _peak()
    found["disk_bytes"] = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    with view.reader() as reader:
        began = time.perf_counter()
        held = sum(1 for _ in reader.stored(ORGANIZATION, SET))
        if held != count:
            raise RuntimeError(f"{held} documents instead of {count}")
        found["stored_rate"] = count / (time.perf_counter() - began)
        _ask(reader, found, root)
    starts = [_start(root, Text(11).words[3000]) for _ in range(_STARTS)]
    found["import_ms"] = statistics.median(start[0] for start in starts) * 1000
    found["first_ms"] = statistics.median(start[1] for start in starts) * 1000
    print(json.dumps(found))


def _build(view: TantivySearchView, count: int) -> dict[str, Any]:
    spent, again = 0.0, []
    writer = view.writer(fresh=True)
    made = documents(count)
    for number, batch in enumerate(iter(lambda: list(itertools.islice(made, _BATCH)), [])):
        began = time.perf_counter()
        if writer.put(ORGANIZATION, SET, batch):
            raise RuntimeError("documents were refused")
        spent += time.perf_counter() - began
        if number % 10 == 9:
            again += batch
    began = time.perf_counter()
    writer.commit("1")
    committed = spent + time.perf_counter() - began
    view.publish(writer)
    published = spent + time.perf_counter() - began
    began = time.perf_counter()
    with view.writer() as writer:
        writer.put(ORGANIZATION, SET, again)
        writer.commit("2")
        renewed = time.perf_counter() - began
    return {
        "put_rate": count / committed,
        "published_rate": count / published,
        "again_rate": len(again) / renewed if again else 0.0,
    }


def _ask(reader: SearchReader, found: dict[str, Any], root: Path) -> None:
    words = Text(11).words
    chance = random.Random(3)
    middle = words[300:1500]
    (directory,) = (path.parent for path in root.rglob("meta.json"))
    index = tantivy.Index.open(str(directory))
    searcher = index.searcher()
    found["segments"] = searcher.num_segments
    terms = [chance.choice(middle) for _ in range(_QUESTIONS)]

    def bare(word: str) -> None:
        searcher.search(tantivy.Query.term_query(index.schema, "content__words", word), limit=10)

    found["bare"] = _timed(bare, terms)[1]
    found["questions"] = questions(reader)


def questions(reader: SearchReader) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of the answers to every kind of question, in milliseconds."""
    words = Text(11).words
    chance = random.Random(3)
    middle = words[300:1500]
    pairs = [" ".join(chance.sample(middle, 2)) for _ in range(_QUESTIONS)]
    names = [document["name"] for document in itertools.islice(documents(3000), 3000) if "name" in document]
    beginnings = [chance.choice(names)[: chance.randrange(1, 8)] for _ in range(_QUESTIONS)]

    def ask(**rest: Any) -> Callable[[str], None]:
        return lambda text: void(reader.search(ORGANIZATION, SearchRequest(text=text, **rest)))

    places = [(chance.uniform(-55, 65), chance.uniform(-180, 180)) for _ in range(50)]
    return {
        "two mid-frequency words, highlight, facet": _timed(ask(highlight=True, facets=("platform",)), pairs),
        "either of two mid-frequency words, highlight, facet": _timed(
            ask(highlight=True, facets=("platform",)), [pair.replace(" ", " OR ") for pair in pairs]
        ),
        "each of the 20 commonest words": _timed(ask(), words[:20] * 5),
        "each of the 20 commonest words, highlight, facet": _timed(
            ask(highlight=True, facets=("platform",)), words[:20] * 5
        ),
        "autocomplete": _timed(lambda text: void(reader.suggest(ORGANIZATION, text)), beginnings),
        "a name, one letter wrong": _timed(
            ask(fuzzy=1, index=SearchIndex.ENTITIES), [f"{name[:-1]}x" for name in names[:100]]
        ),
        "everything by risk": _timed(ask(sort=(Sort("risk_score"),)), [""] * 20),
        "within 500 km": _timed(
            lambda place: void(reader.search(ORGANIZATION, SearchRequest(within=GeoRadius(place[0], place[1], 500.0)))),
            places,
        ),
    }


def void(_: object) -> None:
    """What was answered is not looked at."""


def _timed(ask: Callable[[Any], None], questions: list[Any]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, after one round that is not counted."""
    for question in questions[:20]:
        ask(question)
    taken = []
    for question in questions:
        began = time.perf_counter()
        ask(question)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def _start(root: Path, word: str) -> tuple[float, float]:
    command = [sys.executable, "-c", _START, str(root), str(ORGANIZATION), word]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    imported, searched = done.stdout.split()
    return float(imported), float(searched)


def _peak() -> int:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
