"""What the node `communities` found, as it is put away: an analysis without its background, which follows anew."""

from dataclasses import dataclass

import msgspec

from clew.analysis.coordination import Analysis, Background, Community, Hub, Scores


@dataclass(frozen=True, slots=True)
class Findings:
    """See `clew.analysis.coordination.Analysis`."""

    confidence: float
    scores: Scores
    communities: tuple[Community, ...]
    suppressed: tuple[Hub, ...]
    sessions: int
    sources: int
    candidate_pairs: int
    versions: dict[str, str]

    @classmethod
    def of(cls, analysis: Analysis) -> "Findings":
        """What an analysis found."""
        return cls(**{name: getattr(analysis, name) for name in cls.__slots__})

    @classmethod
    def from_json(cls, content: bytes) -> "Findings":
        """What `to_json` gave. Raises ValueError for what is none."""
        return msgspec.json.decode(content, type=cls)

    def to_json(self) -> bytes:
        """Every value as it is: numbers and times come back the same."""
        return msgspec.json.encode(self)

    def analysis(self, background: Background) -> Analysis:
        """The analysis again, with its background."""
        return Analysis(**{name: getattr(self, name) for name in self.__slots__}, background=background)
