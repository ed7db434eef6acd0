"""Every source, in the order in which documentation lists them. Adding a tool is one line here."""

from typing import Final

from clew.ingest.sources.amass import AmassSource
from clew.ingest.sources.base import Source
from clew.ingest.sources.bbot import BbotSource
from clew.ingest.sources.cowrie import CowrieSource
from clew.ingest.sources.dionaea import DionaeaSource
from clew.ingest.sources.dnsx import DnsxSource
from clew.ingest.sources.dshield import DShieldSource
from clew.ingest.sources.heralding import HeraldingSource
from clew.ingest.sources.hibp import HibpSource
from clew.ingest.sources.holehe import HoleheSource
from clew.ingest.sources.honeytrap import HoneytrapSource
from clew.ingest.sources.httpx import HttpxSource
from clew.ingest.sources.maigret import MaigretSource
from clew.ingest.sources.mapped import MappedSource
from clew.ingest.sources.misp import MispSource
from clew.ingest.sources.nmap import NmapSource
from clew.ingest.sources.rdap import RdapSource
from clew.ingest.sources.sherlock import SherlockSource
from clew.ingest.sources.shodan import ShodanSource
from clew.ingest.sources.spiderfoot import SpiderFootSource
from clew.ingest.sources.stix import StixSource
from clew.ingest.sources.subfinder import SubfinderSource
from clew.ingest.sources.suricata import SuricataSource
from clew.ingest.sources.theharvester import TheHarvesterSource
from clew.ingest.sources.tiktok import TikTokSource
from clew.ingest.sources.virustotal import VirusTotalSource
from clew.ingest.sources.whois import WhoisSource

SOURCES: Final[tuple[Source, ...]] = (
    SherlockSource(),
    MaigretSource(),
    HoleheSource(),
    TikTokSource(),
    SubfinderSource(),
    AmassSource(),
    TheHarvesterSource(),
    NmapSource(),
    SpiderFootSource(),
    BbotSource(),
    HttpxSource(),
    DnsxSource(),
    ShodanSource(),
    HibpSource(),
    WhoisSource(),
    RdapSource(),
    VirusTotalSource(),
    CowrieSource(),
    HeraldingSource(),
    DionaeaSource(),
    HoneytrapSource(),
    DShieldSource(),
    SuricataSource(),
    MispSource(),
    StixSource(),
    MappedSource(),
)
