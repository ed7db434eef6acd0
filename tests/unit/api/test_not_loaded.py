"""What a server does not load before anybody asks for it."""

import subprocess
import sys

PROGRAM = """
import sys
import clew.api.server, clew.api.services, clew.domains.analyses.settling, clew.worker.registry, clew.worker.runner
print(sorted({name.partition(".")[0] for name in sys.modules} & {"polars", "numpy", "rustworkx", "pyarrow", "daft"}))
"""


def test_a_server_at_rest_has_no_data_frames_arrays_or_graphs_loaded() -> None:
    assert loaded(PROGRAM) == "[]"


def test_what_a_server_writes_of_itself_takes_no_data_frames() -> None:
    assert "polars" not in loaded("import clew.projections.series.service\n" + PROGRAM)


def test_analyses_and_campaigns_are_shown_without_what_makes_them() -> None:
    shown = "import clew.api.cached, clew.api.warming, clew.api.routes.analyses as a\na.live.live_state, a.reading\n"
    assert loaded(shown + PROGRAM) == "[]"


def loaded(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()
