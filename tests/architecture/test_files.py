"""No file tells where it was written, and the documentation's own links lead somewhere."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.repository import ROOT, files, relative

PUBLIC_REGISTRIES = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "registry.npm" + "mirror.com")
INDEX_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def registries() -> set[str]:
    """Hosts that packages come from: the public ones and those this environment is set to use."""
    named = [url for variable in INDEX_VARIABLES for url in os.environ.get(variable, "").split()]
    return {*PUBLIC_REGISTRIES, *(host for url in named if (host := urlsplit(url.partition("=")[2] or url).hostname))}


def places() -> set[str]:
    """Folders of this machine that only a careless file would name."""
    return {str(ROOT), str(Path.home())} - {"/", "/root", "/home"}


def mentions(needles: set[str]) -> list[str]:
    # A folder counts only where the path begins or goes on below it, so that /x/main does not match /x/mainland.
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(needle)}(?![\w-])" for needle in sorted(needles)).encode())
    return [relative(path) for path in files() if pattern.search(path.read_bytes())]


def test_no_file_names_a_package_registry() -> None:
    assert mentions(registries()) == []


def test_no_file_names_a_place_on_this_machine() -> None:
    assert mentions(places()) == []


def test_such_a_mention_would_be_found() -> None:
    assert relative(Path(__file__).resolve()) in mentions({"/x/main"})


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def links(document: Path) -> set[Path]:
    """The files that a document links to, each as a path of this repository."""
    found = (urlsplit(match["target"]) for match in LINK.finditer(document.read_text(encoding="utf-8")))
    return {(document.parent / url.path).resolve() for url in found if url.path and not url.scheme}


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = {relative(page): str(target) for page in documents() for target in links(page) if not target.exists()}
    assert broken == {}


def test_every_page_of_the_documentation_can_be_reached() -> None:
    pages = {path for path in documents() if path.is_relative_to(ROOT / "docs")}
    reached, waiting = set[Path](), [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page in pages:
            reached.add(page)
            waiting.extend(links(page))
    assert {relative(page) for page in pages - reached} == set()
