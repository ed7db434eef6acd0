"""Who has no engine does not wait for the client of one."""

import subprocess
import sys
from pathlib import Path

LOADED = """
import sys
from pathlib import Path
from clew.api import services
from clew.cli.diagnosis import examination
from clew.kernel.settings import Settings
from clew.projections import service
from clew.projections.search_place import search_view
search_view(Settings(data_dir=Path(sys.argv[1]))).state()
print(sorted({"elastic_transport", "pybreaker", "urllib3.connectionpool"} & sys.modules.keys()))
print(sorted(name for name in sys.modules if name.startswith("clew.projections.search.elastic.")))
"""


def test_nothing_of_an_engine_is_loaded_where_none_is_set(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path)], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.splitlines() == ["[]", "[]"]
