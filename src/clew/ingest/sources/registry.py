"""Every source, in the order in which documentation lists them. Adding a tool is one line here."""

from typing import Final

from clew.ingest.sources.base import Source
from clew.ingest.sources.cowrie import CowrieSource
from clew.ingest.sources.dionaea import DionaeaSource
from clew.ingest.sources.heralding import HeraldingSource
from clew.ingest.sources.holehe import HoleheSource
from clew.ingest.sources.honeytrap import HoneytrapSource
from clew.ingest.sources.sherlock import SherlockSource
from clew.ingest.sources.subfinder import SubfinderSource
from clew.ingest.sources.tiktok import TikTokSource

SOURCES: Final[tuple[Source, ...]] = (
    SherlockSource(),
    HoleheSource(),
    TikTokSource(),
    SubfinderSource(),
    CowrieSource(),
    HeraldingSource(),
    DionaeaSource(),
    HoneytrapSource(),
)
