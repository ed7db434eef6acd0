from pathlib import Path

import pytest

from clew.analysis.coordination import analyze
from tests.support import real_sessions

pytestmark = pytest.mark.realdata


def test_real_sessions_of_four_honeypots_are_read_and_explained(realdata: Path) -> None:
    folder = realdata / "honeypot"
    frames = (real_sessions.heralding, real_sessions.cowrie, real_sessions.dionaea, real_sessions.honeytrap)
    for sessions in (read(folder) for read in frames):
        analysis = analyze(sessions)
        assert analysis.sources > 1_000
        assert analysis.candidate_pairs <= 24 * analysis.sources
        for community in analysis.communities:
            assert community.evidence
            assert len(community.source_ips) >= 3
