"""What is promised of the Tantivy view's directory, beyond the contract of the port."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchRequest
from clew.projections.search.tantivy import writer as writing
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search.tantivy.writer import TantivyWriter

ORGANIZATION = UUID(int=1)
SET = DocumentSet.OSINT_ENTITIES


def _document(number: int) -> dict[str, object]:
    return {"id": str(UUID(int=number)), "doc_type": "entity", "entity_type": "person", "name": f"Name {number}"}


def _filled(root: Path, count: int = 10) -> TantivySearchView:
    view = TantivySearchView(root)
    writer = view.writer()
    writer.put(ORGANIZATION, SET, [_document(number) for number in range(count)])
    writer.commit("1")
    view.publish(writer)
    return view


def test_everything_is_private(tmp_path: Path) -> None:
    _filled(tmp_path / "view")
    for path in [tmp_path / "view", *(tmp_path / "view").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_view_of_another_schema_counts_as_none(tmp_path: Path) -> None:
    view = _filled(tmp_path / "view")
    (state,) = (tmp_path / "view").rglob("state.json")
    state.write_bytes(state.read_bytes().replace(b'"schema_version":', b'"schema_version":9'))
    assert view.state() is None


def test_a_name_that_leads_elsewhere_is_no_generation(tmp_path: Path) -> None:
    view = _filled(tmp_path / "view")
    (tmp_path / "view" / "current").write_text("../../etc")
    assert view.state() is None


def test_unpublished_generations_of_the_dead_are_removed(tmp_path: Path) -> None:
    view = _filled(tmp_path / "view")
    left = view.writer(fresh=True)
    left.put(ORGANIZATION, SET, [_document(1)])
    left.commit("x")
    left.close()
    assert len(list((tmp_path / "view" / "generations").iterdir())) == 2
    view.writer().close()
    assert len(list((tmp_path / "view" / "generations").iterdir())) == 1


def test_a_writer_s_first_deletion_has_a_number_of_its_own(tmp_path: Path) -> None:
    """A deletion numbered as the last commit may be lost in merges that a kill had cut off (see the writer)."""
    view = _filled(tmp_path / "view")
    (listed,) = (tmp_path / "view").rglob("meta.json")
    before = orjson.loads(listed.read_bytes())["opstamp"]
    with view.writer() as writer:
        writer.remove(ORGANIZATION, SET, [str(_document(3)["id"])])
        writer.commit("2")
    # Numbered `before` is the deletion of nobody, then come the one asked for, and the commit.
    assert orjson.loads(listed.read_bytes())["opstamp"] == before + 2


def test_a_writer_killed_while_it_committed_does_not_stop_the_next_one(tmp_path: Path) -> None:
    """Its list of deleted documents is there, and the commit that names it is not."""

    def put_again(view: TantivySearchView) -> None:
        with view.writer() as writer:
            writer.put(ORGANIZATION, SET, [_document(3) | {"name": "Changed"}])
            writer.commit("2")

    killed, other = _filled(tmp_path / "killed"), tmp_path / "other"
    shutil.copytree(tmp_path / "killed", other)
    put_again(TantivySearchView(other))
    (deletions,) = other.rglob("*.del")
    shutil.copy(deletions, tmp_path / "killed" / deletions.relative_to(other))
    put_again(killed)
    with killed.reader() as reader:
        assert reader.search(ORGANIZATION, SearchRequest(text="changed")).total == 1
        assert reader.count(ORGANIZATION, SET) == 10


def test_few_indexes_are_open_at_a_time(tmp_path: Path) -> None:
    view = TantivySearchView(tmp_path / "view")
    with view.writer() as writer:
        assert isinstance(writer, TantivyWriter)
        for number in range(1, 3 * writing._MOST_OPEN):
            writer.put(UUID(int=number), SET, [_document(number)])
            assert len(writer._open) <= writing._MOST_OPEN
        writer.commit("1")


def test_a_new_document_is_never_taken_for_an_old_one_wrongly() -> None:
    """The filter may think it knows a document it does not; never the other way round."""
    seen = writing._Seen()
    tails = [n * 0x9E3779B1 % 2**32 for n in range(1, 20_000)]
    assert len(seen.known(tails)) < 20
    assert seen.known(tails[:3]) == [0, 1, 2]
    assert len(seen.known([*tails, *tails])) == 2 * len(tails)
    assert seen.known([2**31 + 5, 2**31 + 6, 2**31 + 5]) == [2]


def test_searching_needs_neither_the_language_models_nor_h3(tmp_path: Path) -> None:
    _filled(tmp_path / "view")
    script = (
        "import sys; from pathlib import Path; from uuid import UUID\n"
        "from clew.projections.search.port import SearchRequest\n"
        "from clew.projections.search.tantivy.view import TantivySearchView\n"
        f"with TantivySearchView(Path({str(tmp_path / 'view')!r})).reader() as reader:\n"
        "    assert reader.search(UUID(int=1), SearchRequest(text='name', highlight=True)).total == 10\n"
        "print([name for name in ('lingua', 'h3', 'numpy', 'sqlalchemy', 'psycopg', 'polars') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_and_threads_can_be_set(tmp_path: Path, threads: int) -> None:
    view = TantivySearchView(tmp_path / "view", memory=1, threads=threads)
    writer = view.writer()
    writer.put(ORGANIZATION, SET, [_document(number) for number in range(2000)])
    writer.commit("1")
    view.publish(writer)
    with view.reader() as reader:
        assert reader.search(ORGANIZATION, SearchRequest(text="name", limit=0)).total == 2000
