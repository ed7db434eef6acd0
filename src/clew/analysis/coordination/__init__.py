"""Coordinated attacks: which sources act together, how sure that is, and why.

`analyze` takes one frame with a row for each session (`SCHEMA`) and gives an `Analysis`; `explain` says it of two
addresses; `techniques` tells ATT&CK techniques from commands. Members of communities are source addresses; sessions
belong to their source's community. docs/explanation/coordination.md tells the method, with formulas and papers.

What holds for every result: it does not depend on the order of rows, on the names of sensors or on how the background
was added up; the number of pairs compared is linear in the number of sources; text of attackers comes out as printable
ASCII.
"""

from clew.analysis.coordination.analysis import AnalysisCancelledError, Stages, analyze, explain
from clew.analysis.coordination.background import Background, background_of, source_digest
from clew.analysis.coordination.findings import (
    Analysis,
    Community,
    Decisions,
    Depth,
    Evidence,
    Explanation,
    Hub,
    Indicator,
    PairExplanation,
    Scores,
)
from clew.analysis.coordination.sessions import SCHEMA
from clew.analysis.coordination.techniques import RULES, Rule, Technique, techniques
from clew.analysis.coordination.verdict import CAMPAIGN

__all__ = [
    "CAMPAIGN", "RULES", "SCHEMA", "Analysis", "AnalysisCancelledError", "Background", "Community", "Decisions",
    "Depth", "Evidence", "Explanation", "Hub", "Indicator", "PairExplanation", "Rule", "Scores", "Stages", "Technique",
    "analyze", "background_of", "explain", "source_digest", "techniques",
]  # fmt: skip
